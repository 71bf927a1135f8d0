"""What the log knows of videos, in a few bytes each: which exist, which retries wait, whether YouTube refuses us."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from streams.discovery.channels import Channels
from streams.discovery.throttle import ALONE, Attempt, Pause, Refusal, Throttle
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable
from streams.events.envelope import UndecodableError
from streams.events.event import Event, Position
from streams.events.record import Record
from streams.events.videos import VideoDiscovered
from streams.log.topics import CAPTIONS, CAPTIONS_REQUESTS, CAPTIONS_UNAVAILABLE, CHANNELS, VIDEOS

log = logging.getLogger(__name__)

TOPICS = (CHANNELS, VIDEOS, CAPTIONS_REQUESTS, CAPTIONS, CAPTIONS_UNAVAILABLE)

# A probe without an answer: the workers are away, or it was lost with one.
PROBE_LIMIT = timedelta(minutes=10)


class Try(NamedTuple):
    """An attempt within a revision; a later one has seen the end of all before it."""

    revision: int
    attempt: int


_NONE = Try(0, 0)


@cache
def whole(revision: int) -> Try:
    """Past every attempt of a revision; one object for all videos."""
    return Try(revision, 2**31)


@dataclass(frozen=True, slots=True)
class Retry:
    """A failed try that is to be followed by another; its event stands at `position` in `captions.unavailable`.

    `next_try_at` null: it was the last one, unless the sentence turns out to be the client's fault. `refused`: it said
    nothing of the video. `order`: live videos before others, the oldest first.
    """

    video_id: str
    failed: Try
    failed_at: datetime
    refused: bool
    next_try_at: datetime | None
    order: tuple[bool, datetime]
    position: Position

    @property
    def as_attempt(self) -> Attempt:
        """The try that failed, as the throttle knows it."""
        return self.video_id, self.failed


@dataclass
class Known:
    """The state of watch. The topics may be applied in any order to one another, and records more than once."""

    channels: Channels = field(default_factory=Channels)
    settled: dict[str, Try] = field(default_factory=dict)
    """Every known video, with the last try that needs no more attention."""
    retries: dict[str, Retry] = field(default_factory=dict)
    throttle: Throttle = field(default_factory=Throttle)
    _sent_at: datetime | None = None
    _answered_at: datetime | None = None

    def apply(self, record: Record) -> None:
        """Fold one record. What cannot be read is skipped; it stays in the log."""
        video_id = (record.key or b"").decode(errors="replace")
        try:
            match record.topic, record.type:
                # A transcript is big: its headers say what is needed.
                case (CAPTIONS.name, CaptionsExtracted.__name__):
                    at = datetime.fromisoformat(record.header("ce_time") or "")
                    self._taken(video_id, int(record.header("ce_revision") or 1), at)
                case _:
                    self.apply_event(
                        record.event(), Position(partition=record.partition, offset=record.offset)
                    )
        except (UndecodableError, ValueError) as error:
            log.warning("%s[%d] offset %d: %s", record.topic, record.partition, record.offset, error)

    def apply_event(self, event: Event, position: Position) -> None:
        """Fold one event that stands at `position` in its topic."""
        match event:
            case VideoDiscovered():
                self._sent_at = max(event.at, self._sent_at or event.at)
                self._settle(event.video.video_id, _NONE)
            case CaptionsRequested():
                self._sent_at = max(event.at, self._sent_at or event.at)
                self._settle(event.video.video_id, Try(event.revision, event.attempt - 1))
            case CaptionsExtracted():
                self._taken(event.video.video_id, event.revision, event.at)
            case CaptionsUnavailable():
                self._unavailable(event, position)
            case _:
                self.channels.apply(event)

    def _settle(self, video_id: str, done: Try) -> None:
        self.settled[video_id] = max(done, self.settled.get(video_id, _NONE))
        retry = self.retries.get(video_id)
        if retry is not None and retry.failed <= self.settled[video_id]:
            del self.retries[video_id]

    def _taken(self, video_id: str, revision: int, at: datetime) -> None:
        self._answered_at = max(at, self._answered_at or at)
        self.throttle.served(at)
        self._settle(video_id, whole(revision))

    def _unavailable(self, event: CaptionsUnavailable, position: Position) -> None:
        video_id, failed = event.video.video_id, Try(event.revision, event.attempt)
        self._answered_at = max(event.at, self._answered_at or event.at)
        match event.failure:
            case "soon" | "unknown" as failure:
                self.throttle.refused(Refusal(event.at, video_id, failed, event.reason, failure == "unknown"))
            case "later":  # it was shown, and has no words yet
                self.throttle.served(event.at)
        if event.next_try_at is None and event.failure != "unknown":
            self._settle(video_id, failed)
            return
        self._settle(video_id, _NONE)
        pending = self.retries.get(video_id)
        # Of two events on one try the first by offset wins.
        if failed > self.settled[video_id] and (pending is None or failed > pending.failed):
            self.retries[video_id] = Retry(
                video_id=video_id,
                failed=failed,
                failed_at=event.at,
                refused=event.failure == "soon",
                next_try_at=event.next_try_at,
                order=(event.video.origin != "poll", event.video.published_at or event.at),
                position=position,
            )

    def first_retry(self, now: datetime) -> Retry | None:
        """The retry that goes next of those that are due, or None."""
        return min(self._due(now), key=lambda retry: retry.order, default=None)

    def first_probe(self, now: datetime) -> Retry | None:
        """The due retry whose video was asked for longest ago: one that is always refused must not be every probe."""
        return min(self._due(now), key=lambda retry: retry.failed_at, default=None)

    def due_count(self, now: datetime) -> int:
        """How many retries are due."""
        return sum(1 for _ in self._due(now))

    def _due(self, now: datetime) -> Iterator[Retry]:
        verdict = self.throttle.verdict()
        for retry in self.retries.values():
            if retry.video_id in verdict.alone:
                if retry.failed_at + ALONE <= now:
                    yield retry
            elif (
                retry.refused
                or retry.as_attempt in verdict.excused
                or (retry.next_try_at is not None and retry.next_try_at <= now)
            ):
                yield retry

    def is_excused(self, retry: Retry) -> bool:
        """Whether the try that failed says nothing of its video."""
        return retry.as_attempt in self.throttle.verdict().excused

    @property
    def pause(self) -> Pause | None:
        """Since when YouTube refuses captions, and when a probe may go."""
        return self.throttle.verdict().pause

    def may_probe(self, pause: Pause, now: datetime) -> bool:
        """Whether the next probe may go: it is time, and none is under way."""
        sent, answered = self._sent_at, self._answered_at
        is_out = (
            sent is not None
            and sent >= pause.until
            and (answered is None or answered < sent)
            and now < sent + PROBE_LIMIT
        )
        return now >= pause.until and not is_out

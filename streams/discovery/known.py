"""What the log knows of videos, in a few bytes each: which exist, which retries are due, whether YouTube throttles."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from streams.discovery.channels import Channels
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable
from streams.events.envelope import UndecodableError
from streams.events.event import Event, Position
from streams.events.record import Record
from streams.events.videos import VideoDiscovered
from streams.log.topics import CAPTIONS, CAPTIONS_REQUESTS, CAPTIONS_UNAVAILABLE, CHANNELS, VIDEOS

log = logging.getLogger(__name__)

TOPICS = (CHANNELS, VIDEOS, CAPTIONS_REQUESTS, CAPTIONS, CAPTIONS_UNAVAILABLE)


class Try(NamedTuple):
    """An attempt within a revision; a later one has seen the end of all before it."""

    revision: int
    attempt: int


_NONE = Try(0, 0)


@cache
def _whole(revision: int) -> Try:
    # Past every attempt of the revision; one object for all videos.
    return Try(revision, 2**31)


@dataclass(frozen=True, slots=True)
class Retry:
    """A failed try that is to be followed by another; its event stands at `position` in `captions.unavailable`."""

    video_id: str
    failed: Try
    next_try_at: datetime
    position: Position


@dataclass
class Known:
    """The state of watch. The topics may be applied in any order to one another, and records more than once."""

    channels: Channels = field(default_factory=Channels)
    settled: dict[str, Try] = field(default_factory=dict)
    """Every known video, with the last try that needs no more attention."""
    retries: dict[str, Retry] = field(default_factory=dict)
    refused_at: datetime | None = None

    def apply(self, record: Record) -> None:
        """Fold one record. What cannot be read is skipped; it stays in the log."""
        video_id = (record.key or b"").decode(errors="replace")
        try:
            match record.topic, record.type:
                # A transcript is big: its header says what is needed.
                case (CAPTIONS.name, CaptionsExtracted.__name__):
                    self._settle(video_id, _whole(int(record.header("ce_revision") or 1)))
                case (VIDEOS.name, VideoDiscovered.__name__):
                    self._settle(video_id, _NONE)
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
                self._settle(event.video.video_id, _NONE)
            case CaptionsRequested():
                self._settle(event.video.video_id, Try(event.revision, event.attempt - 1))
            case CaptionsUnavailable():
                self._unavailable(event, position)
            case _:
                self.channels.apply(event)

    def _settle(self, video_id: str, done: Try) -> None:
        self.settled[video_id] = max(done, self.settled.get(video_id, _NONE))
        retry = self.retries.get(video_id)
        if retry is not None and retry.failed <= self.settled[video_id]:
            del self.retries[video_id]

    def _unavailable(self, event: CaptionsUnavailable, position: Position) -> None:
        video_id, failed = event.video.video_id, Try(event.revision, event.attempt)
        if event.failure == "soon":
            self.refused_at = max(event.at, self.refused_at or event.at)
        if event.next_try_at is None:
            self._settle(video_id, failed)
            return
        self._settle(video_id, _NONE)
        pending = self.retries.get(video_id)
        # Of two events on one try the first by offset wins.
        if failed > self.settled[video_id] and (pending is None or failed > pending.failed):
            self.retries[video_id] = Retry(video_id, failed, event.next_try_at, position)

    def is_throttled(self, now: datetime, throttle: timedelta) -> bool:
        """Whether YouTube refused less than `throttle` ago."""
        return self.refused_at is not None and now < self.refused_at + throttle

    def first_retry(self, now: datetime) -> Retry | None:
        """The retry that has been due the longest, or None."""
        due = [retry for retry in self.retries.values() if retry.next_try_at <= now]
        return min(due, key=lambda retry: retry.next_try_at, default=None)

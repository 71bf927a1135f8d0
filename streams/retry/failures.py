"""What failed for good, and was not asked for again: a fold of the log, pure.

- Captions failed if a video's newest try is final, and nothing was requested or taken since.
- An analysis that is partial is one that failed: a whole one may be had with more room.
- An analysis failed if the newest repetition of its request failed for good, and its captions are the video's newest.
  One that exists under the failed prompt, or under the active one, makes up for it. Replays do not count.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from uuid import UUID

from streams.budget.entries import LedgerError, Request, read_entry
from streams.discovery.known import Try, whole
from streams.errors import EarmarkError
from streams.events.analyses import AnalysisCompleted, AnalysisFailed
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable
from streams.events.channels import ChannelFollowed
from streams.events.envelope import UndecodableError
from streams.events.event import Event, Position
from streams.events.ledger import AnalysisRequested, analysis_id
from streams.events.record import Record
from streams.events.videos import Video, VideoDiscovered
from streams.log.topics import (
    ANALYSES,
    CAPTIONS,
    CAPTIONS_REQUESTS,
    CAPTIONS_UNAVAILABLE,
    CHANNELS,
    LEDGER,
    VIDEOS,
)
from streams.retry.failure import FailedAnalysis, FailedCaptions, Failure

log = logging.getLogger(__name__)

TOPICS = (CHANNELS, VIDEOS, CAPTIONS_REQUESTS, CAPTIONS, CAPTIONS_UNAVAILABLE, LEDGER, ANALYSES)

Stage = Literal["unknown", "discovered", "captioned", "analysed"]
"""How far a video is."""

_DECODED = {
    kind.__name__ for kind in (ChannelFollowed, CaptionsRequested, CaptionsUnavailable, AnalysisFailed)
}


class _Captions(NamedTuple):
    # A hundred thousand of them: a UUID costs twice the memory of its int, a Position five times that of its parts.
    revision: int
    captions_id: int
    partition: int
    offset: int


_NO_PROMPT: tuple[str, ...] = ()


@dataclass
class Failures:
    """The state. The topics may be applied in any order to one another. `active`: the id of the prompt that counts."""

    active: str | None
    _discovered: set[str] = field(default_factory=set)
    _over: dict[str, Try] = field(default_factory=dict)
    """The last try at each video's captions that something came after."""
    _failed: dict[str, FailedCaptions] = field(default_factory=dict)
    _captions: dict[str, _Captions] = field(default_factory=dict)
    _analysed: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """The prompts under which captions are analysed."""
    _failed_analyses: dict[int, list[AnalysisFailed]] = field(default_factory=dict)
    _repetitions: dict[int, int] = field(default_factory=dict)
    _channels: dict[str, set[str]] = field(default_factory=dict)
    _under: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    """Each of those once: most videos share theirs."""

    def apply(self, record: Record) -> None:
        """Fold one record. What cannot be read is skipped; it stays in the log."""
        video_id = (record.key or b"").decode(errors="replace")
        try:
            match record.topic, record.type:
                case (VIDEOS.name, VideoDiscovered.__name__):
                    self._discovered.add(video_id)
                # A transcript is big, an answer is: their headers say what is needed.
                case (CAPTIONS.name, CaptionsExtracted.__name__):
                    self._take(video_id, record)
                case (ANALYSES.name, AnalysisCompleted.__name__) if record.header("ce_partial"):
                    self._decoded(record.event())
                case (ANALYSES.name, AnalysisCompleted.__name__):
                    self._complete(_captions_id(record), record.header("ce_promptid") or "")
                case (LEDGER.name, AnalysisRequested.__name__):
                    self._request(read_entry(record))
                case (_, str() as name) if name in _DECODED:
                    self._decoded(record.event())
        except (UndecodableError, LedgerError, ValueError) as error:
            log.warning("%s[%d] offset %d: %s", record.topic, record.partition, record.offset, error)

    def _decoded(self, event: Event) -> None:
        match event:
            case ChannelFollowed():
                self._name(event.channel_id, event.handle, event.title)
            case CaptionsRequested():
                self._settle(event.video.video_id, Try(event.revision, event.attempt - 1))
            case CaptionsUnavailable():
                self._unavailable(event)
            case AnalysisCompleted(replay_id=None):
                self._failed_analyses.setdefault(event.captions_id.int, []).append(_cut(event))
            case AnalysisFailed(replay_id=None):
                self._failed_analyses.setdefault(event.captions_id.int, []).append(
                    event.model_copy(update={"raw_answer": None})
                )
            case _:
                pass

    def _settle(self, video_id: str, done: Try) -> None:
        over = self._over[video_id] = max(done, self._over.get(video_id, done))
        failed = self._failed.get(video_id)
        if failed is not None and (failed.revision, failed.attempt) <= over:
            del self._failed[video_id]

    def _take(self, video_id: str, record: Record) -> None:
        revision = int(record.header("ce_revision") or 1)
        known = self._captions.get(video_id)
        if known is None or revision > known.revision:
            self._captions[video_id] = _Captions(
                revision, _captions_id(record), record.partition, record.offset
            )
        self._settle(video_id, whole(revision))

    def _unavailable(self, event: CaptionsUnavailable) -> None:
        video_id, tried = event.video.video_id, Try(event.revision, event.attempt)
        over, newest = self._over.get(video_id), self._failed.get(video_id)
        # Of two events on one try the first by offset wins.
        if (over is None or tried > over) and (newest is None or tried > (newest.revision, newest.attempt)):
            self._failed[video_id] = FailedCaptions(
                video=event.video,
                at=event.at,
                reason=event.reason,
                revision=event.revision,
                attempt=event.attempt,
                tries=event.tries,
                starts_at=event.starts_at,
                next_try_at=event.next_try_at,
            )

    def _complete(self, captions_id: int, prompt_id: str) -> None:
        under = self._analysed.get(captions_id, _NO_PROMPT)
        if prompt_id not in under:
            more = (*under, prompt_id)
            self._analysed[captions_id] = self._under.setdefault(more, more)

    def _request(self, entry: object) -> None:
        match entry:
            case Request(replay_id=None, again=int() as again, captions_id=captions_id):
                self._repetitions[captions_id.int] = max(again, self._repetitions.get(captions_id.int, 0))

    def _name(self, channel_id: str, *names: str | None) -> None:
        self._channels.setdefault(channel_id, {channel_id.casefold()}).update(
            name.casefold() for name in names if name is not None
        )

    def stage(self, video_id: str) -> Stage:
        """How far a video is, whatever failed."""
        captions = self._captions.get(video_id)
        if captions is not None:
            return "analysed" if captions.captions_id in self._analysed else "captioned"
        known = video_id in self._discovered or video_id in self._over or video_id in self._failed
        return "discovered" if known else "unknown"

    def is_repeated(self, video_id: str) -> bool:
        """Whether the analysis of its newest captions was asked for again."""
        captions = self._captions.get(video_id)
        return captions is not None and captions.captions_id in self._repetitions

    def of(self, video_id: str) -> Iterator[Failure]:
        """What may be asked for again of a video: its captions, also if another try is to come; its analysis."""
        captions = self._failed.get(video_id)
        if captions is not None:
            yield captions
        analysis = self._failed_analysis(video_id)
        if analysis is not None:
            yield analysis

    def for_good(self) -> list[Failure]:
        """All that failed for good, the oldest first."""
        found = [
            failure
            for video_id in self._failed.keys() | self._captions.keys()
            for failure in self.of(video_id)
            if isinstance(failure, FailedAnalysis) or failure.is_final
        ]
        return sorted(found, key=lambda failure: (failure.at, failure.video.video_id))

    def _failed_analysis(self, video_id: str) -> FailedAnalysis | None:
        captions = self._captions.get(video_id)
        if captions is None or captions.captions_id not in self._failed_analyses:
            return None
        analysed = self._analysed.get(captions.captions_id, _NO_PROMPT)
        last = self._repetitions.get(captions.captions_id, 0)
        captions_id = UUID(int=captions.captions_id)
        for failed in self._failed_analyses[captions.captions_id]:
            is_last = failed.analysis_id == analysis_id(captions_id, failed.prompt_id, last or None)
            if is_last and failed.prompt_id not in analysed and self.active not in analysed:
                return FailedAnalysis(
                    video=failed.video,
                    at=failed.at,
                    outcome=failed.outcome,
                    reason=failed.reason,
                    captions_id=captions_id,
                    captions_at=Position(partition=captions.partition, offset=captions.offset),
                    lane=failed.lane,
                    again=last + 1,
                )
        return None

    def channel_id_of(self, channel: str) -> str:
        """The id of the channel that `channel` (an id, a @handle or a title) names. Raises EarmarkError."""
        names = {channel_id: set(known) for channel_id, known in self._channels.items()}
        for video in self._videos():
            if video.channel_id is not None:
                known = names.setdefault(video.channel_id, {video.channel_id.casefold()})
                known.add((video.channel_title or video.channel_id).casefold())
        wanted = {channel.casefold(), f"@{channel.casefold()}"}
        found = sorted(channel_id for channel_id, known in names.items() if known & wanted)
        if len(found) != 1:
            raise EarmarkError(
                f"--channel {channel}: it must name one channel that is followed or has failures, and names"
                f" {', '.join(found) or 'none'}"
            )
        return found[0]

    def _videos(self) -> Iterator[Video]:
        for captions in self._failed.values():
            yield captions.video
        for analyses in self._failed_analyses.values():
            yield from (failed.video for failed in analyses)


def _captions_id(record: Record) -> int:
    return UUID(record.header("ce_captionsid") or "").int


def _cut(partial: AnalysisCompleted) -> AnalysisFailed:
    """A partial analysis as the failure that it is."""
    return AnalysisFailed(
        at=partial.at,
        analysis_id=partial.analysis_id,
        attempt_id=partial.attempt_id,
        video=partial.video,
        captions_id=partial.captions_id,
        lane=partial.lane,
        replay_id=None,
        prompt_id=partial.prompt_id,
        model=partial.model,
        outcome="max_tokens",
        reason="the answer was cut: what is whole in it counts",
        raw_answer=None,
        usage=None,
        usd=partial.usd,
    )

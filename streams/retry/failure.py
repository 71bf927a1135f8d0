"""Something that failed for good, and the event that asks for it again: pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from streams.events.analyses import AttemptOutcome
from streams.events.captions import CaptionsRequested
from streams.events.event import Lane, Position
from streams.events.ledger import AnalysisRequested, request_id
from streams.events.videos import Video


@dataclass(frozen=True, slots=True)
class FailedCaptions:
    """A video's last try at captions, which brought none at `at`. `next_try_at` null: no other follows by itself."""

    video: Video
    at: datetime
    reason: str
    revision: int
    attempt: int
    tries: int
    starts_at: datetime | None
    next_try_at: datetime | None

    @property
    def is_final(self) -> bool:
        """Whether they failed for good."""
        return self.next_try_at is None

    @property
    def kind(self) -> str:
        """What it has in common with others."""
        return self.reason

    def says(self, text: str) -> bool:
        """Whether its reason holds `text`, in any case."""
        return text.casefold() in self.reason.casefold()

    def asked_again(self, at: datetime) -> CaptionsRequested:
        """The next try. After a final one the tries are counted anew."""
        return CaptionsRequested(
            at=at,
            video=self.video,
            revision=self.revision,
            attempt=self.attempt + 1,
            tries=0 if self.is_final else self.tries,
            starts_at=None if self.is_final else self.starts_at,
            cause="refresh",
        )


@dataclass(frozen=True, slots=True)
class FailedAnalysis:
    """An analysis of a video's newest captions, which failed for good at `at`; `again`: what repetition comes next."""

    video: Video
    at: datetime
    outcome: AttemptOutcome
    reason: str
    captions_id: UUID
    captions_at: Position
    lane: Lane
    again: int

    @property
    def kind(self) -> str:
        """What it has in common with others; its reason may be all its own."""
        return self.outcome

    def says(self, text: str) -> bool:
        """Whether its outcome or its reason holds `text`, in any case."""
        return any(text.casefold() in words.casefold() for words in (self.outcome, self.reason))

    def asked_again(self, at: datetime) -> AnalysisRequested:
        """The next repetition, under the prompt that is active when it is claimed."""
        return AnalysisRequested(
            at=at,
            request_id=request_id(self.captions_id, None, None, self.again),
            video_id=self.video.video_id,
            captions_id=self.captions_id,
            captions_at=self.captions_at,
            lane=self.lane,
            prompt_id=None,
            replay_id=None,
            again=self.again,
        )


Failure = FailedCaptions | FailedAnalysis

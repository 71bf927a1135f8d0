"""What downstream acts on: the only events that leave the house.

Apply a signal iff its `revision` is greater than the last seen for its id; act iff `cause` is live and the video is fresh.
"""

from typing import Literal
from uuid import UUID

from pydantic import Field

from streams.events.analyses import Action, Conviction, Direction, TimeHorizon
from streams.events.event import Event, Part, Utc, derive_id

Cause = Literal["live", "backfill", "activation", "correction"]
Reason = Literal["not_mentioned", "symbol_changed"]


def outlook_id(video_id: str) -> UUID:
    """The id of a video's market outlook."""
    return derive_id("outlook", video_id)


class SignalVideo(Part):
    """The video a signal comes from; a null `published_at` counts as not fresh."""

    video_id: str
    title: str | None
    channel_id: str | None
    channel_title: str | None
    published_at: Utc | None


class SignalAnalysis(Part):
    """The analysis a signal comes from."""

    analysis_id: UUID
    prompt: str
    prompt_id: str
    model: str


class MentionState(Part):
    """A grounded stock call; `url` opens the video at the second of the quote."""

    symbol: str
    said_as: str = Field(description="The name as it stands in the captions.")
    listed: bool | None = Field(
        description="Whether the symbol stands in the operator's list; null: there is none."
    )
    action: Action
    conviction: Conviction
    time_horizon: TimeHorizon
    quote: str
    start_ms: int = Field(description="Where the quoted words begin, in milliseconds into the video.")
    end_ms: int = Field(description="Where they end.")
    url: str


class OutlookState(Part):
    """A video's view of the market."""

    direction: Direction
    reasoning: str
    themes: tuple[str, ...]
    risks: tuple[str, ...]
    summary: str


class _Signal(Event):
    revision: int = Field(ge=1, description="Grows with every signal of the same id; not dense.")
    cause: Cause = Field(
        description="live: the first word on a video published while its channel was followed; backfill: on any"
        " other video; activation: another prompt counts now; correction: the captions were corrected."
    )
    activation: int = Field(description="The number of the activation under which the analysis counts.")
    video: SignalVideo
    analysis: SignalAnalysis

    @property
    def subject_id(self) -> UUID:
        """The id whose revisions a client compares."""
        raise NotImplementedError

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.subject_id, self.revision)

    @property
    def extensions(self) -> dict[str, str]:
        return {"cause": self.cause, "revision": str(self.revision)}


class _MentionSignal(_Signal):
    mention_id: UUID
    mention: MentionState

    @property
    def subject_id(self) -> UUID:
        return self.mention_id

    @property
    def key(self) -> str:
        return self.mention.symbol


class MentionAdded(_MentionSignal):
    """A stock call is on the record."""


class MentionChanged(_MentionSignal):
    """A stock call reads otherwise now: `changed` names the fields of `mention` that differ from `previous`."""

    previous: MentionState
    changed: tuple[str, ...]


class MentionRetracted(_MentionSignal):
    """A stock call is off the record; `mention` and `previous` are what it last was."""

    previous: MentionState
    reason: Reason


class _OutlookSignal(_Signal):
    outlook_id: UUID
    outlook: OutlookState

    @property
    def subject_id(self) -> UUID:
        return self.outlook_id

    @property
    def key(self) -> str:
        return self.video.channel_id or self.video.video_id


class OutlookAdded(_OutlookSignal):
    """A video's view of the market is on the record."""


class OutlookChanged(_OutlookSignal):
    """The view reads otherwise now: `changed` names the fields that differ from `previous`."""

    previous: OutlookState
    changed: tuple[str, ...]


class OutlookRetracted(_OutlookSignal):
    """The view is off the record. Nothing sends it today: an analysis always has a view."""

    previous: OutlookState
    reason: Reason


def url_at(url: str, start_ms: int) -> str:
    """A video's address at the second in which `start_ms` falls."""
    return f"{url}{'&' if '?' in url else '?'}t={start_ms // 1000}s"

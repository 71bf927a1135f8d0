"""The events for downstream consumers.

Apply a signal only if its `revision` is greater than the last one seen for its id. Act only if `cause` is live, the video
is recent, and the call is the speaker's own, hangs on nothing and is not paid for.
"""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from streams.events import meanings
from streams.events.analyses import (
    Action,
    Conviction,
    Direction,
    Dropped,
    Holding,
    Level,
    Match,
    Speaker,
    TimeHorizon,
)
from streams.events.event import Event, Part, Utc, derive_id
from streams.events.videos import Precision

VERSION = 1
"""The version of every signal and of the contract. It rises only if a subscriber of the previous version would break."""

Cause = Literal["live", "backfill", "activation", "correction"]
Reason = Literal["not_mentioned", "symbol_changed"]


def _first_upper(text: str) -> str:
    return text[0].upper() + text[1:]


def outlook_id(video_id: str) -> UUID:
    """The id of a video's market outlook."""
    return derive_id("outlook", video_id)


class SignalVideo(Part):
    """The video of a signal. Treat it as old if `published_at` is null or `published_precision` is not `second`."""

    video_id: str
    title: str | None
    channel_id: str | None
    channel_title: str | None
    published_at: Utc | None
    published_precision: Precision | None = Field(
        default=None,
        description="How exact `published_at` is; `day`: only its date is known. Null is not known.",
    )


class SignalAnalysis(Part):
    """The analysis of a signal."""

    analysis_id: UUID
    prompt: str
    prompt_id: str
    model: str


class MentionState(Part):
    """A grounded stock call. `url` opens the video at the second of the quote."""

    symbol: str
    said_as: str = Field(description="The name as the captions spell it.")
    listed: bool | None = Field(
        description="Whether the symbol is in the operator's list; null without a list."
    )
    action: Action = Field(
        description=f"What the speaker does or would do: {meanings.listed(meanings.ACTIONS)}."
    )
    conviction: Conviction = Field(description=f"{_first_upper(meanings.CONVICTION)}.")
    time_horizon: TimeHorizon = Field(
        description=f"For how long the call is meant: {meanings.listed(meanings.HORIZONS)}."
    )
    quote: str
    start_ms: int = Field(
        description="Start of the quoted words, in milliseconds from the start of the video."
    )
    end_ms: int = Field(description="End of the quoted words, in milliseconds from the start of the video.")
    url: str
    match: Match | None = Field(
        default=None,
        description=f"How the quote stands in the transcript: {meanings.listed(meanings.MATCHES)}.",
    )
    condition: str | None = Field(default=None, description=f"{_first_upper(meanings.CONDITION)}.")
    levels: tuple[Level, ...] = Field(
        default=(), description="The numbers that the call names, as the words near the quote say them."
    )
    speaker: Speaker = Field(
        default="unknown", description=f"Whose call it is: {meanings.listed(meanings.SPEAKERS)}."
    )
    position: Holding | None = Field(
        default=None,
        description=f"Whether they are in it: {meanings.listed(meanings.POSITIONS)}; null: the prompt does not ask.",
    )
    paid: bool | None = Field(
        default=None,
        description=f"{_first_upper(meanings.PAID)}: never true in a signal; null: the prompt does not ask.",
    )
    expires: str | None = Field(default=None, description=f"{_first_upper(meanings.EXPIRES)}.")
    dropped: tuple[Dropped, ...] = Field(
        default=(),
        description="What the model gave beside the call and the transcript does not say near the quote.",
    )


class OutlookState(Part):
    """A video's view of the market."""

    direction: Direction = Field(
        description=f"Where the speaker sees the market going: {meanings.listed(meanings.DIRECTIONS)}."
    )
    reasoning: str
    themes: tuple[str, ...]
    risks: tuple[str, ...]
    summary: str


class _Signal(Event):
    version: ClassVar[int] = VERSION

    revision: int = Field(ge=1, description="Grows with every signal of the same id, not always by 1.")
    cause: Cause = Field(description=f"Why it was published: {meanings.listed(meanings.CAUSES)}.")
    activation: int = Field(description="The number of the activation that made the analysis current.")
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
    """A stock call was added to the record."""


class MentionChanged(_MentionSignal):
    """A stock call changed: `changed` names the fields of `mention` that differ from `previous`."""

    previous: MentionState
    changed: tuple[str, ...]


class MentionRetracted(_MentionSignal):
    """A stock call was removed from the record. `mention` and `previous` are its last state."""

    previous: MentionState
    reason: Reason = Field(description=f"Why it was retracted: {meanings.listed(meanings.REASONS)}.")


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
    """A video's view of the market was added to the record."""


class OutlookChanged(_OutlookSignal):
    """The view changed: `changed` names the fields that differ from `previous`."""

    previous: OutlookState
    changed: tuple[str, ...]


class OutlookRetracted(_OutlookSignal):
    """The view was removed from the record: the analysis that is current now has none."""

    previous: OutlookState
    reason: Reason = Field(description=f"Why it was retracted: {meanings.listed(meanings.REASONS)}.")


SIGNALS = (MentionAdded, MentionChanged, MentionRetracted, OutlookAdded, OutlookChanged, OutlookRetracted)
"""Every type of signal, all of one version."""


def url_at(url: str, start_ms: int) -> str:
    """A video's address at the second of `start_ms`."""
    return f"{url}{'&' if '?' in url else '?'}t={start_ms // 1000}s"

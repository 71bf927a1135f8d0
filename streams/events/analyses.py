"""What Claude made of a video's words, and what went wrong."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, PlainSerializer, model_validator

from streams.events.event import Event, Lane, Part, Position, Usd, derive_id
from streams.events.ledger import Usage
from streams.events.videos import Video

Action = Literal["buy", "sell", "hold", "watch", "avoid"]
TimeHorizon = Literal["intraday", "days", "weeks", "months", "years", "unspecified"]
Direction = Literal["bullish", "bearish", "neutral", "mixed"]
Conviction = Annotated[
    float, Field(ge=0, le=1, multiple_of=0.05), AfterValidator(lambda steps: round(steps * 20) / 20)
]
"""How sure the speaker sounds, 0 to 1 in steps of 0.05: one of 21 numbers, without float dust."""

LevelKind = Literal["entry", "target", "stop"]
Unit = Literal["USD", "EUR", "percent", "points"]
Speaker = Literal["host", "guest", "relayed", "unknown"]
Holding = Literal["holds", "sold", "none_said"]

Amount = Annotated[
    Decimal,
    Field(max_digits=18, decimal_places=9, allow_inf_nan=False),
    PlainSerializer(lambda amount: f"{amount:f}", return_type=str, when_used="json"),
]
"""A price, a percentage or points; a JSON string without an exponent."""

Rejection = Literal[
    "symbol_unusable",
    "action_unknown",
    "conviction_unusable",
    "line_unusable",
    "quote_too_short",
    "quote_not_in_transcript",
    "quote_far_from_line",
    "repeated",
    "contradicts_itself",
]
"""Why a mention never becomes a signal."""

Match = Literal["exact", "fillers", "numbers", "elsewhere"]
"""How a quote stands in the transcript: word for word, but for fillers or numbers, or word for word far from its line."""

DropReason = Literal["not_near_the_quote", "number_unread", "another_number", "unusable", "instruction"]
"""Why something that was said beside a call is not recorded; instruction: the quote tells a model what to answer."""

AttemptOutcome = Literal[
    "max_tokens",
    "refusal",
    "context_window",
    "stop_reason",
    "invalid_answer",
    "request_too_large",
    "content_filtered",
    "bad_request",
    "provider_error",
    "unknown",
    "expired",
    "over_cap",
]
"""How an attempt failed; unknown and expired: it may have been billed, so its reservation stays charged."""


def mention_id(video_id: str, symbol: str, ordinal: int) -> UUID:
    """The id of the `ordinal`-th grounded mention (from 0, by time) of `symbol` in a video."""
    return derive_id("mention", video_id, symbol, ordinal)


class Outlook(Part):
    """Where the speaker sees the market going."""

    direction: Direction
    reasoning: str


class ResponseInfo(Part):
    """What the provider's response says of itself; `model` served it. Null: it does not say.

    `usage` is JSON as text, for nobody vouches for its shape.
    """

    id: str | None
    model: str | None
    stop_reason: str | None
    inference_geo: str | None
    service_tier: str | None
    usage: str | None


class Level(Part):
    """A number that a call names: where to get in, what to reach, where to get out.

    `words` are the transcript's, and the number in them is `value`, or goes from `value` to `value_to`.
    """

    kind: LevelKind
    value: Amount
    value_to: Amount | None
    unit: Unit
    words: str


class Dropped(Part):
    """What the model gave beside a call and the transcript does not say: its own `words`, and why they do not count."""

    part: Literal["condition", "expires", "level", "speaker"]
    reason: DropReason
    words: str


class Mention(Part):
    """A stock call as the model gave it, with what the transcript says to it.

    Grounded: `mention_id` and times are set, from the transcript. Rejected: `rejected` says why, and there is no id.
    `line` is the transcript line the quote was found on (the model's own where rejected). `listed`: whether the
    symbol stands in the configured list; null where none is configured. Rejected alone may lack `action`, `conviction`
    and `line`: the model gave none that can be used. `match` null: rejected, or grounded before there was any but exact.

    `condition` and `expires` are the transcript's words, null where none were given or found; `dropped` has those that
    were not found, and levels. `position` and `paid` are null, and `speaker` is unknown, where the prompt did not ask.
    """

    mention_id: UUID | None
    symbol: str
    said_as: str
    listed: bool | None
    action: Action | None
    conviction: Conviction | None
    time_horizon: TimeHorizon
    quote: str
    line: int | None
    start_ms: int | None
    end_ms: int | None
    rejected: Rejection | None
    match: Match | None = None
    condition: str | None = None
    levels: tuple[Level, ...] = ()
    speaker: Speaker = "unknown"
    position: Holding | None = None
    paid: bool | None = None
    expires: str | None = None
    dropped: tuple[Dropped, ...] = ()

    @model_validator(mode="after")
    def _grounded_or_rejected(self) -> Self:
        grounded = [self.mention_id, self.start_ms, self.end_ms]
        if any((value is None) == (self.rejected is None) for value in grounded):
            raise ValueError("a mention is grounded (id and times) or rejected (a reason), never both")
        if self.rejected is None and None in (self.action, self.conviction, self.line):
            raise ValueError("a grounded mention has an action, a conviction and a line")
        return self


class _OfAnalysis(Event):
    analysis_id: UUID
    attempt_id: UUID | None
    video: Video

    @property
    def key(self) -> str:
        return self.video.video_id

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.analysis_id, self.attempt_id or "")


class AnalysisCompleted(_OfAnalysis):
    """A paid answer: raw as it came, and as it was understood.

    `partial`: the answer was cut, and its whole mentions are kept; a whole analysis goes before it. `outlook` or
    `summary` null: the answer has none. `usage` null: the bill is unknown, and `usd` is all that was reserved.
    """

    version: ClassVar[int] = 2

    attempt_id: UUID
    captions_id: UUID
    captions_revision: int = Field(ge=1)
    captions_at: Position
    lane: Lane
    replay_id: UUID | None
    prompt_id: str
    prompt: str
    model: str
    lines_version: int
    grounding_version: int
    raw_answer: str
    usage: Usage | None
    usd: Usd = Field(ge=0)
    outlook: Outlook | None
    themes: tuple[str, ...]
    risks: tuple[str, ...]
    summary: str | None
    mentions: tuple[Mention, ...]
    partial: bool = False
    response: ResponseInfo | None = None

    @property
    def extensions(self) -> dict[str, str]:
        return {
            "analysisid": str(self.analysis_id),
            "attemptid": str(self.attempt_id),
            "promptid": self.prompt_id,
            "captionsid": str(self.captions_id),
            "revision": str(self.captions_revision),
            **({"partial": "true"} if self.partial else {}),
        }


class _Failure(_OfAnalysis):
    captions_id: UUID
    lane: Lane
    replay_id: UUID | None
    prompt_id: str
    model: str
    outcome: AttemptOutcome
    reason: str
    raw_answer: str | None
    usage: Usage | None
    usd: Usd = Field(ge=0)
    response: ResponseInfo | None = None

    @property
    def extensions(self) -> dict[str, str]:
        attempt = {} if self.attempt_id is None else {"attemptid": str(self.attempt_id)}
        return {"analysisid": str(self.analysis_id), "outcome": self.outcome, **attempt}


class AttemptFailed(_Failure):
    """One attempt failed; another may follow. `usd` is what it is charged.

    `unanswered`: the provider answered nobody, so no attempt is used up; left out where it did.
    """

    unanswered: bool = Field(default=False, exclude_if=lambda unanswered: not unanswered)


class AnalysisFailed(_Failure):
    """The analysis failed for good. `attempt_id` null: it was refused before any call."""

"""Evaluations: the words of gold videos, and what calls about them brought. No other reader of the log counts them."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from streams.events.analyses import AttemptOutcome, ResponseInfo
from streams.events.captions import CaptionsExtracted
from streams.events.event import Event, Usd
from streams.events.ledger import Usage


class TranscriptGiven(CaptionsExtracted):
    """The words of a gold video: `captions_at` of a request in lane evaluation names it. No captions, so nobody analyses it unasked."""


class EvaluationAttempted(Event):
    """What one call of an evaluation brought, raw as it came, and what it was charged.

    `outcome`: completed, partial (it was cut, and what is whole counts) or how it failed. `final`: no other call on the
    analysis follows. `attempt_id` null: it was refused before any call. `usage` null: the bill is unknown, or there is
    none. `unanswered`: the provider answered nobody, so no attempt is used up; left out where it did.
    """

    analysis_id: UUID
    attempt_id: UUID | None
    video_id: str
    captions_id: UUID
    prompt_id: str
    model: str
    outcome: Literal["completed", "partial"] | AttemptOutcome
    final: bool
    reason: str | None
    raw_answer: str | None
    usage: Usage | None
    usd: Usd = Field(ge=0)
    response: ResponseInfo | None = None
    unanswered: bool = Field(default=False, exclude_if=lambda unanswered: not unanswered)

    @property
    def key(self) -> str:
        return self.video_id

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.analysis_id, self.attempt_id or "")

"""Outcomes as the events that keep them: pure."""

from datetime import datetime
from decimal import Decimal

from streams.analysis.answer import InvalidAnswerError, parse_answer
from streams.analysis.grounding import GROUNDING_VERSION, ground
from streams.analysis.lines import LINES_VERSION
from streams.budget.ledger import Pending
from streams.budget.prices import price
from streams.claude.outcomes import Failed
from streams.events.analyses import (
    AnalysisCompleted,
    AnalysisFailed,
    AttemptFailed,
    AttemptOutcome,
    Outlook,
)
from streams.events.captions import CaptionsExtracted
from streams.events.event import Position
from streams.events.ledger import BudgetReserved, Usage
from streams.events.prompts import Prompt


def completed(
    claim: BudgetReserved,
    pending: Pending,
    prompt: Prompt,
    captions: CaptionsExtracted,
    text: str,
    usage: Usage,
    listed: frozenset[str] | None,
    at: datetime,
) -> AnalysisCompleted | Failed:
    """The analysis in a complete answer, its mentions grounded; Failed where the answer breaks the schema."""
    try:
        answer = parse_answer(text)
    except InvalidAnswerError as error:
        return Failed("invalid_answer", str(error), usage, raw_answer=text)
    place = pending.request.captions_at
    return AnalysisCompleted(
        at=at,
        analysis_id=claim.analysis_id,
        attempt_id=claim.attempt_id,
        video=captions.video,
        captions_id=captions.captions_id,
        captions_revision=captions.revision,
        captions_at=Position(partition=place.partition, offset=place.offset),
        lane=claim.lane,
        replay_id=claim.replay_id,
        prompt_id=prompt.prompt_id,
        prompt=prompt.name,
        model=prompt.model,
        lines_version=LINES_VERSION,
        grounding_version=GROUNDING_VERSION,
        raw_answer=text,
        usage=usage,
        usd=price(prompt.model, usage),
        outlook=Outlook(direction=answer.market_outlook.direction, reasoning=answer.market_outlook.reasoning),
        themes=answer.macro_themes,
        risks=answer.key_risks,
        summary=answer.summary,
        mentions=ground(answer.mentions, captions, listed),
    )


def failure(
    claim: BudgetReserved,
    pending: Pending,
    captions: CaptionsExtracted,
    outcome: AttemptOutcome,
    reason: str,
    *,
    at: datetime,
    final: bool,
    raw_answer: str | None = None,
    usage: Usage | None = None,
    usd: Decimal = Decimal(0),
) -> AttemptFailed | AnalysisFailed:
    """A failed attempt, the last one where `final`; `usd` is what it is charged."""
    return (AnalysisFailed if final else AttemptFailed)(
        at=at,
        analysis_id=claim.analysis_id,
        attempt_id=claim.attempt_id,
        video=captions.video,
        captions_id=pending.request.captions_id,
        lane=claim.lane,
        replay_id=claim.replay_id,
        prompt_id=claim.prompt_id,
        model=claim.model,
        outcome=outcome,
        reason=reason,
        raw_answer=raw_answer,
        usage=usage,
        usd=usd,
    )


def charge(claim: BudgetReserved, failed: Failed) -> Decimal:
    """What a failed call is charged, US dollars: its bill, nothing, or, where that is not known, all that was reserved."""
    if failed.usage is not None:
        return price(claim.model, failed.usage)
    return claim.usd if failed.billed else Decimal(0)

"""Outcomes as the events that keep them: pure."""

from datetime import datetime
from decimal import Decimal

from streams.analysis.answer import InvalidAnswerError, parse_answer
from streams.analysis.grounding import GROUNDING_VERSION, ground
from streams.analysis.job import Job
from streams.analysis.lines import LINES_VERSION
from streams.analysis.symbols import Symbols
from streams.budget.prices import price
from streams.claude.outcomes import Answered, Bill, Failed
from streams.events.analyses import (
    AnalysisCompleted,
    AnalysisFailed,
    AttemptFailed,
    Outlook,
)
from streams.events.event import Position
from streams.events.ledger import BudgetReserved


def completed(
    claim: BudgetReserved, job: Job, answered: Answered, symbols: Symbols, at: datetime
) -> AnalysisCompleted | Failed:
    """The analysis in a complete answer, its mentions grounded; Failed where the answer breaks the schema."""
    try:
        answer = parse_answer(answered.text)
    except InvalidAnswerError as error:
        return Failed("invalid_answer", str(error), answered.usage, raw_answer=answered.text)
    captions, prompt, place = job.captions, job.prompt, job.pending.request.captions_at
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
        raw_answer=answered.text,
        usage=answered.usage,
        usd=price(prompt.model, answered.usage),
        outlook=Outlook(direction=answer.market_outlook.direction, reasoning=answer.market_outlook.reasoning),
        themes=answer.macro_themes,
        risks=answer.key_risks,
        summary=answer.summary,
        mentions=ground(answer.mentions, captions, symbols),
    )


def failure(
    claim: BudgetReserved, job: Job, failed: Failed, at: datetime, *, final: bool, unanswered: bool = False
) -> AttemptFailed | AnalysisFailed:
    """A failed attempt, the last one where `final`; `unanswered`: it uses up no attempt."""
    fields = {"unanswered": True} if unanswered else {}
    return (AnalysisFailed if final else AttemptFailed)(
        **fields,
        at=at,
        analysis_id=claim.analysis_id,
        attempt_id=claim.attempt_id,
        video=job.captions.video,
        captions_id=job.captions.captions_id,
        lane=claim.lane,
        replay_id=claim.replay_id,
        prompt_id=claim.prompt_id,
        model=claim.model,
        outcome=failed.outcome,
        reason=failed.reason,
        raw_answer=failed.raw_answer,
        usage=failed.usage,
        usd=charge(claim, failed.bill),
    )


def charge(claim: BudgetReserved, bill: Bill) -> Decimal:
    """What a failed call is charged, US dollars: its bill, nothing, or, where that is not known, all that was reserved."""
    match bill:
        case "free":
            return Decimal(0)
        case "unknown":
            return claim.usd
        case _:
            return price(claim.model, bill)

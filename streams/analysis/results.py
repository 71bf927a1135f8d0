"""Outcomes as the events that keep them: pure."""

from contextlib import suppress
from datetime import datetime
from decimal import Decimal

from streams.analysis.answer import Answer, InvalidAnswerError, last_answer, parse_cut_answer
from streams.analysis.grounding import GROUNDING_VERSION, ground
from streams.analysis.job import Job
from streams.analysis.lines import LINES_VERSION
from streams.analysis.symbols import Symbols
from streams.budget.prices import UnknownPriceError, bill
from streams.claude.answers import CUT
from streams.claude.outcomes import Answered, Failed
from streams.events.analyses import (
    AnalysisCompleted,
    AnalysisFailed,
    AttemptFailed,
    Outlook,
)
from streams.events.event import Position
from streams.events.ledger import BudgetReserved, Usage


def completed(
    claim: BudgetReserved, job: Job, answered: Answered, symbols: Symbols, at: datetime
) -> AnalysisCompleted | Failed:
    """The analysis in a complete answer, its mentions grounded; Failed where no text of it is one."""
    try:
        text, answer = last_answer(answered.texts)
    except InvalidAnswerError as error:
        raw = "\n".join(answered.texts)
        return Failed("invalid_answer", str(error), answered.bill, raw, response=answered.response)
    return _analysis(claim, job, text, answer, answered, symbols, at)


def partly_completed(
    claim: BudgetReserved, job: Job, failed: Failed, symbols: Symbols, at: datetime
) -> AnalysisCompleted | None:
    """The partial analysis in an answer that was cut; None where nothing in it is whole."""
    if failed.outcome not in CUT or failed.raw_answer is None:
        return None
    answer = parse_cut_answer(failed.raw_answer)
    if answer is None:
        return None
    return _analysis(claim, job, failed.raw_answer, answer, failed, symbols, at, partial=True)


def _analysis(
    claim: BudgetReserved,
    job: Job,
    text: str,
    answer: Answer,
    paid: Answered | Failed,
    symbols: Symbols,
    at: datetime,
    *,
    partial: bool = False,
) -> AnalysisCompleted:
    captions, prompt, place = job.captions, job.prompt, job.pending.request.captions_at
    direction, reasoning = answer.market_outlook.direction, answer.market_outlook.reasoning
    usd, usage = charge(claim, paid)
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
        usd=usd,
        outlook=None if direction is None else Outlook(direction=direction, reasoning=reasoning),
        themes=answer.macro_themes,
        risks=answer.key_risks,
        summary=answer.summary or None,
        mentions=ground(answer.mentions, captions, symbols),
        partial=partial,
        response=paid.response,
    )


def failure(
    claim: BudgetReserved, job: Job, failed: Failed, at: datetime, *, final: bool, unanswered: bool = False
) -> AttemptFailed | AnalysisFailed:
    """A failed attempt, the last one where `final`; `unanswered`: it uses up no attempt."""
    fields = {"unanswered": True} if unanswered else {}
    usd, usage = charge(claim, failed)
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
        usage=usage,
        usd=usd,
        response=failed.response,
    )


def charge(claim: BudgetReserved, paid: Answered | Failed) -> tuple[Decimal, Usage | None]:
    """What a call is charged, US dollars, and for which usage: its bill, or nothing.

    Where the bill is not known, or its model has no list price, all that was reserved, and no usage.
    """
    if paid.bill == "free":
        return Decimal(0), None
    if paid.usage is not None:
        served, geo = (paid.response.model, paid.response.inference_geo) if paid.response else (None, None)
        with suppress(UnknownPriceError):
            return bill(claim.model, served, geo, paid.usage), paid.usage
    return claim.usd, None

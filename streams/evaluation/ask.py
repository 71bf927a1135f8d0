"""Asking about a gold set: each question is claimed in the ledger, in the lane of evaluations, as an analyst's are.

Whoever runs the evaluation asks; an analyst leaves these requests alone. The attempts are the analyst's own code, and what
they bring goes into `evaluations` instead of `analyses`, where no view and no signal comes of it. Two who ask at once, or
one who died, cost no money twice: the ledger grants a claim once, and what stands in the log is not asked again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from decimal import Decimal

from streams.analysis.attempt import Attempts
from streams.analysis.recorder import Recorder
from streams.analysis.state import BY_THE_REQUEST, AnalystState
from streams.analysis.symbols import Symbols
from streams.analysis.verdicts import Verdicts
from streams.budget.account import Pending
from streams.budget.breaker import Breaker
from streams.budget.limits import Limits
from streams.claude.calls import Calls
from streams.claude.client import Claude
from streams.clock import Clock
from streams.evaluation.answers import Answers, attempted
from streams.evaluation.asking import Asking
from streams.evaluation.purse import Purse
from streams.evaluation.questions import Question
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.captions import CaptionsExtracted
from streams.events.evaluations import EvaluationAttempted
from streams.events.event import Event, Position
from streams.events.ledger import BudgetReserved, BudgetSettled, SettledOutcome
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import Follower, follow
from streams.log.publish import Appended, Publisher
from streams.log.topics import EVALUATIONS, LEDGER, PROMPTS


async def ask(
    connection: Connection,
    publisher: Publisher,
    claude: Claude,
    limits: Limits,
    questions: Sequence[Question],
    now: Clock,
    max_usd: Decimal | None = None,
) -> str | None:
    """Ask each question that the log does not answer. Why some were not asked, or None where all were.

    `max_usd`: what this run may be charged, at most. Raises EarmarkError where a person must fix something first.
    """
    verdicts, answers, purse = Verdicts(), Answers(), Purse(max_usd)
    state = AnalystState(verdicts.hear, breaker=Breaker(*limits.probe_delays_s))
    transcripts = {question.captions_id: question.transcript(now()) for question in questions}

    def take(record: Record) -> None:
        if record.topic != EVALUATIONS.name:
            state.apply(record)
        elif (attempt := answers.apply(record)) is not None:
            _remember(state, attempt)

    async def words_of(pending: Pending) -> CaptionsExtracted:
        return transcripts[pending.request.captions_id]

    append = _paid_from(purse, publisher)
    async with (
        follow(connection, [LEDGER], state.apply) as ledger,
        follow(connection, [EVALUATIONS, PROMPTS], take) as others,
    ):
        calls = Calls(claude, limits.call_timeout_s, random.random, now)
        recorder = Recorder(state, limits, append, calls.forget, Symbols(), now)
        await _settle_what_is_known(state, answers, recorder)
        await _request(publisher, state, answers, questions, now)
        await ledger.reach_now()
        attempts = Attempts(
            state=state,
            limits=limits,
            calls=calls,
            recorder=recorder,
            verdicts=verdicts,
            append=append,
            fetch_captions=words_of,
            reach=lambda _: others.reach_now(EVALUATIONS),
            now=now,
        )
        asking = Asking(state, attempts, purse, limits)
        await _work(asking, questions, verdicts, (ledger, others))
    if asking.failed is not None:
        raise asking.failed
    return asking.why_stopped


def _paid_from(purse: Purse, publisher: Publisher) -> Callable[[Event], Awaitable[Appended]]:
    """Append what an attempt appends, claims from the purse, and what calls brought to `evaluations`."""

    async def append(event: Event) -> Appended:
        match event:
            case BudgetReserved():
                purse.reserve(event.attempt_id, event.usd)
                return await publisher.append(event)
            case AnalysisCompleted() | AttemptFailed() | AnalysisFailed():
                return await publisher.append(attempted(event))
            case BudgetSettled():
                appended = await publisher.append(event)
                purse.settle(event.attempt_id, event.usd)
                return appended
            case _:
                return await publisher.append(event)

    return append


async def _work(
    asking: Asking, questions: Sequence[Question], verdicts: Verdicts, followers: Sequence[Follower]
) -> None:
    """Ask all of them at once. Raises what ended a follower, once what is paid for is recorded."""
    readers = [asyncio.create_task(follower.ended()) for follower in followers]
    work = asyncio.create_task(_all(asking, questions))
    try:
        await asyncio.wait([work, *readers], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            verdicts.hear_no_more()
            asking.stop("the log is read no further")
        await work
        for reader in readers:
            if reader.done():
                reader.result()
    finally:
        for task in (work, *readers):
            task.cancel()
        await asyncio.gather(work, *readers, return_exceptions=True)


async def _all(asking: Asking, questions: Sequence[Question]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for question in questions:
            tasks.create_task(asking.ask(question))


async def _request(
    publisher: Publisher, state: AnalystState, answers: Answers, questions: Sequence[Question], now: Clock
) -> None:
    """Put the transcripts and the requests that the log lacks into it."""
    places = dict(answers.transcripts)
    for question in questions:
        if state.ledger.is_requested(question.request_id):
            continue
        place = places.get(question.captions_id)
        if place is None:
            at = await publisher.append(question.transcript(now()))
            place = places[question.captions_id] = Position(partition=at.partition, offset=at.offset)
        await publisher.append(question.request(now(), place))


async def _settle_what_is_known(state: AnalystState, answers: Answers, recorder: Recorder) -> None:
    """Settle the claims of a run that died between an answer and its settlement."""
    for attempt in [attempt for attempts in answers.attempts.values() for attempt in attempts]:
        claim = None if attempt.attempt_id is None else state.ledger.unsettled.get(attempt.attempt_id)
        if claim is None:
            continue
        retry_at = (
            None if attempt.final else attempt.at + timedelta(seconds=recorder.limits.retry_delays_s[0])
        )
        await recorder.settle(
            claim, _settled(attempt), attempt.usd, attempt.usage, retry_at, unanswered=attempt.unanswered
        )


def _settled(attempt: EvaluationAttempted) -> SettledOutcome:
    if attempt.outcome in {"completed", "partial"}:
        return "completed"
    if attempt.final:
        return "failed"
    return "not_called" if attempt.unanswered else "retry"


def _remember(state: AnalystState, attempt: EvaluationAttempted) -> None:
    """What the next attempt goes by, as the state of an analyst keeps it of `analyses`."""
    if state.ledger.is_done(attempt.analysis_id):
        return
    if attempt.final:
        state.answered.add(attempt.analysis_id)
    elif attempt.outcome == "max_tokens":
        state.truncated.add(attempt.analysis_id)
    elif attempt.outcome in BY_THE_REQUEST:
        state.refused.add(attempt.analysis_id)

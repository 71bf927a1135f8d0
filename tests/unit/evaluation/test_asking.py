"""Asking goes on as long as it helps, and says why it stops; an analyst leaves an evaluation's requests alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from streams.analysis.state import AnalystState
from streams.budget.limits import Limits
from streams.claude.calls import Calls
from streams.claude.client import Claude, client
from streams.clock import Clock
from streams.errors import EarmarkError
from streams.evaluation.answers import Answers
from streams.evaluation.ask import _remember, _settle_what_is_known
from streams.evaluation.asking import Asking
from streams.evaluation.purse import Purse
from streams.evaluation.questions import Question
from streams.events.analyses import AnalysisCompleted
from streams.events.captions import CaptionsExtracted
from streams.events.evaluations import EvaluationAttempted
from streams.events.event import Event, Position
from streams.events.ledger import BudgetReserved, BudgetSettled
from streams.events.prompts import Prompt
from streams.log.publish import Appended
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Failure, Reply, Step
from tests.builders.analyst_scene import ANSWER
from tests.builders.attempt_scene import LIMITS, NOW, PROMPT, UNPRICED, Scene
from tests.builders.examples import EXAMPLES
from tests.builders.gold_scenes import gold_video

NOT_FOUND = Failure(404, "not_found_error", "model: claude-haiku-5-5")


@asynccontextmanager
async def asking(
    step: Step,
    limits: Limits = LIMITS,
    prompt: Prompt = PROMPT,
    max_usd: Decimal | None = None,
    now: Clock = lambda: NOW,
) -> AsyncIterator[tuple[Scene, Asking, Question]]:
    """A question that is requested in a log in memory, and who asks it."""
    question = Question(gold_video("v1"), prompt)
    async with (
        LoopbackClaude({}, improvise=lambda _: step) as claude,
        client("key", claude.base_url, limits.calls_in_flight) as sdk,
    ):
        calls = Calls(Claude(sdk, now), limits.call_timeout_s, lambda: 0.5, now)
        captions: CaptionsExtracted = question.transcript(NOW)
        here = Scene(calls, claude, limits=limits, captions=captions)
        here.put(question.request(NOW, Position(partition=0, offset=0)))
        yield here, Asking(here.state, here.attempts, Purse(max_usd), limits), question


async def test_a_question_is_asked_until_it_is_answered() -> None:
    async with asking(Reply(ANSWER)) as (here, asks, question):
        await asks.ask(question)
        assert (asks.why_stopped, asks.failed) == (None, None)
        [claim] = [event for event in here.appended if isinstance(event, BudgetReserved)]
        assert (claim.lane, claim.lane_cap_usd) == ("evaluation", 1)
        [answer] = [event for event in here.appended if isinstance(event, AnalysisCompleted)]
        assert answer.analysis_id == question.analysis_id
        await asks.ask(question)
        assert len(here.claude.calls) == 1


async def test_a_call_above_the_share_is_not_waited_for() -> None:
    async with asking(Reply(ANSWER), replace(LIMITS, evaluation_share=Decimal("0.0001"))) as (
        here,
        asks,
        question,
    ):
        await asks.ask(question)
        assert asks.why_stopped is not None
        assert "EARMARK_EVALUATION_SHARE" in asks.why_stopped
        assert here.claude.calls == []


async def test_a_share_that_is_spent_is_not_waited_for() -> None:
    async with asking(Reply(ANSWER), replace(LIMITS, cap_usd=Decimal("0.04"))) as (here, asks, question):
        here.state.ledger.lanes["evaluation"].closed_today = Decimal("0.0079")
        await asks.ask(question)
        assert asks.why_stopped == (
            "the day's limit is reached: raise EARMARK_EVALUATION_SHARE, or run it again tomorrow"
        )


async def test_a_run_stops_at_its_own_limit() -> None:
    async with asking(Reply(ANSWER), max_usd=Decimal("0.000001")) as (here, asks, question):
        put = here.append

        async def append(event: Event) -> Appended:
            if isinstance(event, BudgetReserved):
                asks.purse.reserve(event.attempt_id, event.usd)
            return await put(event)

        here.attempts.append = append
        await asks.ask(question)
        assert asks.why_stopped is not None
        assert asks.why_stopped.startswith("--max-usd 0.000001 pays for no further call")
        assert not any(isinstance(event, BudgetReserved) for event in here.appended)


async def test_a_prompt_that_claude_does_not_take_is_an_error() -> None:
    async with asking(NOT_FOUND) as (_, asks, question):
        await asks.ask(question)
        assert str(asks.failed).startswith("Claude cannot be asked: ")
    async with asking(Reply(ANSWER), prompt=UNPRICED) as (_, asks, question):
        await asks.ask(question)
        assert isinstance(asks.failed, EarmarkError)
        assert "claude-of-tomorrow" in str(asks.failed)


async def test_what_is_stopped_asks_nothing_more() -> None:
    async with asking(Reply(ANSWER)) as (here, asks, question):
        asks.stop("somebody stopped it")
        asks.stop("and another")
        await asks.ask(question)
        assert (asks.why_stopped, here.claude.calls) == ("somebody stopped it", [])


async def test_an_analyst_leaves_the_requests_of_an_evaluation_alone() -> None:
    """Also when it starts from its checkpoint."""
    async with asking(Reply(ANSWER)) as (here, _, question):
        waiting = here.state.queue.waiting
        assert question.request_id in here.state.ledger.pending
        assert {lane for lane, _ in waiting if waiting[lane, _]} == {"live"}
        again = AnalystState(lambda *_: None)
        again.thaw(here.state.freeze())
        assert question.request_id in again.ledger.pending
        assert {lane for lane, _ in again.queue.waiting} == {"live"}


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"outcome": "completed", "final": True}, "completed"),
        ({"outcome": "partial", "final": True}, "completed"),
        ({"outcome": "refusal", "final": True}, "failed"),
        ({"outcome": "max_tokens", "final": False}, "retry"),
        ({"outcome": "unknown", "final": False, "unanswered": True}, "not_called"),
    ],
)
async def test_what_a_dead_run_left_is_settled_as_it_was_billed(said: dict[str, Any], outcome: str) -> None:
    """It died between an answer and its settlement; the answer is not asked for again."""
    async with asking(Reply(ANSWER)) as (here, _, question):
        claim = EXAMPLES["BudgetReserved"].model_copy(
            update={
                "request_id": question.request_id,
                "analysis_id": question.analysis_id,
                "lane": "evaluation",
                "hold_s": 10_000,
            }
        )
        here.put(claim)
        attempt = EXAMPLES["EvaluationAttempted"].model_copy(
            update={"analysis_id": question.analysis_id, **said}
        )
        assert isinstance(attempt, EvaluationAttempted)
        answers = Answers()
        answers.attempts[question.analysis_id].append(attempt)
        assert here.state.ledger.unsettled
        _remember(here.state, attempt)
        kept = {
            "answered": question.analysis_id in here.state.answered,
            "truncated": question.analysis_id in here.state.truncated,
        }
        assert kept == {"answered": attempt.final, "truncated": attempt.outcome == "max_tokens"}
        for _ in range(2):
            await _settle_what_is_known(here.state, answers, here.attempts.recorder)
        [settled] = [event for event in here.appended if isinstance(event, BudgetSettled)]
        assert (settled.outcome, settled.usd, settled.granted) == (outcome, attempt.usd, True)
        assert (settled.retry_at is None) == attempt.final
        assert here.state.ledger.is_done(question.analysis_id) == attempt.final
        assert not here.state.ledger.unsettled

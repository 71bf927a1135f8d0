"""What the analyst makes of every way a call can end: the money, the attempts, what stays claimable."""

import asyncio
from datetime import datetime, timedelta

import pytest

from streams.clock import utc_now
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.ledger import BudgetReserved, BudgetSettled
from streams.log.connection import Connection
from streams.log.topics import ANALYSES, LEDGER
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Failure, Reply
from tests.builders.analyst_scene import ANSWER, Answers, Scene, analysts, scene

pytestmark = pytest.mark.kafka

TOO_LARGE = Failure(413, "request_too_large", "Request exceeds the maximum allowed number of bytes.")


async def failures(log: Scene) -> dict[str, AnalysisFailed]:
    return {failed.video.video_id: failed for failed in await log.events(ANALYSES, AnalysisFailed)}


async def claims(log: Scene) -> list[BudgetReserved]:
    return await log.events(LEDGER, BudgetReserved)


async def test_a_video_that_no_call_helps_fails_at_once_and_costs_nothing(connection: Connection) -> None:
    """Too large, longer than the context window, refused before the first word: one claim each, settled at 0."""
    too_long = Failure(400, "invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum")
    answers = Answers({"large": TOO_LARGE, "long": too_long, "refused": Reply("", stop_reason="refusal")})
    async with scene(connection) as log, LoopbackClaude({}, improvise=answers) as claude:
        await log.ask("large", "long", "refused")
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 3)
        assert {video: failed.outcome for video, failed in (await failures(log)).items()} == {
            "large": "request_too_large",
            "long": "context_window",
            "refused": "refusal",
        }
        assert len(await claims(log)) == len(claude.calls) == 3
        ledger = await log.ledger()
        assert ledger.charges.total == claude.bill() == 0
        assert not ledger.pending
        assert not ledger.unsettled


async def test_a_video_that_cannot_even_be_counted_fails_without_a_call(connection: Connection) -> None:
    """The count meets the size limit first: asked for ever, it would never say anything else."""
    async with (
        scene(connection) as log,
        LoopbackClaude({}, improvise=Answers(), counting=TOO_LARGE) as claude,
    ):
        await log.ask("large")
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 1)
        assert (await failures(log))["large"].outcome == "request_too_large"
        assert claude.calls == []
        ledger = await log.ledger()
        assert ledger.charges.total == 0
        assert not ledger.pending
        assert not ledger.unsettled


async def test_an_answer_that_was_billed_and_is_of_no_use_is_charged_as_billed(
    connection: Connection,
) -> None:
    """One that breaks the schema is tried three times, a refusal in mid-output once; all of it is kept raw."""
    answers = Answers({"talks": Reply("I would rather not."), "balks": Reply(ANSWER, stop_reason="refusal")})
    async with scene(connection) as log, LoopbackClaude({}, improvise=answers) as claude:
        await log.ask("talks", "balks")
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 4)
        failed = await failures(log)
        assert (failed["talks"].outcome, failed["balks"].outcome) == ("invalid_answer", "refusal")
        assert failed["talks"].raw_answer == "I would rather not."
        everything = [*failed.values(), *await log.events(ANALYSES, AttemptFailed)]
        assert sorted(event.video.video_id for event in everything) == ["balks", "talks", "talks", "talks"]
        assert all(event.usage is not None for event in everything)
        ledger = await log.ledger()
        assert ledger.charges.total == sum(event.usd for event in everything) == claude.bill() > 0
        assert not ledger.pending


async def test_a_spend_limit_pauses_the_analyst_until_the_date_that_the_provider_names(
    connection: Connection,
) -> None:
    """No attempt, no charge, no further call; on the date the same analyst goes on by itself."""
    lag = timedelta(days=40)
    date = utc_now() - timedelta(days=20)

    def clock() -> datetime:
        return utc_now() - lag

    said = f"You have reached your specified API usage limits. You will regain access on {date:%Y-%m-%d at %H:%M} UTC."
    answers = Answers(otherwise=Failure(400, "invalid_request_error", said))
    async with scene(connection) as log, LoopbackClaude({}, improvise=answers) as claude:
        await log.ask("a", "b", "c")
        async with analysts(log, claude.base_url, now=clock):
            await log.until(LEDGER, [BudgetSettled], 1)
            await asyncio.sleep(1)  # a moment in which more could be called
            refused = len(claude.calls)
            assert 1 <= refused <= 3, "those that were on their way"
            ledger = await log.ledger()
            assert ledger.charges.total == 0
            assert [(pending.retry_at_ms, ledger.calls) for pending in ledger.pending.values()] == [
                (0, {})
            ] * 3
            answers.otherwise = Reply(ANSWER)
            lag = timedelta(days=21)
            await asyncio.sleep(1.5)  # the analyst looks at its clock once a second
            assert len(claude.calls) == refused
            lag = timedelta()
            await log.until(ANALYSES, [AnalysisCompleted], 3)
        assert (await log.ledger()).charges.total == claude.bill() > 0
        assert await log.events(ANALYSES, AttemptFailed) == []


async def test_what_was_not_paid_for_is_claimable_by_whoever_starts_next(connection: Connection) -> None:
    """402: once the payment is fixed, a restart need not wait out the pause."""
    answers = Answers(otherwise=Failure(402, "billing_error", "Check your payment details."))
    async with scene(connection) as log, LoopbackClaude({}, improvise=answers) as claude:
        await log.ask("a", "b")
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 1)
        assert await log.events(ANALYSES, AttemptFailed) == []
        assert (await log.ledger()).charges.total == 0
        answers.otherwise = Reply(ANSWER)
        async with analysts(log, claude.base_url):
            await log.until(ANALYSES, [AnalysisCompleted], 2)
        assert (await log.ledger()).charges.total == claude.bill() > 0


async def test_while_claude_cannot_be_reached_nothing_is_claimed(connection: Connection) -> None:
    """A connection refused is no call and no attempt."""
    async with LoopbackClaude({}) as gone:
        nowhere = gone.base_url
    async with scene(connection) as log, LoopbackClaude({}, improvise=Answers()) as claude:
        await log.ask("a")
        async with analysts(log, nowhere):
            await asyncio.sleep(2)  # time for more than one try
        assert await claims(log) == []
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 1)
        assert [claim.attempt for claim in await claims(log)] == [1]
        assert (await log.ledger()).charges.total == claude.bill() > 0

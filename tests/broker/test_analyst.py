"""The analyst on a real log, asking a loopback Claude through the real SDK."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from streams.analysis.analyst import AnalystError
from streams.analysis.job import Job
from streams.analysis.results import completed
from streams.analysis.symbols import Symbols
from streams.budget.entries import LedgerError
from streams.claude.outcomes import Answered
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.ledger import BudgetReserved, BudgetSettled, Usage, analysis_id, request_id
from streams.log.connection import Connection
from streams.log.topics import ANALYSES, LEDGER
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import OVERLOADED, RATE_LIMITED, SERVER_ERROR, Failure, Reply, Step
from tests.builders.analyst_scene import ANSWER, LIMITS, PROMPT, Scene, analysts, captions_of, scene

pytestmark = pytest.mark.kafka


def scripted(*steps: Step) -> LoopbackClaude:
    """A Claude that goes through `steps` with every video, the last one for ever."""
    tries: dict[str, int] = {}

    def answer(body: Mapping[str, Any]) -> Step:
        asked = body["messages"][0]["content"]
        tries[asked] = tries.get(asked, -1) + 1
        return steps[min(tries[asked], len(steps) - 1)]

    return LoopbackClaude({}, improvise=answer)


async def test_a_request_becomes_an_analysis_and_its_bill(connection: Connection) -> None:
    """Claimed, called, recorded, settled: the grounded mention has its time, the invented one its reason."""
    async with scene(connection) as log, scripted(Reply(ANSWER)) as claude:
        await log.ask("a", "b")
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 2)
        analyses = await log.events(ANALYSES, AnalysisCompleted)
        assert {analysis.video.video_id for analysis in analyses} == {"a", "b"}
        grounded, invented = analyses[0].mentions
        assert (grounded.symbol, grounded.action, grounded.conviction) == ("PLTR", "buy", 0.85)
        assert (grounded.start_ms, grounded.end_ms, grounded.rejected) == (2000, 6000, None)
        assert (invented.mention_id, invented.rejected) == (None, "quote_not_in_transcript")
        ledger = await log.ledger()
        assert not ledger.pending
        assert not ledger.unsettled
        assert ledger.charges.total == claude.bill() == sum(analysis.usd for analysis in analyses)


async def test_a_refused_call_goes_again_under_the_same_claim(connection: Connection) -> None:
    """429 and 529 are no calls: one claim, one bill."""
    async with scene(connection) as log, scripted(OVERLOADED, RATE_LIMITED, Reply(ANSWER)) as claude:
        await log.ask("a")
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 1)
        assert [call.status for call in claude.calls] == [529, 429, 200]
        assert len(await log.events(LEDGER, BudgetReserved)) == 1


async def test_an_answer_that_was_cut_is_tried_once_more_with_double_the_room(connection: Connection) -> None:
    """The cut answer is billed, kept raw and charged; the second attempt completes."""
    cut = Reply(ANSWER, stop_reason="max_tokens")
    async with scene(connection) as log, scripted(cut, Reply(ANSWER)) as claude:
        await log.ask("a")
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 2)
        assert [call.max_tokens for call in claude.calls] == [1000, 2000]
        [failed] = await log.events(ANALYSES, AttemptFailed)
        assert failed.outcome == "max_tokens"
        assert failed.raw_answer is not None
        assert failed.usage is not None
        assert (await log.ledger()).charges.total == claude.bill()


@pytest.mark.parametrize(("limit", "room"), [(1500, 1500), (None, 1000)])
async def test_the_room_for_an_answer_never_passes_the_models_own_limit(
    connection: Connection, limit: int | None, room: int
) -> None:
    """Where the API names none, it stays as it is: the provider would refuse the call."""
    cut = Reply(ANSWER, stop_reason="max_tokens")
    async with scene(connection) as log, scripted(cut, Reply(ANSWER)) as claude:
        claude.max_tokens = limit
        await log.ask("a")
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 2)
        assert [call.max_tokens for call in claude.calls] == [1000, room]


async def test_the_cap_stops_the_calls_and_the_videos_wait(connection: Connection) -> None:
    """Spent to the cap and not a billionth above, though every claim reserves far more than a call costs."""
    cap = Decimal("0.002")
    async with scene(connection) as log, scripted(Reply(ANSWER)) as claude:
        await log.ask(*(f"v{number}" for number in range(40)))
        async with analysts(log, claude.base_url, limits=replace(LIMITS, cap_usd=cap), count=2):
            await log.until(LEDGER, [BudgetSettled], 1)
            worst = max(claim.usd for claim in await log.events(LEDGER, BudgetReserved))
            async with asyncio.timeout(30):
                while claude.bill() <= cap - worst:  # noqa: ASYNC110  the server has no event for it
                    await asyncio.sleep(0.05)
            await asyncio.sleep(1)  # a moment in which more could be called
        ledger = await log.ledger()
        assert claude.bill() <= cap
        assert ledger.charges.total == claude.bill()
        assert len(ledger.pending) == 40 - len(claude.calls) > 0


async def test_two_analysts_never_call_for_one_request_twice(connection: Connection) -> None:
    """Both fold the same ledger to the same verdicts."""
    async with scene(connection) as log, scripted(Reply(ANSWER)) as claude:
        await log.ask(*(f"v{number}" for number in range(30)))
        async with analysts(log, claude.base_url, count=2):
            await log.until(ANALYSES, [AnalysisCompleted], 30)
        assert len(claude.calls) == 30
        assert len(await log.events(ANALYSES, AnalysisCompleted)) == 30
        assert (await log.ledger()).charges.total == claude.bill()


async def test_a_configuration_that_no_call_survives_stops_the_analyst(connection: Connection) -> None:
    """One clear sentence, nothing charged, the request claimable by the next analyst."""
    wrong_key = Failure(401, "authentication_error", "invalid x-api-key")
    async with scene(connection) as log, scripted(wrong_key) as claude:
        await log.ask("a")
        with pytest.raises(AnalystError, match="invalid x-api-key"):
            async with analysts(log, claude.base_url) as running:
                await running.tasks[0]
        ledger = await log.ledger()
        assert ledger.charges.total == 0
        assert len(ledger.pending) == 1


async def test_an_answer_recorded_by_a_dead_analyst_is_settled_and_not_paid_for_again(
    connection: Connection,
) -> None:
    """Killed between record and settlement: the next one finds the answer by its claim."""
    async with scene(connection) as log, scripted(Reply(ANSWER)) as claude:
        await log.ask("a")
        claim = claim_of("a")
        await log.publisher.append(claim)
        [pending] = (await log.ledger()).pending.values()
        usage = Usage(input_tokens=700, output_tokens=90)
        job = Job(pending, PROMPT, captions_of("a"), PROMPT.max_tokens)
        answer = completed(claim, job, Answered((ANSWER,), usage), Symbols(), claim.at)
        assert isinstance(answer, AnalysisCompleted)
        await log.publisher.append(answer)
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 1)
        assert claude.calls == []
        ledger = await log.ledger()
        assert ledger.charges.total == answer.usd
        assert not ledger.pending


async def test_a_claim_of_a_dead_analyst_expires_charged_and_the_video_is_called_again(
    connection: Connection,
) -> None:
    """Killed before the record: nobody knows what was billed, so all of it stays charged."""
    async with scene(connection) as log, scripted(Reply(ANSWER)) as claude:
        await log.ask("a")
        claim = claim_of("a", hold_s=2)
        await log.publisher.append(claim)
        async with analysts(log, claude.base_url):
            await log.until(ANALYSES, [AnalysisCompleted], 1)
            await log.until(LEDGER, [BudgetSettled], 1)
        assert [again.attempt for again in await log.events(LEDGER, BudgetReserved)] == [1, 2]
        assert (await log.ledger()).charges.total == claim.usd + claude.bill()


async def test_a_prompt_that_no_day_can_pay_fails_with_the_reason(connection: Connection) -> None:
    """Nothing is called; the video says why and what to change."""
    async with scene(connection) as log, scripted(Reply(ANSWER)) as claude:
        await log.ask("a")
        async with analysts(log, claude.base_url, limits=replace(LIMITS, cap_usd=Decimal("0.0001"))):
            await log.until(LEDGER, [BudgetSettled], 1)
        [failed] = await log.events(ANALYSES, AnalysisFailed)
        assert failed.outcome == "over_cap"
        assert "EARMARK_DAILY_CAP_USD" in failed.reason
        assert claude.calls == []
        ledger = await log.ledger()
        assert ledger.charges.total == 0
        assert not ledger.pending


def claim_of(video_id: str, hold_s: int = 3600) -> BudgetReserved:
    """A claim as an analyst that then died appended it."""
    captions = captions_of(video_id)
    return BudgetReserved(
        at=captions.at,
        attempt_id=uuid4(),
        request_id=request_id(captions.captions_id, None, None),
        analysis_id=analysis_id(captions.captions_id, PROMPT.prompt_id),
        prompt_id=PROMPT.prompt_id,
        model=PROMPT.model,
        max_tokens=PROMPT.max_tokens,
        attempt=1,
        lane="live",
        replay_id=None,
        usd=Decimal("0.01"),
        cap_usd=Decimal(5),
        lane_cap_usd=Decimal(5),
        hold_s=hold_s,
    )


async def test_a_retry_waits_out_its_delay_also_under_an_analyst_that_was_not_there(
    connection: Connection,
) -> None:
    """The delay stands in the log; and a call without an answer, where nobody is answered, is no attempt."""
    slow = replace(LIMITS, probe_delays_s=(4.0, 60.0))
    async with scene(connection) as log, scripted(SERVER_ERROR, Reply(ANSWER)) as claude:
        await log.ask("a")
        async with analysts(log, claude.base_url, limits=slow):
            await log.until(LEDGER, [BudgetSettled], 1)
        async with analysts(log, claude.base_url, limits=slow):
            await log.until(ANALYSES, [AnalysisCompleted], 1)
        first, second = claude.calls
        assert second.at - first.at >= timedelta(seconds=4)
        assert [claim.attempt for claim in await log.events(LEDGER, BudgetReserved)] == [1, 1]


async def test_a_lane_whose_share_is_spent_holds_up_no_other(connection: Connection) -> None:
    """Backfill waits for tomorrow; a live video goes at once, and so does its money."""
    limits = replace(LIMITS, cap_usd=Decimal("0.02"), backfill_share=Decimal("0.05"))
    async with scene(connection) as log, scripted(Reply(ANSWER)) as claude:
        await log.ask(*(f"old{number}" for number in range(20)), origin="backfill")
        async with analysts(log, claude.base_url, limits=limits):
            await log.until(ANALYSES, [AnalysisCompleted], 1)
            await asyncio.sleep(1)  # the share is spent: a moment in which more could be claimed
            spent = len(await log.events(LEDGER, BudgetReserved))
            await log.ask("new")
            await log.until(LEDGER, [BudgetSettled], spent + 1)
        *old, new = await log.events(LEDGER, BudgetReserved)
        assert {claim.lane for claim in old} == {"backfill"}
        assert new.lane == "live"
        ledger = await log.ledger()
        assert ledger.lanes["backfill"].total <= Decimal("0.001")
        assert {pending.request.lane for pending in ledger.pending.values()} == {"backfill"}


async def test_an_alarm_stops_the_claims_and_not_only_the_grants(connection: Connection) -> None:
    """Somebody was billed more than was reserved: until the day ends nothing is even asked for, nor written."""
    async with scene(connection) as log, scripted(Reply(ANSWER)) as claude:
        await log.ask("a")
        claim = claim_of("a")
        await log.publisher.append(claim)
        await log.publisher.append(
            BudgetSettled(
                at=claim.at,
                attempt_id=claim.attempt_id,
                analysis_id=claim.analysis_id,
                outcome="retry",
                usd=2 * claim.usd,
                usage=None,
                retry_at=claim.at,
            )
        )
        assert (await log.ledger()).alarm is not None
        async with analysts(log, claude.base_url):
            await log.ask("b")
            await asyncio.sleep(2)  # a moment in which claims could be denied, again and again
        assert len(await log.events(LEDGER, BudgetReserved)) == 1
        assert claude.calls == []
        assert len((await log.ledger()).pending) == 2


async def test_what_is_in_flight_is_recorded_even_when_the_ledger_can_be_read_no_further(
    connection: Connection,
) -> None:
    """A record of a later version stops the spending; what is paid for by then is kept."""
    async with scene(connection) as log, LoopbackClaude({}, improvise=answering, latency_s=2) as claude:
        await log.ask("a")
        with pytest.raises(LedgerError, match="version '99' is unknown"):
            await analyse_until_a_later_version_comes(log, claude)
        [analysis] = await log.events(ANALYSES, AnalysisCompleted)
        assert analysis.usd == claude.bill()


async def test_a_record_in_the_ledger_that_was_never_earmarks_is_passed_over_and_said(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    async with scene(connection) as log, LoopbackClaude({}, improvise=answering) as claude:
        await log.publisher.append_bytes(LEDGER, 0, b"k", b"hello", [])
        await log.ask("a")
        async with analysts(log, claude.base_url):
            await log.until(ANALYSES, [AnalysisCompleted], 1)
            await log.publisher.append_bytes(LEDGER, 0, None, b"", [("x", b"1")])
            await log.ask("b")
            await log.until(ANALYSES, [AnalysisCompleted], 2)
        assert (await log.ledger()).pending == {}
    assert "the ledger's offset 0 is not Earmark's, and is passed over" in caplog.text


def answering(_body: Mapping[str, Any]) -> Step:
    return Reply(ANSWER)


async def analyse_until_a_later_version_comes(log: Scene, claude: LoopbackClaude) -> None:
    async with analysts(log, claude.base_url) as running:
        async with asyncio.timeout(30):
            while not claude.calls:  # noqa: ASYNC110  the server has no event for it
                await asyncio.sleep(0.05)
        await append_of_a_later_version(log)
        await running.tasks[0]


async def append_of_a_later_version(log: Scene) -> None:
    producer = log.connection.producer()
    await producer.start()
    headers = [("ce_type", b"BudgetSettled"), ("ce_dataschema", b"urn:earmark:BudgetSettled:99")]
    await producer.send_and_wait(log.connection.name(LEDGER), b"{}", b"key", headers=headers)
    await producer.stop()

"""What an attempt does with the state it finds: its log is in memory, its Claude the loopback one behind the real SDK."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import msgspec
import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, OutOfOrderSequenceNumber

from streams.analysis.next_step import Again, Done, LineFull, Next
from streams.budget.ledger import DAY_MS
from streams.errors import EarmarkError, RefusedError, TransientError
from streams.events.analyses import AnalysisCompleted, AnalysisFailed
from streams.events.event import Event
from streams.events.ledger import (
    BudgetReserved,
    BudgetSettled,
    analysis_id,
    request_id,
)
from streams.log.publish import Appended
from streams.log.topics import LEDGER
from streams.loopback.script import SERVER_ERROR
from tests.builders.attempt_scene import LIMITS, NOW, OTHER, PROMPT, REPLAY, UNPRICED, scene


def later_than(todo: Next, delay: timedelta) -> bool:
    assert isinstance(todo, Again)
    return datetime.fromtimestamp(todo.not_before_ms / 1000, UTC) >= NOW + delay


async def test_a_request_is_claimed_called_recorded_and_settled() -> None:
    """In this order; its settlement says that it was granted."""
    async with scene() as here:
        assert await here.make() == Done()
        said = here.events(BudgetReserved, AnalysisCompleted, BudgetSettled)
        assert [type(event) for event in said] == [BudgetReserved, AnalysisCompleted, BudgetSettled]
        assert [(outcome, granted) for outcome, _, granted in here.settlements()] == [("completed", True)]
        assert here.state.ledger.pending == {}


async def test_a_repetition_has_three_attempts_of_its_own_and_is_charged_like_any_other() -> None:
    """Whatever became of the analysis before: to the ledger it is another one."""
    async with scene() as here:
        first = here.attempts._claim(here.pending.request, PROMPT, 1000, Decimal("0.01"))
        await here.append(first)
        await here.attempts.recorder.settle(first, "failed", Decimal("0.01"))
        assert here.state.ledger.pending == {}
        captions, spent = here.captions.captions_id, here.state.ledger.charges.total
        repeated = here.asked().model_copy(
            update={"request_id": request_id(captions, None, None, 1), "again": 1}
        )
        here.put(repeated)
        pending = here.state.ledger.pending[repeated.request_id]
        assert here.attempts.held_until_ms(pending, PROMPT) == 0
        assert await here.attempts.make(pending, PROMPT, here.calls.begin(PROMPT.model)) == Done()
        [_, claim, done, told] = here.events(BudgetReserved, AnalysisCompleted, BudgetSettled)[1:]
        assert isinstance(claim, BudgetReserved)
        assert isinstance(done, AnalysisCompleted)
        assert isinstance(told, BudgetSettled)
        assert claim.analysis_id == done.analysis_id == analysis_id(captions, PROMPT.prompt_id, 1)
        assert (claim.attempt, told.outcome, told.granted) == (1, "completed", True)
        assert here.state.ledger.charges.total == spent + done.usd == Decimal("0.01") + here.claude.bill()
        assert here.state.ledger.pending == {}


async def test_a_claim_that_is_settled_but_not_yet_read_so_holds_a_retry_up_for_a_moment_only() -> None:
    """Not until its deadline: the settlement, perhaps one of our own, is on its way to our fold."""
    async with scene() as here:
        assert here.attempts.held_until_ms(here.pending, PROMPT) == 0
        await here.append(here.attempts._claim(here.pending.request, PROMPT, 1000, Decimal("0.01")))
        held_until_ms = here.attempts.held_until_ms(here.pending, PROMPT)
    assert NOW < datetime.fromtimestamp(held_until_ms / 1000, UTC) < NOW + timedelta(seconds=1)


async def test_another_requests_answer_closes_this_one_for_good() -> None:
    """A live request names no prompt: left open, it would be asked anew once another prompt is active."""
    async with scene() as here:
        twin = here.asked().model_copy(update={"request_id": uuid4(), "prompt_id": PROMPT.prompt_id})
        here.put(twin)
        assert await here.make() == Done()
        assert list(here.state.ledger.pending) == [twin.request_id]
        left = here.state.ledger.pending[twin.request_id]
        assert await here.attempts.make(left, PROMPT, here.calls.begin(PROMPT.model)) == Done()
        assert here.state.ledger.pending == {}
        assert here.settlements()[1:] == [("completed", Decimal(0), False)]
        assert len(here.claude.calls) == 1


async def test_a_prompt_activated_while_tokens_are_counted_gets_the_request() -> None:
    """The claim records the prompt that is active then; the old one is claimed no more."""
    async with scene() as here:
        pending, permit = here.pending, here.calls.begin(PROMPT.model)
        making = asyncio.create_task(here.attempts.make(pending, PROMPT, permit))
        await asyncio.sleep(0)  # it is asking for the count now
        here.activate(OTHER, 2)
        assert await making == Again()
        assert here.events(BudgetReserved) == []
        assert await here.attempts.make(pending, OTHER, here.calls.begin(OTHER.model)) == Done()
        [done] = here.events(AnalysisCompleted)
        assert isinstance(done, AnalysisCompleted)
        assert done.analysis_id == analysis_id(here.captions.captions_id, OTHER.prompt_id)


async def test_a_call_above_the_whole_cap_fails_and_says_so() -> None:
    async with scene(replace(LIMITS, cap_usd=Decimal("0.0001"))) as here:
        assert await here.make() == Done()
        [failed] = here.events(AnalysisFailed)
        assert isinstance(failed, AnalysisFailed)
        assert failed.outcome == "over_cap"
        assert "EARMARK_DAILY_CAP_USD" in failed.reason
        assert here.claude.calls == []


async def test_a_cap_of_nothing_is_a_pause() -> None:
    """Nothing is given up for it."""
    async with scene(replace(LIMITS, cap_usd=Decimal(0))) as here:
        assert isinstance(await here.make(), LineFull)
        assert here.events(BudgetReserved, AnalysisFailed) == []


async def test_a_call_above_its_lanes_share_waits_alone() -> None:
    """A larger share fixes it, so it is not given up; what waits behind it in the lane need not wait."""
    async with scene(replace(LIMITS, backfill_share=Decimal("0.0001")), "backfill") as here:
        todo = await here.make()
        assert later_than(todo, timedelta(hours=1))
        assert here.events(BudgetReserved, AnalysisFailed) == []


@pytest.mark.parametrize("share", ["0.3333333333333", "0.00000000012345"])
async def test_a_share_of_any_length_can_be_claimed_against(share: str) -> None:
    """An amount in the log has nine places."""
    limits = replace(LIMITS, backfill_share=Decimal(share))
    async with scene(limits, "backfill") as here:
        await here.make()
    assert limits.lane_cap_usd("backfill") <= 5 * Decimal(share)
    assert limits.lane_cap_usd("backfill") == round(limits.lane_cap_usd("backfill"), 9)


async def test_a_log_that_does_not_answer_after_the_grant_gives_the_claim_back() -> None:
    """Whether an answer stands there nobody knows: no call is made, and nothing stays charged."""
    async with scene() as here:
        here.log_is_away = True
        assert isinstance(await here.make(), Again)
        assert here.settlements() == [("not_called", Decimal(0), True)]
        assert here.claude.calls == []


async def test_a_claim_that_may_stand_in_the_log_or_not_is_never_called() -> None:
    async with scene() as here:
        here.broken[BudgetReserved] = KafkaConnectionError()
        with pytest.raises(TransientError, match="may be in the log or not"):
            await here.make()
        assert len(here.verdicts.orphans) == 1
        assert here.claude.calls == []


async def test_a_producer_that_can_append_no_more_ends_the_analyst() -> None:
    """Another process has another producer; trying for ever would only hide it."""
    async with scene() as here:
        here.broken[BudgetSettled] = OutOfOrderSequenceNumber()
        with pytest.raises(EarmarkError, match="BudgetSettled cannot be put into the log"):
            await here.make()


async def test_a_producer_without_room_is_waited_for() -> None:
    """As when the broker is away for long and much waits to be sent; aiokafka calls its time-out final."""
    async with scene() as here:
        here.broken[AnalysisCompleted] = KafkaTimeoutError()
        asyncio.get_running_loop().call_later(0.2, here.broken.clear)
        assert await here.make() == Done()
        assert len(here.events(AnalysisCompleted)) == 1
        assert [outcome for outcome, _, _ in here.settlements()] == ["completed"]


async def test_an_attempt_that_has_no_claim_yet_makes_none_once_the_analyst_stops() -> None:
    """Only calls in flight are paid for."""
    async with scene() as here:
        here.attempts.claim_no_more()
        assert await here.make() == Again()
        assert here.events(BudgetReserved) == []


async def test_after_the_ledgers_end_nothing_is_claimed() -> None:
    async with scene() as here:
        here.verdicts.hear_no_more()
        with pytest.raises(EarmarkError, match="no verdict comes"):
            await here.make()
        assert here.events(BudgetReserved) == []


async def test_a_replays_call_above_its_share_is_given_up() -> None:
    """Its share is frozen: only another replay can take the video."""
    async with scene(replace(LIMITS, cap_usd=Decimal("0.002")), "replay") as here:
        here.state.ledger.replays[REPLAY] = msgspec.structs.replace(
            here.state.ledger.replays[REPLAY], share=0.01
        )
        assert await here.make() == Done()
        assert here.events(BudgetReserved, AnalysisFailed) == []


async def test_the_ledgers_end_leaves_a_claim_without_a_verdict_uncalled() -> None:
    """An undecodable record ends the fold: verdicts are no longer known."""
    async with scene() as here:

        async def append_unread(_event: Event) -> Appended:
            asyncio.get_running_loop().call_soon(here.verdicts.hear_no_more)
            return Appended(LEDGER.name, 0, 0, 0)

        here.attempts.append = append_unread
        with pytest.raises(EarmarkError, match="no verdict comes"):
            await here.make()
        assert here.claude.calls == []


async def test_a_replay_under_a_model_without_a_price_stops_nobody_else() -> None:
    async with scene(lane="replay", prompt=UNPRICED) as here:
        assert await here.make() == Done()
        assert here.events(BudgetReserved) == []


async def test_a_live_request_under_a_model_without_a_price_is_refused() -> None:
    """Nothing is guessed: the analyst ends with exit code 3, and the request stays claimable."""
    async with scene() as here:
        here.activate(UNPRICED, 2)
        with pytest.raises(RefusedError, match="no list price is known for model 'claude-of-tomorrow'"):
            await here.attempts.make(here.pending, UNPRICED, here.calls.begin(UNPRICED.model))
        assert len(here.state.ledger.pending) == 1


async def test_a_count_that_fails_again_and_again_is_asked_for_ever_more_rarely() -> None:
    """It costs nothing, so it is no attempt; but nobody should be asked for it all day."""
    async with scene(counting=SERVER_ERROR) as here:
        first, second = await here.make(), await here.make()
        assert isinstance(first, Again)
        assert isinstance(second, Again)
        now_ms = int(NOW.timestamp() * 1000)
        assert second.not_before_ms - now_ms == 2 * (first.not_before_ms - now_ms) > 0
        for _ in range(20):
            last = await here.make()
        assert isinstance(last, Again)
        assert last.not_before_ms - now_ms <= DAY_MS / 24

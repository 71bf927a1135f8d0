"""The analyst at the pace that a loopback Claude allows, on a real log."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from streams.claude.pace import BURST_CALLS
from streams.events.analyses import AnalysisCompleted
from streams.events.event import Event
from streams.events.ledger import AnalysisRequested, BudgetReserved, BudgetSettled
from streams.log.connection import Connection
from streams.log.topics import ANALYSES, LEDGER
from streams.loopback.claude import LoopbackClaude
from streams.loopback.rate_limits import Limits
from streams.loopback.script import RATE_LIMITED, Reply, Step
from tests.builders.analyst_scene import ANSWER, LIMITS, Scene, analysts, scene

pytestmark = pytest.mark.kafka

CAP = replace(LIMITS, backfill_share=Decimal(1))


def answering(*first: Step, limits: Limits | None = None) -> LoopbackClaude:
    """A Claude that does `first` with the first calls it gets, and answers all others."""
    steps = list(first)

    def answer(_body: Mapping[str, Any]) -> Step:
        return steps.pop(0) if steps else Reply(ANSWER)

    return LoopbackClaude({}, improvise=answer, limits=limits)


async def ask_many(log: Scene, count: int) -> None:
    await asyncio.gather(*(log.ask(f"old{number}", origin="backfill") for number in range(count)))


async def test_a_live_request_is_claimed_before_the_hundreds_that_wait(connection: Connection) -> None:
    """The order is made when the pace opens: only what was under way by then is claimed before it."""
    async with scene(connection) as log, answering() as claude:
        await ask_many(log, 400)
        async with analysts(log, claude.base_url, limits=CAP):
            await log.until(LEDGER, [BudgetReserved], 12)
            await log.ask("new")
            claims = await log.events(LEDGER, BudgetReserved)
            await log.until(LEDGER, [BudgetReserved], len(claims) + 2 * LIMITS.calls_in_flight)
        entries = await log.events(LEDGER, Event)
        asked = next(place for place, entry in enumerate(entries) if asks_live(entry))
        lanes = [entry.lane for entry in entries[asked:] if isinstance(entry, BudgetReserved)]
        assert lanes.index("live") <= 2 * LIMITS.calls_in_flight
        assert len((await log.ledger()).pending) > 200


async def test_limits_that_are_kept_to_refuse_nothing(connection: Connection) -> None:
    """Five requests a second and a bucket of ten: learnt from the headers before it is empty."""
    limits = Limits({"requests": 300}, enforced=True, burst_s=2)
    async with scene(connection) as log, answering(limits=limits) as claude:
        await ask_many(log, 34)
        async with analysts(log, claude.base_url, limits=replace(CAP, calls_in_flight=4)):
            await log.until(ANALYSES, [AnalysisCompleted], 34)
        assert [call.status for call in claude.calls] == [200] * 34


async def test_one_refusal_holds_every_call_and_its_claim_goes_again(connection: Connection) -> None:
    """Until the time it names only those come that were under way; every claim is called in the end, and once."""
    refusal = replace(RATE_LIMITED, retry_after=3)
    async with scene(connection) as log, answering(refusal) as claude:
        await ask_many(log, 15)
        async with analysts(log, claude.base_url, limits=CAP):
            await log.until(ANALYSES, [AnalysisCompleted], 15)
            await log.until(LEDGER, [BudgetSettled], 15)
        refused, *others = claude.calls
        assert refused.status == 429
        held = [call for call in others if call.at < refused.at + timedelta(seconds=3)]
        assert len(held) <= BURST_CALLS
        assert len(others) == 15
        assert len(await log.events(LEDGER, BudgetReserved)) == 15


async def test_a_refusal_that_outlasts_the_claim_leaves_the_request_waiting_and_free(
    connection: Connection,
) -> None:
    """No whole call fits before the deadline any more: settled as not called, and nothing else is claimed meanwhile."""
    refusal = replace(RATE_LIMITED, retry_after=50)
    async with scene(connection) as log, answering(*[refusal] * BURST_CALLS) as claude:
        await ask_many(log, 15)
        async with analysts(log, claude.base_url, limits=CAP):
            await log.until(LEDGER, [BudgetSettled], 1)
            await asyncio.sleep(1)  # a moment in which more could be claimed
        settled = await log.events(LEDGER, BudgetSettled)
        assert {settlement.outcome for settlement in settled} == {"not_called"}
        assert len(await log.events(LEDGER, BudgetReserved)) == len(settled) <= BURST_CALLS
        ledger = await log.ledger()
        assert ledger.charges.total == claude.bill() == 0
        assert len(ledger.pending) == 15


def asks_live(entry: Event) -> bool:
    return isinstance(entry, AnalysisRequested) and entry.lane == "live"

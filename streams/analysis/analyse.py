"""The analyst with its followers, its recorder and its recovery, put together in order."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from streams.analysis.analyst import Analyst, AnalystError, Gate
from streams.analysis.attempt import Attempts
from streams.analysis.gauges import Gauges
from streams.analysis.obstacles import Obstacles
from streams.analysis.recorder import Recorder
from streams.analysis.recovery import Recovery
from streams.analysis.state import AnalystState
from streams.analysis.symbols import Symbols
from streams.analysis.take_up import take_up
from streams.analysis.verdicts import Verdicts
from streams.budget.account import Pending
from streams.budget.books import Books
from streams.budget.breaker import Breaker
from streams.budget.ledger import Ledger
from streams.budget.limits import Limits
from streams.bulletin import Trouble
from streams.claude.calls import Calls
from streams.claude.client import Claude
from streams.clock import Clock
from streams.events.captions import CaptionsExtracted
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.fetch import Fetcher, fetcher
from streams.log.follow import follow
from streams.log.keeper import Shelf
from streams.log.publish import Publisher
from streams.log.topics import ANALYSES, CAPTIONS, LEDGER, PROMPTS

log = logging.getLogger(__name__)


Reached = Callable[[], Mapping[str, Mapping[int, int]]]
"""Topic → partition → the offset of the next record, now."""


@dataclass(frozen=True)
class Desk:
    """What others in the process say and see: whether new work may begin, and what there is to show, again and again.

    `report` takes troubles, calls in flight, and how far the log is read.
    `ended_before`: why the analyst before this one ended, where a person had to fix that.
    """

    may_begin: Callable[[], bool] = lambda: True
    report: Callable[[list[Trouble], int, Reached], None] = lambda *_: None
    ended_before: Trouble | None = None


async def analyse(
    connection: Connection,
    publisher: Publisher,
    claude: Claude,
    limits: Limits,
    symbols: Symbols,
    now: Clock,
    stop: asyncio.Event,
    day_start_ms: int = 0,
    desk: Desk = Desk(),
    shelf: Shelf | None = None,
) -> None:
    """Run an analyst until `stop` is set. Raises AnalystError, LedgerError, KafkaError: the process ends with it.

    `day_start_ms` moves the budget's day off midnight UTC, for proofs; every analyst of a ledger must have the same.
    `desk` is what others in the process see and say. `shelf`: where its state is kept; without one the log is always read
    from its beginning.
    """
    verdicts, gate = Verdicts(), Gate()

    def apply_ledger(record: Record) -> None:
        if record.type is None:
            log.warning("the ledger's offset %d is not Earmark's, and is passed over", record.offset)
        state.apply(record)
        gate.ledger_moved(record)

    async with AsyncExitStack() as stack:
        fetch = await stack.enter_async_context(fetcher(connection))
        state, keeping, start = await take_up(
            lambda: AnalystState(
                verdicts.hear, Books(Ledger(day_start_ms)), breaker=Breaker(*limits.probe_delays_s)
            ),
            fetch,
            shelf,
        )
        # First, or every answer there is would be kept until its settlement is read.
        ledger = await stack.enter_async_context(
            follow(connection, [LEDGER], keeping.watch(apply_ledger), start)
        )
        analyses = await stack.enter_async_context(
            follow(connection, [ANALYSES, PROMPTS], keeping.watch(state.apply), start)
        )
        await keeping.keep_if_due()
        calls = Calls(claude, limits.call_timeout_s, random.random, now)
        recorder = Recorder(state, limits, publisher.append, calls.forget, symbols, now)
        attempts = Attempts(
            state=state,
            limits=limits,
            calls=calls,
            recorder=recorder,
            verdicts=verdicts,
            append=publisher.append,
            fetch_captions=lambda pending: _captions(fetch, pending),
            reach=lambda partition: analyses.reach_now(ANALYSES, partition),
            now=now,
        )
        recovery = Recovery(state, recorder, verdicts, fetch, publisher.append_all, limits.retry_delays_s)

        gauges = Gauges(state, limits, now)

        def report(troubles: list[Trouble], in_flight: int) -> None:
            gauges.set(troubles)
            desk.report(troubles, in_flight, lambda: {**ledger.positions(), **analyses.positions()})

        ended_before = desk.ended_before
        if ended_before is not None and await claude.takes_key(limits.call_timeout_s):
            ended_before = None
        obstacles = Obstacles(state, limits, now, ended_before)
        analyst = Analyst(state, attempts, limits, recovery, gate, stop, obstacles, report, desk.may_begin)
        keeping_on = asyncio.create_task(keeping.for_ever(), name="keeper")
        watchers = [asyncio.create_task(follower.ended()) for follower in (ledger, analyses)]
        reading_ledger, _ = watchers
        stopper = asyncio.create_task(_when(stop, analyst.stop))
        work = asyncio.create_task(analyst.run())
        try:
            done, _ = await asyncio.wait([work, *watchers], return_when=asyncio.FIRST_COMPLETED)
            if work not in done:
                # The log is read no further. What is in flight is paid for: its answers are recorded all the same.
                if reading_ledger in done:
                    verdicts.hear_no_more()
                analyst.stop()
                await asyncio.wait({work})
            for task in done:
                task.result()
        finally:
            for task in (work, stopper, keeping_on, *watchers):
                task.cancel()
            await asyncio.gather(work, stopper, keeping_on, *watchers, return_exceptions=True)
        await keeping.keep()


async def _when(event: asyncio.Event, act: Callable[[], None]) -> None:
    await event.wait()
    act()


async def _captions(fetch: Fetcher, pending: Pending) -> CaptionsExtracted:
    place = pending.request.captions_at
    event = (await fetch.fetch(CAPTIONS, place.partition, place.offset)).event()
    if not isinstance(event, CaptionsExtracted):
        raise AnalystError(
            f"request {pending.request.request_id} points at captions[{place.partition}]@{place.offset}, a"
            f" {type(event).__name__}: the ledger belongs to another log"
        )
    return event

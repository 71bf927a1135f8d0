"""The analyst as a process that measures itself: how long claims take, how long its event loop was blocked."""

import asyncio
import gc
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import Any

import psutil

from streams.analysis.analyse import analyse
from streams.analysis.symbols import Symbols
from streams.budget.limits import Limits
from streams.claude.client import Claude, Response, client
from streams.clock import utc_now
from streams.events.event import Event
from streams.events.ledger import BudgetReserved
from streams.log.connection import Connection
from streams.log.keeper import Shelf
from streams.log.publish import Appended, Publisher

TICK_S = 0.005
_claimed_s: ContextVar[float] = ContextVar("claimed_s")


@dataclass(frozen=True)
class Assignment:
    """Which log, which Claude, what may be spent, and where the state is kept, if it is."""

    connection: Connection
    base_url: str
    limits: Limits
    shelf: Shelf | None = None


@dataclass
class Numbers:
    """What was measured so far.

    `claims`: of each claim, the calls in flight at its append, and the milliseconds until the call that it allows began:
    read back, granted, the answers of its partition read to their end. `ticks`: likewise, how much later than asked for
    the event loop came back. `first_claim_s`: from the analyst's start. Memory is resident, in bytes.
    """

    claims: list[tuple[int, float]] = field(default_factory=list)
    ticks: list[tuple[int, float]] = field(default_factory=list)
    first_claim_s: float | None = None
    base_bytes: int = 0
    bytes_now: int = 0
    peak_bytes: int = 0
    bytes_at_first_claim: int = 0
    cpu_s: float = 0.0
    in_flight: int = 0


class TimedPublisher(Publisher):
    """Notes when a claim is appended."""

    def __init__(self, *parts: Any, numbers: Numbers, began_s: float) -> None:
        super().__init__(*parts)
        self._numbers = numbers
        self._began_s = began_s

    async def append(self, event: Event) -> Appended:
        if isinstance(event, BudgetReserved):
            _claimed_s.set(time.perf_counter())
            if self._numbers.first_claim_s is None:
                self._numbers.first_claim_s = time.perf_counter() - self._began_s
                self._numbers.bytes_at_first_claim = psutil.Process().memory_info().rss
        return await super().append(event)


class TimedClaude(Claude):
    """Notes how long ago the claim of a call was appended, and how many calls are in flight."""

    def __init__(self, *parts: Any, numbers: Numbers) -> None:
        super().__init__(*parts)
        self._numbers = numbers

    async def call(self, request: dict[str, Any], time_limit_s: float) -> Response:
        waited_ms = 1000 * (time.perf_counter() - _claimed_s.get())
        self._numbers.claims.append((self._numbers.in_flight, waited_ms))
        self._numbers.in_flight += 1
        try:
            return await super().call(request, time_limit_s)
        finally:
            self._numbers.in_flight -= 1


def main(job: Assignment, pipe: Pipe) -> None:
    """Be an analyst until killed; for everything sent into the pipe, send the numbers since the last time."""
    gc.collect()
    gc.freeze()  # as the real one does
    asyncio.run(_work(job, pipe))


async def _work(job: Assignment, pipe: Pipe) -> None:
    me = psutil.Process()
    numbers = Numbers(base_bytes=me.memory_info().rss)

    def tell() -> None:
        pipe.recv()
        numbers.cpu_s = sum(me.cpu_times()[:2])
        numbers.bytes_now = me.memory_info().rss
        numbers.peak_bytes = max(numbers.peak_bytes, numbers.bytes_now)
        pipe.send(numbers)
        numbers.claims.clear()
        numbers.ticks.clear()

    asyncio.get_running_loop().add_reader(pipe.fileno(), tell)
    began_s = time.perf_counter()
    ticking = asyncio.create_task(_tick(numbers, me))
    producer = job.connection.producer()
    await producer.start()
    appender = TimedPublisher(job.connection, producer, numbers=numbers, began_s=began_s)
    async with client("key", job.base_url, job.limits.calls_in_flight) as sdk:
        claude = TimedClaude(sdk, utc_now, numbers=numbers)
        await analyse(
            job.connection,
            appender,
            claude,
            job.limits,
            Symbols(),
            utc_now,
            asyncio.Event(),
            shelf=job.shelf,
        )
    await ticking


async def _tick(numbers: Numbers, me: psutil.Process) -> None:
    while True:
        for _ in range(100):
            asked_s = time.perf_counter()
            await asyncio.sleep(TICK_S)
            late_ms = 1000 * (time.perf_counter() - asked_s - TICK_S)
            numbers.ticks.append((numbers.in_flight, late_ms))
        numbers.peak_bytes = max(numbers.peak_bytes, me.memory_info().rss)

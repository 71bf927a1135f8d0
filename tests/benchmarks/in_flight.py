"""Claims while calls are in flight: how long until a call may begin, and how long the event loop was blocked."""

import asyncio
from dataclasses import dataclass

from streams.log.connection import Connection
from tests.benchmarks import analyst_process, provider_process
from tests.benchmarks.analyst_process import Assignment, Numbers
from tests.benchmarks.material import ask_many, fresh, limits, scene
from tests.benchmarks.processes import ask, process, told
from tests.benchmarks.provider_process import Tier
from tests.benchmarks.table import Result, at, spread

# The calls that have just ended and those that are about to begin do not count as in flight.
FULL_HOUSE = 0.8


@dataclass(frozen=True)
class Crowd:
    """So many calls in flight, each as long as `latency_s` says, watched for `measured_s` once they all are."""

    calls: int
    latency_s: tuple[float, float]
    measured_s: float

    @property
    def warm_up_s(self) -> float:
        """The pace is learnt from the first answer; then all begin, and end, before it is as even as it gets."""
        return 2 * self.latency_s[1] + 1

    @property
    def videos(self) -> int:
        """Enough for the whole time."""
        turns = (self.warm_up_s + self.measured_s) / self.latency_s[0]
        return int(self.calls * (turns + 1))


QUICK = (Crowd(0, (0, 0), 1), Crowd(10, (0.4, 0.6), 1))
FULL = (Crowd(0, (0, 0), 20), Crowd(1, (0.2, 0.4), 30), Crowd(100, (5, 10), 45), Crowd(500, (20, 40), 60))


async def in_flight(connection: Connection, crowds: tuple[Crowd, ...]) -> Result:
    """One analyst for each crowd, one after the other."""
    rows = [
        [
            "calls in flight",
            "claims",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "loop blocked p99 ms",
            "at worst ms",
            "memory MB",
        ]
    ]
    for crowd in crowds:
        began_bytes, numbers = await _measure(connection, crowd)
        claims, ticks = _of(crowd, numbers)
        memory = f"{began_bytes / 2**20:.0f} → {numbers.bytes_now / 2**20:.0f}"
        waits = spread(claims) if claims else ["", "", ""]
        blocked = [f"{at(ticks, 99):.1f}", f"{max(ticks):.1f}"] if ticks else ["", ""]
        rows.append([str(crowd.calls) if crowd.calls else "idle", str(len(claims)), *waits, *blocked, memory])
    return Result(
        "Claims with calls in flight",
        "From the append of a claim until its call begins: read back, granted, the answers that came meanwhile read to"
        " their end. Beside it, how much later than asked for the analyst's event loop came back, and the analyst's resident"
        " memory from the first to the last claim. Transcripts of twenty minutes; answers as slow as keeps so many in flight.",
        rows,
        {"claims": sum(int(row[1]) for row in rows[1:])},
    )


def _of(crowd: Crowd, numbers: Numbers) -> tuple[list[float], list[float]]:
    # A claim for the last free place sees all the others.
    least = FULL_HOUSE * (crowd.calls - 1) if crowd.calls else 0
    return (
        [waited_ms for calls, waited_ms in numbers.claims if calls >= least],
        [late_ms for calls, late_ms in numbers.ticks if calls >= least],
    )


async def _measure(connection: Connection, crowd: Crowd) -> tuple[int, Numbers]:
    """The resident bytes when the watch began, and what it saw."""
    own = await fresh(connection)
    async with scene(own) as log:
        await ask_many(log.publisher, crowd.videos if crowd.calls else 0, "poll", "new")
    with process(provider_process.main, Tier(latency_s=crowd.latency_s)) as provider:
        job = Assignment(own, await told(provider), limits(max(1, crowd.calls)))
        with process(analyst_process.main, job) as analyst:
            await asyncio.sleep(crowd.warm_up_s)
            began_bytes = (await ask(analyst)).bytes_now
            await asyncio.sleep(crowd.measured_s)
            numbers: Numbers = await ask(analyst)
    return began_bytes, numbers

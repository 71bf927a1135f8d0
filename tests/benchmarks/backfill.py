"""Old videos by the hour: the predecessor's loop and Earmark, each on an account of its own with the same provider."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from streams.analysis.question import request_of
from streams.claude.client import client
from streams.clock import utc_now
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import follow
from streams.log.topics import ANALYSES
from streams.loopback.rate_limits import START_TIER
from streams.settings import Settings
from tests.benchmarks import analyst_process, provider_process
from tests.benchmarks.analyst_process import Assignment
from tests.benchmarks.material import PROMPT, ask_many, captions_of, fresh, limits, scene
from tests.benchmarks.processes import ask, process, told
from tests.benchmarks.provider_process import LATENCY_S, Asked, Tier
from tests.benchmarks.table import Result

PAUSE_S = 30.0
CALLS_IN_FLIGHT = int(Settings.model_fields["calls_in_flight"].default)
# More than the tier's tokens allow, so that the log never runs out of work.
VIDEOS_A_MINUTE = 300


@dataclass(frozen=True)
class Size:
    """`scale`: how many of the provider's minutes pass in one of ours. Seconds are ours."""

    scale: float
    warm_up_s: float
    steady_s: float


QUICK = Size(scale=8, warm_up_s=2, steady_s=1.5)
FULL = Size(scale=8, warm_up_s=45, steady_s=90)


@dataclass(frozen=True)
class Rate:
    """What one of the two did in a stretch of time, in the provider's hours."""

    videos_an_hour: float
    of_the_limit: float
    refused: int

    def row(self, name: str) -> list[str]:
        """The table's row."""
        return [name, f"{self.videos_an_hour:,.0f}", f"{self.of_the_limit:.1%}", str(self.refused)]


def rate(asked: Sequence[Asked], scale: float, start_s: float, end_s: float, videos: int) -> Rate:
    """The rate from `start_s` to `end_s`; `videos` were done in that time."""
    within = [call for call in asked if start_s <= call.at_s < end_s]
    minutes = (end_s - start_s) / 60 * scale
    used = {
        "requests": len(within),
        "input-tokens": sum(call.input_tokens for call in within),
        "output-tokens": sum(call.output_tokens for call in within),
    }
    return Rate(
        videos / minutes * 60,
        max(used[name] / limit for name, limit in START_TIER.items()) / minutes,
        sum(call.status == 429 for call in within),
    )


async def predecessor(base_url: str, scale: float, enough: asyncio.Event) -> tuple[int, float]:
    """One video at a time and a pause after each: how many were done, and in how many seconds."""
    began, done, ended = time.monotonic(), 0, 0.0
    async with client("key", base_url, 1) as sdk:
        while not enough.is_set():
            captions = captions_of(f"one-{done:06}", "backfill")
            await sdk.messages.create(**request_of(PROMPT, captions, PROMPT.max_tokens), timeout=120.0)
            await asyncio.sleep(PAUSE_S / scale)
            done, ended = done + 1, time.monotonic()
    return done, ended - began


async def backfill(connection: Connection, size: Size) -> Result:
    """Both at once, each against a provider that refuses what exceeds the Start tier."""
    own, tier = await fresh(connection), Tier(size.scale, START_TIER)
    finished_ms: list[int] = []

    def count(record: Record) -> None:
        if record.type == "AnalysisCompleted":
            finished_ms.append(record.timestamp_ms)

    whole_s = size.warm_up_s + size.steady_s
    async with scene(own) as log, follow(own, [ANALYSES], count):
        await ask_many(log.publisher, int(VIDEOS_A_MINUTE / 60 * size.scale * whole_s), "backfill", "old")
        with (
            process(provider_process.main, tier) as one_by_one,
            process(provider_process.main, tier) as provider,
        ):
            base_url, enough = await told(provider), asyncio.Event()
            loop = asyncio.create_task(predecessor(await told(one_by_one), size.scale, enough))
            with process(analyst_process.main, Assignment(own, base_url, limits(CALLS_IN_FLIGHT))) as analyst:
                began_s = utc_now().timestamp()
                await asyncio.sleep(size.warm_up_s)
                before = await ask(analyst)
                steady_s = utc_now().timestamp()
                await asyncio.sleep(size.steady_s)
                after = await ask(analyst)
                ended_s = utc_now().timestamp()
            enough.set()
            done, took_s = await loop
            alone, _ = await ask(one_by_one)
            asked, bill_usd = await ask(provider)
        charged_usd = (await log.ledger()).charges.total

    def ours(start_s: float) -> Rate:
        videos = sum(start_s * 1000 <= at_ms < ended_s * 1000 for at_ms in finished_ms)
        return rate(asked, size.scale, start_s, ended_s, videos)

    steady, whole = ours(steady_s), ours(began_s)
    first_s = alone[0].at_s
    old = rate(alone, size.scale, first_s, first_s + took_s, done)
    ratio = steady.videos_an_hour / old.videos_an_hour
    cpu = (after.cpu_s - before.cpu_s) / (ended_s - steady_s)
    return Result(
        "Backfill",
        f"Claude answers in {LATENCY_S[0]:.0f} to {LATENCY_S[1]:.0f} s and enforces the Start tier;"
        f" these times, its minutes and the predecessor's pause of {PAUSE_S:.0f} s pass {size.scale:g} times faster, our own"
        f" code does not: at this pace the analyst takes {cpu:.0%} of a core. Earmark has up to {CALLS_IN_FLIGHT} calls in"
        f" flight and does {ratio:,.0f} times as many videos. Steady: after {size.warm_up_s:.0f} s.",
        [
            ["", "videos an hour", "of the limit", "429s"],
            old.row("the predecessor's loop"),
            whole.row("Earmark, with its start"),
            steady.row("Earmark, steady"),
        ],
        {
            "ratio": ratio,
            "of_the_limit": steady.of_the_limit,
            "refused": steady.refused,
            "refused_in_all": whole.refused,
            "bill_usd": float(bill_usd),
            "charged_usd": float(charged_usd),
        },
    )

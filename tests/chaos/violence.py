"""A run: videos to analyse, analysts under violence, a day's end amid the work, until nothing more can be spent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import get_args

import duckdb
import orjson

from projections.rebuild import rebuild
from projections.snapshots import LINK
from streams.analysis.entries import Claim, read_entry
from streams.analysis.ledger import DAY_MS, Ledger
from streams.clock import utc_now
from streams.log.connection import Connection
from streams.log.fold import Follower, Record, follow
from streams.log.publish import publisher
from streams.log.topics import ANALYSES, LEDGER
from tests.broker.analyst_scene import Scene
from tests.chaos import claude_process
from tests.chaos.analyst_process import Job
from tests.chaos.claude_process import LATENCY_S
from tests.chaos.crowd import Act, Crowd, processes
from tests.chaos.judge import Evidence, ReadModel
from tests.chaos.plan import Plan

CLAIMS_AN_ACT = 14
LONGEST_PAUSE_MS = 1000
QUIET_MS = 30_000


def now_ms() -> int:
    return int(utc_now().timestamp() * 1000)


@dataclass
class Watch:
    """The ledger as it grows, folded where no fault is planted."""

    ledger: Ledger
    midnight_ms: int = 0
    claims: int = 0
    moved_ms: int = 0
    cheapest_usd: Decimal = Decimal("Infinity")

    def apply(self, record: Record) -> None:
        entry = read_entry(record)
        verdict = self.ledger.apply(entry, record.offset, record.timestamp_ms)
        self.moved_ms = now_ms()
        if isinstance(entry, Claim):
            self.claims += verdict == "granted"
            self.cheapest_usd = min(self.cheapest_usd, entry.usd)

    def at_rest(self, cap_usd: Decimal) -> bool:
        """Whether no call is under way and none can begin today; or nothing moves any more, whyever."""
        now = now_ms()
        if any(held.deadline_ms > now for held in self.ledger.open.values()):
            return False
        spent = self.claims > 0 and self.ledger.room("live", cap_usd, cap_usd, now) < self.cheapest_usd
        return not self.ledger.pending or spent or now - self.moved_ms > QUIET_MS


async def run(plan: Plan, connection: Connection, home: Path, limit_s: float) -> Evidence:
    """Carry `plan` out on a fresh set of topics and return what there is to judge; its files go to `home`."""
    access_log = home / "claude.jsonl"
    access_log.touch()
    async with publisher(connection) as appender, _claude(plan.seed, access_log) as base_url:
        log = Scene(connection, appender, plan.prompt)
        await log.activate()
        for start in range(0, plan.videos, 100):
            await asyncio.gather(*(log.ask(video_id) for video_id in plan.video_ids[start : start + 100]))
        noon_ms = (now_ms() + DAY_MS // 2) % DAY_MS
        job = Job(connection, base_url, plan.limits, noon_ms, home / "analysts.log", plan.fault)
        crowd, watch = Crowd(job, Random(plan.seed)), Watch(Ledger(noon_ms))
        came_to_rest = False
        try:
            async with follow(connection, [LEDGER], watch.apply) as follower:
                crowd.gather(plan.analysts)
                try:
                    async with asyncio.timeout(limit_s):
                        await _torment(plan, crowd, watch)
                        await _rest(plan, crowd, watch, follower)
                        came_to_rest = True
                except TimeoutError:
                    pass
            await crowd.end()
        finally:
            crowd.clear()
        await rebuild(home, connection.consumer, connection.name)
        return Evidence(
            plan=plan,
            day_start_ms=watch.ledger.day_start_ms,
            access_log=[orjson.loads(line) for line in access_log.read_bytes().splitlines()],
            ledger=await log.records(LEDGER),
            analyses=await log.records(ANALYSES),
            read_model=_read_model(home),
            crashed=crowd.crashed,
            came_to_rest=came_to_rest,
        )


async def _torment(plan: Plan, crowd: Crowd, watch: Watch) -> None:
    """Each act some claims after the one before, so that a slow machine has no more of them a call than a fast one."""
    kill, stop = get_args(Act)
    acts: list[Act] = [kill] * plan.kills + [stop] * plan.stops
    crowd.random.shuffle(acts)
    for act in acts:
        enough = watch.claims + crowd.random.uniform(0, 2 * CLAIMS_AN_ACT)
        until_ms = now_ms() + LONGEST_PAUSE_MS
        # Where the cap is reached nothing is claimed: then it is time that passes between acts.
        while watch.claims < enough and (  # noqa: ASYNC110  the clock and the ledger are both waited for
            now_ms() < until_ms or not watch.at_rest(plan.cap_usd)
        ):
            await asyncio.sleep(0.01)
        # Or it would always be just after a claim.
        await asyncio.sleep(crowd.random.uniform(0, 2 * LATENCY_S))
        await crowd.act(act)
        await _midnight(plan, crowd, watch)


async def _midnight(plan: Plan, crowd: Crowd, watch: Watch) -> None:
    """Let the day end in a moment, once: everybody is killed and started again with that end, calls under way or not.

    All that is in the log lies within one day before as after, so no verdict on it changes.
    """
    if watch.midnight_ms or (watch.claims < plan.claims_before_midnight and not watch.at_rest(plan.cap_usd)):
        return
    watch.midnight_ms = now_ms() + int(crowd.random.uniform(0.3, 1.2) * crowd.job.limits.hold_s * 1000)
    watch.ledger.day_start_ms = watch.midnight_ms % DAY_MS
    await crowd.begin_anew(replace(crowd.job, day_start_ms=watch.ledger.day_start_ms))


async def _rest(plan: Plan, crowd: Crowd, watch: Watch, follower: Follower) -> None:
    while not (0 < watch.midnight_ms < now_ms() and watch.at_rest(plan.cap_usd)):
        await follower.moved()
        crowd.mend()
        await _midnight(plan, crowd, watch)
    await follower.reach_now()


@asynccontextmanager
async def _claude(seed: int, access_log: Path) -> AsyncIterator[str]:
    """The base URL of a Claude in a process of its own."""
    mine, its = processes.Pipe()
    claude = processes.Process(target=claude_process.main, args=(seed, access_log, its), daemon=True)
    claude.start()
    try:
        yield await asyncio.to_thread(mine.recv)
    finally:
        mine.close()
        its.close()
        claude.kill()
        claude.join()


def _read_model(home: Path) -> ReadModel:
    with duckdb.connect(home / LINK, read_only=True) as database:
        videos = database.execute("SELECT video_id, status, reason FROM video_status").fetchall()
        analyses = database.execute("SELECT video_id, count(*) FROM analyses GROUP BY video_id").fetchall()
        [(charged_usd,)] = database.execute("SELECT sum(charged_usd) FROM daily_costs").fetchall()
    return ReadModel(
        {video: (status, reason) for video, status, reason in videos}, dict(analyses), charged_usd
    )

"""A run: videos to analyse, analysts under violence, a day's end amid the work, until nothing more can be spent."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import get_args

import duckdb
import orjson

from projections.rebuild import rebuild
from projections.snapshots import LINK
from streams.budget.entries import Claim, read_entry
from streams.budget.ledger import DAY_MS, Ledger
from streams.clock import utc_now
from streams.events.event import Lane
from streams.events.record import Record
from streams.events.videos import Origin
from streams.log.connection import Connection
from streams.log.follow import Follower, follow
from streams.log.publish import publisher
from streams.log.topics import ANALYSES, LEDGER
from tests.builders.analyst_scene import Scene
from tests.chaos import claude_process
from tests.chaos.analyst_process import Job
from tests.chaos.claude_process import LATENCY_S
from tests.chaos.crowd import Act, Crowd, processes
from tests.chaos.judge import Evidence, ReadModel
from tests.chaos.plan import Plan

LONGEST_PAUSE_MS = 500
REST_MS = 500
QUIET_MS = 30_000


def now_ms() -> int:
    return int(utc_now().timestamp() * 1000)


@dataclass
class Watch:
    """The ledger as it grows, folded where no fault is planted."""

    plan: Plan
    ledger: Ledger
    midnight_ms: int = 0
    claims: int = 0
    all_asked: bool = False
    moved_ms: int = 0

    def apply(self, record: Record) -> None:
        entry = read_entry(record)
        if entry is None:
            return
        verdict = self.ledger.apply(entry, record.offset, record.timestamp_ms)
        self.moved_ms = now_ms()
        if isinstance(entry, Claim):
            self.claims += verdict == "granted"

    def has_room(self, lane: Lane) -> bool:
        """Whether any claim could be granted in a lane."""
        limits = self.plan.limits
        room = self.ledger.room(lane, limits.cap_usd, limits.lane_cap_usd(lane), now_ms())
        return room >= self.plan.dearest_usd

    def is_still(self) -> bool:
        """Whether nothing has moved for a moment: an outage, say."""
        return now_ms() - self.moved_ms > REST_MS

    def at_rest(self) -> bool:
        """Whether no call is under way, none need begin today and what was denied is settled; or nothing moves, whyever."""
        now = now_ms()
        if any(held.deadline_ms > now for held in self.ledger.open.values()):
            return False
        lanes = {pending.request.lane for pending in self.ledger.pending.values()}
        waiting = lanes if self.all_asked else {*lanes, "live"}
        stopped = self.ledger.alarm is not None and now < self.ledger.day_end_ms()
        spent = stopped or not any(map(self.has_room, waiting))
        done = spent and not self.ledger.denied
        return now - self.moved_ms > (REST_MS if done else QUIET_MS)


async def run(plan: Plan, connection: Connection, home: Path, limit_s: float) -> Evidence:
    """Carry `plan` out on a fresh set of topics and return what there is to judge; its files go to `home`."""
    access_log = home / "claude.jsonl"
    access_log.touch()
    async with publisher(connection) as appender, _claude(plan, access_log) as base_url:
        log = Scene(connection, appender, plan.prompt)
        await log.activate()
        await _ask(log, plan.backfill_ids, "backfill")
        await _ask(log, plan.live_ids[: plan.live_at_once], "poll")
        noon_ms = (now_ms() + DAY_MS // 2) % DAY_MS
        job = Job(connection, base_url, plan.limits, noon_ms, home / "analysts.log", plan.fault)
        crowd = Crowd(job, plan.calls_in_flight, Random(plan.seed))
        watch = Watch(plan, Ledger(noon_ms))
        came_to_rest = False
        try:
            async with follow(connection, [LEDGER], watch.apply) as follower:
                crowd.begin()
                try:
                    async with asyncio.timeout(limit_s):
                        await asyncio.gather(
                            _ask_the_rest(plan, log, watch, follower), _torment(plan, crowd, watch)
                        )
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


async def _ask(log: Scene, video_ids: Sequence[str], origin: Origin) -> None:
    for start in range(0, len(video_ids), 100):
        await asyncio.gather(
            *(log.ask(video_id, origin=origin) for video_id in video_ids[start : start + 100])
        )


async def _ask_the_rest(plan: Plan, log: Scene, watch: Watch, follower: Follower) -> None:
    """Most live videos come when the backfill has spent its share of the day, which must not hold them up."""
    while watch.ledger.open or watch.has_room("backfill"):
        if watch.midnight_ms or watch.at_rest():
            break
        await follower.moved()
    await _ask(log, plan.live_ids[plan.live_at_once :], "poll")
    watch.all_asked = True


async def _torment(plan: Plan, crowd: Crowd, watch: Watch) -> None:
    """Each act some claims after the one before, so that a slow machine has no more of them a call than a fast one."""
    kill, stop = get_args(Act)
    acts: list[Act] = [kill] * plan.kills + [stop] * plan.stops
    crowd.random.shuffle(acts)
    for act in acts:
        enough = watch.claims + crowd.random.uniform(0, 2 * plan.claims_an_act)
        until_ms = now_ms() + LONGEST_PAUSE_MS
        # Where the cap is reached nothing is claimed: then it is time that passes between acts.
        while watch.claims < enough and (now_ms() < until_ms or not (watch.at_rest() or watch.is_still())):
            await _midnight(plan, crowd, watch)
            await asyncio.sleep(0.01)
        # Or it would always be just after a claim.
        await asyncio.sleep(crowd.random.uniform(0, 2 * LATENCY_S))
        await crowd.act(act)


async def _midnight(plan: Plan, crowd: Crowd, watch: Watch) -> None:
    """Let the day end in a moment, once: all are told to end, amid their calls, and started again with that day's end.

    All that is in the log lies within one day before as after, so no verdict on it changes.
    """
    if watch.midnight_ms or (watch.claims < plan.claims_before_midnight and not watch.at_rest()):
        return
    await crowd.end()
    watch.midnight_ms = now_ms() + int(crowd.random.uniform(0.3, 1.2) * crowd.job.limits.hold_s * 1000)
    watch.ledger.day_start_ms = watch.midnight_ms % DAY_MS
    crowd.job = replace(crowd.job, day_start_ms=watch.ledger.day_start_ms)
    crowd.begin()


async def _rest(plan: Plan, crowd: Crowd, watch: Watch, follower: Follower) -> None:
    while not (0 < watch.midnight_ms < now_ms() and watch.at_rest()):
        await follower.moved()
        crowd.fix()
        await _midnight(plan, crowd, watch)
    await follower.reach_now()


@asynccontextmanager
async def _claude(plan: Plan, access_log: Path) -> AsyncIterator[str]:
    """The base URL of a Claude in a process of its own."""
    mine, its = processes.Pipe()
    claude = processes.Process(
        target=claude_process.main, args=(plan.seed, plan.outage_s, access_log, its), daemon=True
    )
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

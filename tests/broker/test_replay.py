"""Replaying history under a candidate: planned, run, resumed, cancelled, compared, and quiet all the while."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from projections.history import channel_id_of
from projections.rebuild import rebuild
from projections.snapshots import LINK
from projections.sql import snapshot
from streams.clock import Clock, utc_now
from streams.events.analyses import AnalysisCompleted
from streams.events.ledger import (
    AnalysisRequested,
    BudgetReserved,
    BudgetSettled,
    ReplayFilter,
    ReplayStarted,
)
from streams.events.prompts import Prompt, PromptRegistered
from streams.log.connection import Connection
from streams.log.follow import ends_of
from streams.log.publish import publisher
from streams.log.topics import ANALYSES, CAPTIONS, LEDGER
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Reply, Step
from streams.replay import run as replays
from streams.replay.plan import Plan, plan
from streams.replay.progress import Progress
from streams.replay.selection import select
from streams.replay.wish import Wish
from tests.builders.analyst_scene import ANSWER, LIMITS, PROMPT, Scene, analysts, captions_of, scene

pytestmark = pytest.mark.kafka

CAP_USD = Decimal(5)

CANDIDATE = PROMPT.model_copy(update={"name": "candidate", "words": "Say what was called, again."})
ALL = ReplayFilter()


def answer(body: Mapping[str, Any]) -> Step:
    """The active prompt sees a buy of PLTR; the candidate sees it held, and a call that nobody else saw."""
    text = orjson.loads(ANSWER)
    if body["system"][0]["text"] == CANDIDATE.words:
        first = text["mentions"][0]
        text["mentions"] = [
            {**first, "action": "hold"},
            {**first, "symbol": "BYE", "quote": "here and now bye", "action": "watch"},
        ]
    return Reply(orjson.dumps(text).decode())


def wish(max_usd: str = "1", *, follow: bool = False, of: Prompt = CANDIDATE) -> Wish:
    return Wish(of, ALL, 0, Decimal("0.5"), Decimal(max_usd), follow)


async def history(
    log: Scene, home: Path, claude: LoopbackClaude, videos: int, candidate: Prompt = CANDIDATE
) -> None:
    """So many videos analysed under the active prompt, the candidate registered, the read model up to it."""
    await log.ask(*(f"v{number}" for number in range(videos)))
    async with analysts(log, claude.base_url):
        await log.until(LEDGER, [BudgetSettled], videos)
    await log.publisher.append(
        PromptRegistered(at=utc_now(), prompt_id=candidate.prompt_id, prompt=candidate)
    )
    await model(log, home)


async def begun(log: Scene, home: Path, of: Wish | None = None, now: Clock = utc_now) -> replays.Begun:
    return await replays.start(log.connection, log.publisher, home, of or wish(), now, CAP_USD)


def planned_for(home: Path, prompt: Prompt) -> Plan:
    return plan(select(home, prompt, ALL, 0), prompt, Decimal(5), Decimal("0.5"))


async def ended(connection: Connection, started: ReplayStarted, home: Path) -> Progress:
    """How far the replay is once it runs no more."""
    listing = replays.listing(home, CANDIDATE, started)
    async with (
        asyncio.timeout(30),
        replays.watching(connection, home, started.replay_id, listing, utc_now) as steps,
    ):
        async for progress in steps:
            if progress.state != "running":
                return progress
    raise AssertionError


async def model(log: Scene, home: Path) -> None:
    await rebuild(home, log.connection.consumer, log.connection.name)


async def test_a_replay_runs_once_and_is_compared(connection: Connection, tmp_path: Path) -> None:
    """The plan's numbers hold, running it again calls nobody, and the comparison says what would change."""
    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        await history(log, tmp_path, claude, videos=4)
        planned = planned_for(tmp_path, CANDIDATE)
        assert (planned.videos, planned.already, planned.days) == (4, 0, 1)
        before = claude.bill()
        started = (await begun(log, tmp_path)).progress
        assert (started.state, started.requested, started.waiting) == ("running", 4, 4)
        async with analysts(log, claude.base_url):
            await log.until(ANALYSES, [AnalysisCompleted], 8)
            await log.until(LEDGER, [BudgetSettled], 8)
        assert claude.bill() - before <= planned.first_usd
        assert abs(claude.bill() - before - planned.expected_usd) < planned.expected_usd / 2

        await model(log, tmp_path)
        again = (await begun(log, tmp_path)).progress
        assert (again.state, again.completed, again.waiting) == ("done", 4, 0)
        assert again.spent_usd == claude.bill() - before
        assert len(await log.events(LEDGER, ReplayStarted)) == 1
        assert len(await log.events(LEDGER, AnalysisRequested)) == 8
        planned = planned_for(tmp_path, CANDIDATE)
        assert (planned.videos, planned.already, planned.expected_usd) == (4, 4, 0)

        with snapshot(tmp_path) as database:
            [total] = database.execute(
                "SELECT videos, same, added, dropped, action_changed, a_rejected, b_rejected"
                " FROM compare_channels('test', 'candidate') WHERE channel = 'all'"
            ).fetchall()
            [changed] = database.execute(
                "SELECT DISTINCT symbol, a_action, b_action, changed FROM compare_mentions('test', 'candidate')"
                " WHERE change = 'changed'"
            ).fetchall()
            [(current,)] = database.execute("SELECT DISTINCT prompt FROM mentions").fetchall()
        assert total == (4, 0, 4, 0, 4, 0.5, 0.0)
        assert changed == ("PLTR", "buy", "hold", ["action"])
        assert current == "test"


@pytest.mark.parametrize("words", ["Say what was called, again. " * 200, "So?"])
async def test_a_plan_is_of_the_candidates_own_words(
    connection: Connection, tmp_path: Path, words: str
) -> None:
    """Its first attempts reserve no more than planned, and hardly less, whatever the prompt that was billed had to say.

    One video of the three was never analysed, so of that the plan knows only the words.
    """
    candidate = CANDIDATE.model_copy(update={"words": words})
    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        await history(log, tmp_path, claude, videos=2, candidate=candidate)
        await log.publisher.append(captions_of("fresh"))
        await model(log, tmp_path)
        planned, before = planned_for(tmp_path, candidate), claude.bill()
        await begun(log, tmp_path, wish(of=candidate))
        async with analysts(log, claude.base_url):
            await log.until(ANALYSES, [AnalysisCompleted], 5)
        claims = [c for c in await log.events(LEDGER, BudgetReserved) if c.lane == "replay"]
    reserved = sum(claim.usd for claim in claims)
    assert planned.first_usd * Decimal("0.8") < reserved <= planned.first_usd
    assert abs(claude.bill() - before - planned.expected_usd) < planned.expected_usd / 2


@dataclass
class Opened:
    """A home that notes which of its files were named, each time."""

    home: Path
    named: list[str] = field(default_factory=list)

    def __truediv__(self, name: str) -> Path:
        self.named.append(name)
        return self.home / name


async def test_a_replay_draws_its_list_once(connection: Connection, tmp_path: Path) -> None:
    """The read model is opened to see how far it is, and once more for the list, which is the watcher's, too."""
    async with scene(connection) as log:
        await log.publisher.append(captions_of("one"))
        await log.publisher.append(captions_of("two"))
        await model(log, tmp_path)
        for _ in ("started", "gone on with"):
            home = Opened(tmp_path)
            here = await begun(log, home)
            assert [name for name in home.named if name != "state"] == [LINK, LINK]
            assert here.progress.requested == len(here.listing.videos) == 2
            assert here.listing.videos == replays.listing(tmp_path, CANDIDATE, here.progress.started).videos


async def test_whoever_starts_a_replay_first_freezes_its_list(connection: Connection, tmp_path: Path) -> None:
    """Somebody else does between our look into the log and our own start; a video has come in since."""
    ours = wish()
    theirs = ReplayStarted(
        at=utc_now(),
        replay_id=ours.replay_id,
        prompt_id=CANDIDATE.prompt_id,
        filter=ALL,
        seed=0,
        share=0.5,
        max_usd=Decimal(1),
        follow=False,
        captions_ends=(0,) * 12,
    )

    async def append_theirs() -> None:
        async with publisher(connection) as out:
            await out.append(theirs)

    def meanwhile() -> datetime:
        with ThreadPoolExecutor() as somebody:
            somebody.submit(asyncio.run, append_theirs()).result()
        return utc_now()

    async with scene(connection) as log:
        await log.publisher.append(captions_of("late"))
        await model(log, tmp_path)
        ends = await ends_of(connection, CAPTIONS)
        here = (await begun(log, tmp_path, ours, meanwhile)).progress
        first, *others = await log.events(LEDGER, ReplayStarted)
        assert first == theirs
        assert others[0].captions_ends == ends
        assert (here.requested, here.state) == (0, "done")
        assert await log.events(LEDGER, AnalysisRequested) == []


async def test_a_replay_is_never_charged_above_its_own_limit(connection: Connection, tmp_path: Path) -> None:
    """What fits is analysed; who watches is told that the rest does not, and nothing more is called."""
    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        await history(log, tmp_path, claude, videos=8)
        before = claude.bill()
        limit = Decimal("0.0012")
        started = (await begun(log, tmp_path, wish(f"{limit}"))).progress.started
        async with analysts(log, claude.base_url):
            spent = await ended(connection, started, tmp_path)
            calls = len(claude.calls)
            await log.ask("live")
            await log.until(ANALYSES, [AnalysisCompleted], calls + 1)
            claims = len(await log.events(LEDGER, BudgetReserved))
        # Those in flight at once may each have seen room; what does not fit is not claimed again and again.
        assert claims - len(claude.calls) <= LIMITS.calls_in_flight
        assert (spent.state, spent.completed, spent.waiting) == ("spent", calls - 8, 16 - calls)
        assert 0 < spent.spent_usd <= limit
        live = [a for a in await log.events(ANALYSES, AnalysisCompleted) if a.video.video_id == "live"]
        assert claude.bill() - before == spent.spent_usd + live[0].usd


async def test_a_cancelled_replay_claims_nothing_more(connection: Connection, tmp_path: Path) -> None:
    """Its videos wait for ever without holding up anything; a wrong id is said to be wrong."""
    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        await history(log, tmp_path, claude, videos=2)
        started = (await begun(log, tmp_path)).progress
        replay_id = str(started.started.replay_id)
        cancelled = await replays.cancel(connection, log.publisher, tmp_path, replay_id[:8], utc_now)
        assert f"replay {replay_id} of candidate ({CANDIDATE.prompt_id}): cancelled, 0 of 2" in cancelled
        with pytest.raises(replays.EarmarkError, match="0 replays"):
            await replays.cancel(connection, log.publisher, tmp_path, "nothing", utc_now)
        async with analysts(log, claude.base_url):
            await log.ask("live")
            await log.until(ANALYSES, [AnalysisCompleted], 3)
        assert len(claude.calls) == 3


async def test_a_replay_that_follows_runs_new_videos_under_the_candidate_too(
    connection: Connection, tmp_path: Path
) -> None:
    """The active prompt stays live; the candidate's analysis of the same captions comes beside it, in its own lane."""
    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        await history(log, tmp_path, claude, videos=1)
        await begun(log, tmp_path, wish(follow=True))
        await log.ask("new")
        async with analysts(log, claude.base_url):
            await log.until(ANALYSES, [AnalysisCompleted], 4)
        of_new = [a for a in await log.events(ANALYSES, AnalysisCompleted) if a.video.video_id == "new"]
        assert {(a.prompt, a.lane) for a in of_new} == {("test", "live"), ("candidate", "replay")}
        asked = [r for r in await log.events(LEDGER, AnalysisRequested) if r.video_id == "new"]
        assert {r.lane for r in asked} == {"live", "replay"}


async def test_what_came_in_while_a_replay_that_follows_was_cancelled_is_taken_too(
    connection: Connection, tmp_path: Path
) -> None:
    """Its live analysis is done by then, so nobody would ask for the candidate's any more."""
    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        await history(log, tmp_path, claude, videos=1)
        ours = wish(follow=True)
        first = (await begun(log, tmp_path, ours)).progress.started
        await replays.cancel(connection, log.publisher, tmp_path, str(first.replay_id), utc_now)
        await log.ask("meanwhile")
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 2)
        await model(log, tmp_path)
        again = await replays.start(connection, log.publisher, tmp_path, ours, utc_now, CAP_USD, resume=True)
        assert again.progress.requested == 2
        await log.ask("later")
        async with analysts(log, claude.base_url):
            await log.until(ANALYSES, [AnalysisCompleted], 6)
        candidates = [a for a in await log.events(ANALYSES, AnalysisCompleted) if a.prompt == "candidate"]
        assert {a.video.video_id for a in candidates} == {"v0", "meanwhile", "later"}
        assert {a.replay_id for a in candidates} == {again.progress.started.replay_id}


async def test_a_replay_that_spent_its_limit_is_not_resumed(connection: Connection, tmp_path: Path) -> None:
    """There is nothing to resume it with."""
    async with scene(connection) as log:
        await model(log, tmp_path)
        ours = wish("0", follow=True, of=PROMPT)
        first = (await begun(log, tmp_path, ours)).progress.started
        await replays.cancel(connection, log.publisher, tmp_path, str(first.replay_id), utc_now)
        with pytest.raises(replays.EarmarkError, match=r"had spent its \$0: with another --max-usd"):
            await replays.start(connection, log.publisher, tmp_path, ours, utc_now, CAP_USD, resume=True)
        assert len(await log.events(LEDGER, ReplayStarted)) == 1


async def test_a_selection_is_the_same_for_everybody(connection: Connection, tmp_path: Path) -> None:
    """A sample by its seed, a channel by any of its names, captions only up to where the list was frozen."""
    async with scene(connection) as log:
        await log.ask(*(f"v{number}" for number in range(30)))
        await model(log, tmp_path)
    some = select(tmp_path, CANDIDATE, ReplayFilter(sample=5), 1)
    assert len(some.to_do) == some.videos == 5
    assert some == select(tmp_path, CANDIDATE, ReplayFilter(sample=5), 1)
    assert some != select(tmp_path, CANDIDATE, ReplayFilter(sample=5), 2)
    assert select(tmp_path, CANDIDATE, ReplayFilter(since=datetime(2026, 1, 1, tzinfo=UTC)), 1).videos == 0
    assert select(tmp_path, CANDIDATE, ALL, 1, [0] * 12).videos == 0
    with pytest.raises(replays.EarmarkError, match="--channel nobody"):
        channel_id_of(tmp_path, "nobody")

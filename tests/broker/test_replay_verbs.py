"""`earmark replay` as it is typed, with a real analyst behind it: planned, run, stopped, resumed, compared."""

import asyncio
import csv
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streams.clock import utc_now
from streams.errors import RefusedError
from streams.events.analyses import AnalysisCompleted
from streams.events.ledger import (
    BudgetSettled,
    ReplayFilter,
    ReplayStarted,
)
from streams.log.connection import Connection
from streams.log.topics import ANALYSES, LEDGER
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Reply, Step
from tests.builders.analyst_scene import analysts, scene
from tests.builders.replay_shell import (
    CANDIDATE,
    FIRST,
    MADE,
    Shell,
    answer,
    begun_and_killed,
    captions,
    ended,
    interrupted,
    waiting,
    wished,
)

pytestmark = pytest.mark.kafka


async def test_a_replay_from_its_plan_to_its_comparison(connection: Connection, tmp_path: Path) -> None:
    """Planning asks nobody and writes nothing; run, it calls once a video; then what changed is told, by kind."""
    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        shell = Shell(log, tmp_path)
        await shell.history(claude, *(captions(video_id, of) for video_id, (of, _) in MADE.items()))
        assert await shell.run("status") == "no replay was started: earmark replay plan PROMPT\n"

        ends, answered = await shell.ends(), claude._requests
        planned = (await shell.run("plan", "candidate")).splitlines()
        assert planned[0] == "6 videos, 0 of them analysed under this prompt already"
        assert re.fullmatch(r"about \d+ tokens to read and \d+ to write", planned[1])
        [money] = re.findall(
            r"^expected \$(\S+) at list price; the first attempts reserve at most \$(\S+), and", planned[2]
        )
        assert 0 < Decimal(money[0]) < Decimal(money[1])
        assert planned[3] == "1 day at the replay share of the daily cap"
        assert (await shell.ends(), claude._requests) == (ends, answered)

        begun = await shell.run("run", "candidate", "--max-usd", "1", "--detach")
        assert "running, 0 of 6 videos analysed, 0 failed, 6 wait; $0.00 of $1 charged\n" in begun
        assert await shell.run("status") == begun
        async with analysts(log, claude.base_url):
            attached = await shell.watched("run", "candidate", "--max-usd", "1.00")
        assert "done, 6 of 6 videos analysed, 0 failed, 0 wait" in attached[-1]
        assert (await shell.run("status")).splitlines() == attached[-1:]
        assert len(claude.calls) == 12
        assert len(await log.events(LEDGER, ReplayStarted)) == 1

        await shell.read_on()
        assert (await shell.run("plan", "candidate")).startswith("6 videos, 6 of them analysed")
        table = await shell.run("compare", "test", "candidate")
        rows = list(
            csv.DictReader((await shell.run("compare", "test", "candidate", "--format", "csv")).splitlines())
        )
        told = json.loads(await shell.run("compare", "test", "candidate", "--format", "json"))
    numbers = (
        "videos",
        "same",
        "added",
        "dropped",
        "action_changed",
        "horizon_changed",
        "conviction_changed",
    )
    assert {(row["channel_id"], row["channel"]): tuple(row[name] for name in numbers) for row in told["channels"]} == {
        ("UCfirst", "First & Fair"): (2, 0, 0, 0, 1, 1, 0),
        ("UCsecond", "Second Sight"): (3, 1, 1, 1, 0, 0, 1),
        (None, None): (1, 1, 0, 0, 0, 0, 0),
        (None, "all"): (6, 2, 1, 1, 1, 1, 1),
    }  # fmt: skip
    assert [row["channel"] for row in rows] == [row["channel"] or "" for row in told["channels"]]
    assert [row["videos"] for row in rows] == ["2", "3", "1", "6"]
    assert rows[-1]["a_rejected"] == "0.5"
    assert [(example["change"], example["changed"]) for example in told["examples"]] == [
        ("changed", ["action"]),
        ("changed", ["time_horizon"]),
        ("changed", ["conviction"]),
        ("dropped", []),
        ("added", []),
    ]
    quote = "Buying palanteer, here and now"
    at = "https://www.youtube.com/watch?v={}&t=2s"
    assert [line.rstrip() for line in table.splitlines()][-15:] == [
        "action changed: PLTR on First & Fair",
        f"  A buy, months, 0.85: {quote} ({at.format('v0')})",
        f"  B hold, months, 0.85: {quote} ({at.format('v0')})",
        "time_horizon changed: PLTR on First & Fair",
        f"  A buy, months, 0.85: {quote} ({at.format('v1')})",
        f"  B buy, weeks, 0.85: {quote} ({at.format('v1')})",
        "conviction changed: PLTR on Second Sight",
        f"  A buy, months, 0.85: {quote} ({at.format('v2')})",
        f"  B buy, months, 0.20: {quote} ({at.format('v2')})",
        "dropped: PLTR on Second Sight",
        f"  A buy, months, 0.85: {quote} ({at.format('v3')})",
        "  B -",
        "added: BYE on Second Sight",
        "  A -",
        f"  B buy, months, 0.85: {quote} ({at.format('v4')})",
    ]
    assert "Second Sight" in table


async def test_what_failed_for_good_before_is_neither_planned_nor_asked_for(
    connection: Connection, tmp_path: Path
) -> None:
    """The ledger grants no call on it to any replay under the same prompt."""

    def refusing_v1(body: Mapping[str, Any]) -> Step:
        is_asked = body["system"][0]["text"] == CANDIDATE.words and "welcome to v1" in str(body["messages"])
        return Reply("", stop_reason="refusal") if is_asked else answer(body)

    async with scene(connection) as log, LoopbackClaude({}, improvise=refusing_v1) as claude:
        shell = Shell(log, tmp_path)
        await shell.history(claude, captions("v0", FIRST), captions("v1", FIRST))
        async with analysts(log, claude.base_url):
            *_, last = await shell.watched("run", "candidate", "--max-usd", "1")
        assert "done, 1 of 2 videos analysed, 1 failed, 0 wait" in last
        await shell.read_on()
        planned = (await shell.run("plan", "candidate")).splitlines()
        assert (
            planned[0] == "2 videos, 1 of them analysed under this prompt already, 1 failed under it for good"
        )
        assert planned[1] == "about 0 tokens to read and 0 to write"
        assert "done, 0 of 0 videos" in await shell.run("run", "candidate", "--max-usd", "2", "--detach")
        assert sorted(await shell.asked()) == ["v0", "v1"]


async def test_run_again_goes_on_where_it_was_killed(connection: Connection, tmp_path: Path) -> None:
    """Two of five were asked for and analysed: that is no replay done, and in the end each was called once."""
    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        shell = Shell(log, tmp_path)
        await shell.tell(*(captions(f"v{number}", FIRST) for number in range(5)), ask=False)
        await shell.register()
        await shell.read_on()
        replay_id = await begun_and_killed(shell, asked=2)
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 2)
            status = await shell.run("status")
            assert (
                f"replay {replay_id} of candidate ({CANDIDATE.prompt_id}): incomplete, 2 of 2 videos analysed"
                in status
            )
            assert status.endswith("2 of 5 are requested: run it again, unless it runs still\n")
            *_, last = await shell.watched("run", "candidate", "--max-usd", "1")
        assert "done, 5 of 5 videos analysed, 0 failed, 0 wait" in last
        assert sorted(await shell.asked()) == ["v0", "v1", "v2", "v3", "v4"]
        assert len(claude.calls) == 5
        assert {a.replay_id for a in await log.events(ANALYSES, AnalysisCompleted)} == {replay_id}


async def test_a_replay_that_has_spent_its_limit_is_watched_no_longer(
    connection: Connection, tmp_path: Path
) -> None:
    """It ends by itself and says what would help, as `status` does; that calls none again whom it had called."""
    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        shell = Shell(log, tmp_path)
        await shell.history(claude, *(captions(f"v{number}", FIRST) for number in range(8)))
        async with analysts(log, claude.base_url):
            *_, last = await shell.watched("run", "candidate", "--max-usd", "0.0008")
        assert re.search(
            r"spent, [1-7] of 8 videos analysed, 0 failed, [1-7] wait; \$0.00\d+ of \$0.0008", last
        )
        assert "with a higher --max-usd another replay takes the rest" in last
        assert (await shell.run("status")).splitlines() == [last]
        async with analysts(log, claude.base_url):
            await shell.watched("run", "candidate", "--max-usd", "1")
        assert len(claude.calls) == 16


async def test_ctrl_c_says_whether_the_replay_goes_on(connection: Connection, tmp_path: Path) -> None:
    """Before all videos are asked for it does not, and must be run again; afterwards only the watching ends."""
    async with scene(connection) as log:
        shell = Shell(log, tmp_path)
        await shell.register()
        await shell.read_on()
        await shell.tell(captions("v0", FIRST), ask=False)
        stopped = await shell.typed("run", "candidate", "--max-usd", "1")
        await waiting(stopped)
        code, printed, said = await interrupted(stopped)
        assert (code, printed) == (1, "")
        assert "stopped before all videos of the replay were requested: run it again" in said
        assert await shell.asked() == []

        await shell.read_on()
        watching = await shell.typed("run", "candidate", "--max-usd", "1")
        assert watching.stdout is not None
        assert b"running, 0 of 1" in await asyncio.wait_for(watching.stdout.readline(), 60)
        code, printed, said = await interrupted(watching)
        assert (code, said) == (0, "")
        assert printed.splitlines()[-1] == "the replay continues: earmark replay status"
        assert await shell.asked() == ["v0"]


async def test_a_share_that_pays_for_no_call_is_refused_before_anything_begins(
    connection: Connection, tmp_path: Path
) -> None:
    """The replay would wait for ever: its share is its own for good."""
    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        shell = Shell(log, tmp_path)
        await shell.history(claude, captions("v0", FIRST))
        ended = await shell.ended("run", "candidate", "--max-usd", "1", "--share", "0.00001")
        assert isinstance(ended.exception, RefusedError)
        assert "raise --share or EARMARK_DAILY_CAP_USD" in str(ended.exception)
        assert await log.events(LEDGER, ReplayStarted) == []


async def test_a_share_is_held_against_the_list_that_is_frozen(
    connection: Connection, tmp_path: Path
) -> None:
    """Also against a video that the read model has yet to read: it would wait for ever."""
    async with scene(connection) as log:
        shell = Shell(log, tmp_path)
        await shell.register()
        await shell.read_on()
        await shell.tell(captions("v0", FIRST), ask=False)
        typed = await shell.typed("run", "candidate", "--max-usd", "1", "--share", "0.00001")
        await waiting(typed)
        await shell.read_on()
        code, printed, said = await ended(typed)
        assert (code, printed) == (3, "")
        assert "a call on video v0 may cost" in said
        assert await log.events(LEDGER, ReplayStarted) == []


async def test_the_same_command_is_the_same_replay(connection: Connection, tmp_path: Path) -> None:
    """Also with `--since 30d` on a later day: or it would have its own list, and its own money to spend."""
    async with scene(connection) as log:
        shell = Shell(log, tmp_path)
        told = [captions("v0", FIRST, days_ago=3), captions("v1", FIRST, days_ago=32)]
        await shell.tell(*told, ask=False)
        await shell.register()
        await shell.read_on()
        since = (utc_now() - timedelta(days=35)).replace(hour=0, minute=0, second=0, microsecond=0)
        then = wished(ReplayFilter(since=since), since_typed="30d")
        await shell.begin(then)
        command = ("run", "candidate", "--since", "30d", "--max-usd", "1", "--detach")
        first = await shell.run(*command)
        assert first.startswith(f"replay {then.replay_id} ")
        assert sorted(await shell.asked()) == ["v0", "v1"]
        assert await shell.run(*command) == first
        assert len(await log.events(LEDGER, ReplayStarted)) == 1

        await shell.run("run", "candidate", "--since", "31d", "--max-usd", "1", "--detach")
        *_, other = await log.events(LEDGER, ReplayStarted)
        assert (other.since_typed, len(await shell.asked())) == ("31d", 3)


async def test_a_comparison_waits_for_the_answers_that_are_in_the_log(
    connection: Connection, tmp_path: Path
) -> None:
    """Just after a replay the read model lacks the last of them, and nobody would know."""
    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        shell = Shell(log, tmp_path)
        await shell.history(claude, captions("v0", FIRST), captions("v1", FIRST))
        async with analysts(log, claude.base_url):
            await shell.watched("run", "candidate", "--max-usd", "1")
        comparing = await shell.typed("compare", "test", "candidate", "--format", "csv")
        await waiting(comparing)
        await shell.read_on()
        code, printed, said = await ended(comparing)
        assert (code, said) == (0, "")
        *_, total = csv.DictReader(printed.splitlines())
        assert (total["channel"], total["videos"]) == ("all", "2")


async def test_status_needs_no_read_model(connection: Connection, tmp_path: Path) -> None:
    """Without one it cannot know what is yet to be asked for, and tells what the ledger says."""
    async with scene(connection) as log:
        shell = Shell(log, tmp_path)
        await shell.tell(*(captions(f"v{number}", FIRST) for number in range(3)), ask=False)
        await shell.register()
        await begun_and_killed(shell, asked=2)
        assert "running, 0 of 2 videos analysed, 0 failed, 2 wait" in await shell.run("status")

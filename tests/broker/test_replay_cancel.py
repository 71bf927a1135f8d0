"""`earmark replay cancel` as it is typed, and a cancelled replay that is resumed."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from streams.errors import EarmarkError
from streams.events.ledger import (
    BudgetSettled,
    ReplayCancelled,
    ReplayFilter,
    ReplayStarted,
)
from streams.log.connection import Connection
from streams.log.topics import LEDGER
from streams.loopback.claude import LoopbackClaude
from tests.builders.analyst_scene import analysts, scene
from tests.builders.replay_shell import FIRST, SECOND, Shell, answer, begun_and_killed, captions, wished

pytestmark = pytest.mark.kafka


async def test_a_channel_is_named_by_its_title_and_a_replay_cancelled_by_the_start_of_its_id(
    connection: Connection, tmp_path: Path
) -> None:
    """Only that channel's videos are asked for, whatever the title's case; a wrong name or id is said to be wrong."""
    async with scene(connection) as log:
        shell = Shell(log, tmp_path)
        told = {"v0": FIRST, "v1": SECOND, "v2": {}, "v3": SECOND}
        await shell.tell(*(captions(video_id, channel) for video_id, channel in told.items()), ask=False)
        await shell.register()
        await shell.read_on()
        limited = ("--channel", "second sight")
        assert (await shell.run("plan", "candidate", *limited)).startswith("2 videos, 0 of them")
        begun = await shell.run("run", "candidate", "--max-usd", "1", "--detach", *limited)
        assert sorted(await shell.asked()) == ["v1", "v3"]
        [start] = await log.events(LEDGER, ReplayStarted)
        assert start.filter.channel_id == "UCsecond"

        replay_id = str(start.replay_id)
        cancelled = await shell.run("cancel", replay_id[:8])
        assert cancelled == begun.replace(": running,", ": cancelled,")
        assert await shell.run("status") == cancelled
        assert await shell.run("cancel", replay_id) == cancelled
        assert len(await log.events(LEDGER, ReplayCancelled)) == 1
        for words, sentence in (
            (("plan", "candidate", "--channel", "nobody"), "it must name one channel of the read model"),
            (("cancel", "nothing"), "begins the id of 0 replays"),
            (("plan", "nothing"), "no prompt nothing is registered"),
            (("compare", "test", "nothing"), "no prompt nothing is registered"),
        ):
            refused = await shell.ended(*words)
            assert isinstance(refused.exception, EarmarkError)
            assert sentence in str(refused.exception)


async def test_what_does_not_name_one_replay_cancels_none(connection: Connection, tmp_path: Path) -> None:
    """Least of all nothing; those that it may be are listed."""
    async with scene(connection) as log:
        shell = Shell(log, tmp_path)
        await shell.register()
        await shell.read_on()
        refused = await shell.ended("cancel", "")
        assert str(refused.exception).startswith("'' begins the id of 0 replays")
        for number in range(20):
            await shell.begin(replace(wished(ReplayFilter()), seed=number))
            started = [str(one.replay_id) for one in await log.events(LEDGER, ReplayStarted)]
            refused = await shell.ended("cancel", "")
            assert refused.exit_code == 1
            assert re.findall("replay ([^ ]+) of ", str(refused.exception)) == started
        firsts = Counter(replay_id[0] for replay_id in started)
        [(first, count)] = firsts.most_common(1)
        refused = await shell.ended("cancel", first)
        assert f"{first!r} begins the id of {count} replays:\n  replay {first}" in str(refused.exception)
        assert await log.events(LEDGER, ReplayCancelled) == []


async def test_a_finished_replay_stays_finished(connection: Connection, tmp_path: Path) -> None:
    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        shell = Shell(log, tmp_path)
        await shell.history(claude, captions("v0", FIRST))
        async with analysts(log, claude.base_url):
            *_, last = await shell.watched("run", "candidate", "--max-usd", "1")
        [started] = await log.events(LEDGER, ReplayStarted)
        refused = await shell.ended("cancel", str(started.replay_id))
        assert isinstance(refused.exception, EarmarkError)
        assert refused.exception.exit_code == 1
        assert str(refused.exception) == f"it is finished, so there is nothing to cancel: {last}"
        assert await log.events(LEDGER, ReplayCancelled) == []


async def test_a_replay_that_follows_is_never_finished(connection: Connection, tmp_path: Path) -> None:
    """Nothing is left to do for the moment; the next video would be analysed under its prompt."""
    async with scene(connection) as log:
        shell = Shell(log, tmp_path)
        await shell.register()
        await shell.read_on()
        begun = await shell.run("run", "candidate", "--max-usd", "1", "--follow", "--detach")
        assert ": done, 0 of 0 videos" in begun
        [started] = await log.events(LEDGER, ReplayStarted)
        assert ": cancelled, 0 of 0" in await shell.run("cancel", str(started.replay_id))


async def test_a_cancelled_replay_is_resumed_when_that_is_what_is_typed(
    connection: Connection, tmp_path: Path
) -> None:
    """Of five videos two were analysed; the others are, within what is left of the limit, and none is called twice."""
    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        shell = Shell(log, tmp_path)
        await shell.tell(*(captions(f"v{number}", FIRST) for number in range(5)), ask=False)
        await shell.register()
        await shell.read_on()
        first = await begun_and_killed(shell, asked=2)
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 2)
        spent = claude.bill()
        await shell.read_on()
        await shell.run("cancel", str(first))
        command = ("run", "candidate", "--max-usd", "1")
        refused = await shell.ended(*command)
        assert isinstance(refused.exception, EarmarkError)
        assert f"replay {first} was cancelled: --resume goes on with it" in str(refused.exception)
        assert len(await log.events(LEDGER, ReplayStarted)) == 1

        async with analysts(log, claude.base_url):
            *_, last = await shell.watched(*command, "--resume")
        _, second = await log.events(LEDGER, ReplayStarted)
        assert (second.resumes, second.max_usd) == (first, 1 - spent)
        assert f"which goes on with {first}: done, 3 of 3 videos analysed" in last
        assert len(claude.calls) == 5
        ledger = await log.ledger()
        assert ledger.replay_usd[first] + ledger.replay_usd[second.replay_id] == claude.bill()
        *_, earlier, later = (await shell.run("status")).splitlines()
        assert earlier.endswith(f"replay {second.replay_id} goes on with it")
        assert later == last
        await shell.read_on()
        assert (await shell.run(*command, "--detach")).splitlines() == [last]
        assert len(await log.events(LEDGER, ReplayStarted)) == 2

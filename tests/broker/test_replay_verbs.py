"""`earmark replay` as it is typed, with a real analyst behind it: planned, run, stopped, resumed, cancelled, compared."""

import asyncio
import csv
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from projections.rebuild import rebuild
from streams.analysis.request_analysis import request_analysis
from streams.cli import replay as verb
from streams.clock import utc_now
from streams.errors import EarmarkError, RefusedError
from streams.events.analyses import AnalysisCompleted
from streams.events.captions import CaptionsExtracted
from streams.events.event import Position
from streams.events.ledger import (
    AnalysisRequested,
    BudgetSettled,
    ReplayCancelled,
    ReplayFilter,
    ReplayStarted,
    request_id,
)
from streams.events.prompts import PromptRegistered
from streams.log.connection import Connection
from streams.log.follow import ends_of
from streams.log.topics import ANALYSES, CAPTIONS, LEDGER, TOPICS
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Reply, Step
from streams.replay.wish import Wish
from tests.builders.analyst_scene import ANSWER, PROMPT, Scene, analysts, captions_of, scene

pytestmark = pytest.mark.kafka

CANDIDATE = PROMPT.model_copy(update={"name": "candidate", "words": "Say what was called, again."})
FIRST = {"channel_id": "UCfirst", "channel_title": "First & Fair"}
SECOND = {"channel_id": "UCsecond", "channel_title": "Second Sight"}
# What the candidate makes of each video; under the active prompt each has one grounded call, to buy PLTR for months.
MADE: dict[str, tuple[Mapping[str, Any], Mapping[str, Any] | None]] = {
    "v0": (FIRST, {"action": "hold"}),
    "v1": (FIRST, {"time_horizon": "weeks"}),
    "v2": (SECOND, {"conviction": 0.2}),
    "v3": (SECOND, None),
    "v4": (SECOND, {"symbol": "BYE"}),
    "v5": ({}, {}),
}


def answer(body: Mapping[str, Any]) -> Step:
    text = orjson.loads(ANSWER)
    [video_id] = re.findall(r"welcome to (\w+)", orjson.dumps(body["messages"]).decode())
    if body["system"][0]["text"] == CANDIDATE.words:
        _, change = MADE.get(video_id, ({}, {}))
        pltr, _ungrounded = text["mentions"]
        text["mentions"] = [] if change is None else [{**pltr, **change}]
        if change == {"symbol": "BYE"}:
            text["mentions"].append(pltr)
    return Reply(orjson.dumps(text).decode())


def captions(video_id: str, channel: Mapping[str, Any], days_ago: int = 1) -> CaptionsExtracted:
    plain = captions_of(video_id)
    published = utc_now() - timedelta(days=days_ago)
    video = plain.video.model_copy(
        update={**channel, "published_at": published, "title": f"Title {video_id}"}
    )
    return plain.model_copy(update={"video": video})


def wished(which: ReplayFilter, since_typed: str | None = None) -> Wish:
    """What `run candidate --max-usd 1` asks for."""
    return Wish(CANDIDATE, which, 0, Decimal("0.5"), Decimal(1), follow=False, since_typed=since_typed)


@dataclass
class Shell:
    """Types verbs where the log and the read model are."""

    log: Scene
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        connection = self.log.connection
        return {
            "EARMARK_KAFKA": connection.bootstrap,
            "EARMARK_TOPIC_PREFIX": connection.prefix,
            "EARMARK_HOME": str(self.home),
        }

    async def ended(self, *words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, verb.replay, words, env=self.environment)

    async def run(self, *words: str) -> str:
        """What a verb prints; it must end well."""
        result = await self.ended(*words)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    async def typed(self, *words: str) -> asyncio.subprocess.Process:
        """A verb in a process of its own, which Ctrl-C reaches."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams", "replay", *words),
            env={**os.environ, **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # A shell lets its background jobs ignore Ctrl-C, and so their children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    async def watched(self, *words: str) -> list[str]:
        """The lines of a verb that ends well, and by itself, though nobody knows beforehand when."""
        code, printed, said = await ended(await self.typed(*words))
        assert code == 0, said
        return printed.splitlines()

    async def read_on(self) -> None:
        """Let the read model come up to the log."""
        await rebuild(self.home, self.log.connection.consumer, self.log.connection.name)

    async def tell(self, *told: CaptionsExtracted, ask: bool = True) -> None:
        """Captions come in, and the request for each under the active prompt, unless they are not to be asked for."""
        for one in told:
            at = await self.log.publisher.append(one)
            position = Position(partition=at.partition, offset=at.offset)
            if ask:
                await self.log.publisher.append_all(await request_analysis(one, position))

    async def history(self, claude: LoopbackClaude, *told: CaptionsExtracted) -> None:
        """Videos analysed under the active prompt, the candidate registered, all of it in the read model."""
        await self.tell(*told)
        async with analysts(self.log, claude.base_url):
            await self.log.until(LEDGER, [BudgetSettled], len(told))
        await self.register()
        await self.read_on()

    async def register(self) -> None:
        await self.log.publisher.append(
            PromptRegistered(at=utc_now(), prompt_id=CANDIDATE.prompt_id, prompt=CANDIDATE)
        )

    async def begin(self, wish: Wish) -> None:
        """The first that a run puts into the log."""
        ends = await ends_of(self.log.connection, CAPTIONS)
        await self.log.publisher.append(wish.start(utc_now(), ends))

    async def ends(self) -> list[tuple[int, ...]]:
        return [await ends_of(self.log.connection, topic) for topic in TOPICS]

    async def asked(self) -> list[str]:
        """The videos that replays asked for, in order."""
        requests = await self.log.events(LEDGER, AnalysisRequested)
        return [request.video_id for request in requests if request.replay_id is not None]


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
        assert "running, 0 of 6 videos analysed, 0 failed, 6 wait; $0.000000 of $1 charged\n" in begun
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


async def begun_and_killed(shell: Shell, asked: int) -> object:
    """What `run candidate --max-usd 1` leaves in the log where it is killed after so many requests: its replay's id."""
    replay = wished(ReplayFilter())
    records = await shell.log.records(CAPTIONS)
    await shell.begin(replay)
    for record in records[:asked]:
        told = record.event()
        assert isinstance(told, CaptionsExtracted)
        await shell.log.publisher.append(
            AnalysisRequested(
                at=utc_now(),
                request_id=request_id(told.captions_id, CANDIDATE.prompt_id, replay.replay_id),
                video_id=told.video.video_id,
                captions_id=told.captions_id,
                captions_at=Position(partition=record.partition, offset=record.offset),
                lane="replay",
                prompt_id=CANDIDATE.prompt_id,
                replay_id=replay.replay_id,
            )
        )
    return replay.replay_id


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
        assert "stopped before all videos of the replay were asked for: run it again" in said
        assert await shell.asked() == []

        await shell.read_on()
        watching = await shell.typed("run", "candidate", "--max-usd", "1")
        assert watching.stdout is not None
        assert b"running, 0 of 1" in await asyncio.wait_for(watching.stdout.readline(), 60)
        code, printed, said = await interrupted(watching)
        assert (code, said) == (0, "")
        assert printed.splitlines()[-1] == "the replay continues: earmark replay status"
        assert await shell.asked() == ["v0"]


async def waiting(process: asyncio.subprocess.Process) -> None:
    """Until it waits for a read model that nobody brings up to the log."""
    assert process.stderr is not None
    said = await asyncio.wait_for(process.stderr.readline(), 60)
    assert said.startswith(b"waiting until the read model in ")


async def interrupted(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """How a process ends after Ctrl-C: its code, what it printed, what it said on stderr."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    return await ended(process)


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """How a process ends within its time: its code, what it printed, what it said on stderr."""
    try:
        async with asyncio.timeout(30):
            printed, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, printed.decode(), said.decode()


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

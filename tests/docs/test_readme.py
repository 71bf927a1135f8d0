"""What the pages say to type is typed, while everything runs."""

import asyncio
import csv
import os
import re
import signal
import termios
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import pytest_asyncio

from streams.clock import utc_now
from streams.demo.sample_channel import CANDIDATE, sample_answer, sample_channel
from streams.loopback.channel import Channel
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Reply
from streams.loopback.youtube import LoopbackYoutube, serve
from streams.prompts.files import BUNDLED, read_prompt
from tests.docs.pages import BIN, MADE, PAGES, README, Page
from tests.docs.typed import BOXES, FOLLOW, UP

LIMIT_S = 120.0
WINDOW = 100
"""Columns of the window in which an example must be readable."""


def commands(heading: str) -> list[str]:
    """What the one page that has this box says to type in it."""
    [page] = [page for page, box in BOXES if box == heading]
    return page.commands(heading)


def python_of(heading: str) -> str:
    [code] = [block.text for block in README.box(heading, "python")]
    return code


def test_it_is_a_door() -> None:
    assert len(README.text.split()) <= 1000
    assert {"make demo", "make test"} <= {*README.commands(), *README.spans}


@pytest.mark.parametrize(("page", "heading"), BOXES, ids=str)
def test_a_box_is_small(page: Page, heading: str) -> None:
    """What is typed takes eight lines, a program twenty."""
    assert 1 <= len(page.commands(heading)) <= 8
    assert all(len(block.lines) <= 20 for block in page.box(heading, "python"))


@dataclass(frozen=True)
class Shell:
    """A shell in the folder where `earmark up` runs."""

    folder: Path
    environment: Mapping[str, str]

    @property
    def snapshot(self) -> Path:
        """The file that analysts open."""
        return self.folder / ".earmark" / "earmark.duckdb"

    async def start(self, command: str, **pipes: Any) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *("bash", "-c", command), cwd=self.folder, env=self.environment, start_new_session=True, **pipes
        )

    async def run(self, command: str, typed: str = "") -> str:
        """What a command prints; it must end well."""
        process = await self.start(command, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
        async with asyncio.timeout(LIMIT_S):
            output, _ = await process.communicate(typed.encode())
        assert process.returncode == 0, f"{command}: {output.decode()}"
        return output.decode()

    async def shown(self, command: str) -> list[str]:
        """What a command leaves on a window of WINDOW columns, line by line."""
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (40, WINDOW))
        process = await self.start(command, stdin=DEVNULL, stdout=theirs, stderr=STDOUT)
        os.close(theirs)
        async with asyncio.timeout(LIMIT_S):
            output = await asyncio.to_thread(_read_to_the_end, ours)
            assert await process.wait() == 0, output
        return re.sub(r"\x1b\[[\d;]*m", "", output).splitlines()

    async def until_rows(self, query: str, expected: list[tuple[Any, ...]]) -> None:
        """Wait until the read model answers exactly this."""
        async with asyncio.timeout(LIMIT_S):
            # The first snapshot takes its time, too, and other processes make it.
            while not self.snapshot.exists() or self.rows(query) != expected:  # noqa: ASYNC110
                await asyncio.sleep(0.2)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the read model answers, which must be there."""
        with duckdb.connect(self.snapshot, read_only=True) as database:
            return database.execute(query).fetchall()


def _read_to_the_end(terminal: int) -> str:
    parts = []
    with open(terminal, "rb", buffering=0) as output, suppress(OSError):
        # Linux ends a terminal that nobody writes to any more with an error.
        while part := output.read(4096):
            parts.append(part)
    return b"".join(parts).decode()


def of_these_days(channel: Channel) -> Channel:
    """The sample channel, its newest video a day old: `--since 30d` must find it in any year."""
    newest = max(video.published_at for video in channel.videos)
    later = utc_now().replace(microsecond=0) - timedelta(days=1) - newest
    videos = tuple(replace(video, published_at=video.published_at + later) for video in channel.videos)
    return replace(channel, videos=videos)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shell(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shell]:
    """Everything runs and has analysed the channel that was followed; Ctrl-C ends it at last."""
    channel = of_these_days(sample_channel())

    def answer(body: Mapping[str, Any]) -> Reply:
        asked = body["messages"][0]["content"]
        [video_id] = [video.video_id for video in channel.videos if f"Title: {video.title}\n" in asked]
        prompt = BUNDLED if body["system"][0]["text"] == read_prompt(BUNDLED).words else CANDIDATE
        return Reply(sample_answer(video_id, prompt.stem))

    async with serve(LoopbackYoutube(channel)) as youtube, LoopbackClaude({}, improvise=answer) as claude:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("EARMARK_", "ANTHROPIC_")) and name not in {"COLUMNS", "LINES"}
        }
        opened = Shell(
            tmp_path_factory.mktemp("readme"),
            {
                **inherited,
                "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
                "PYTHONUNBUFFERED": "1",
                "TERM": "xterm",
                "TZ": "Asia/Tokyo",  # what is shown is UTC wherever the machine stands
                "ANTHROPIC_API_KEY": "a key",
                "ANTHROPIC_BASE_URL": claude.base_url,
                "EARMARK_DASHBOARD": "off",  # its port may be another test's
                "EARMARK_YOUTUBE_URL": youtube.origin,
                "EARMARK_YOUTUBE_PER_MINUTE": "600",
            },
        )
        up = await opened.start(f"exec {UP}", stdin=DEVNULL, stdout=PIPE, stderr=STDOUT)
        assert up.stdout is not None
        try:
            async with asyncio.timeout(LIMIT_S):
                while b"running" not in (line := await up.stdout.readline()):
                    assert line, "`earmark up` ended"
            said = await opened.run(FOLLOW.replace("@SomeChannel", channel.handle), typed="y\n")
            assert "has 8 new videos since" in said
            await opened.until_rows(
                "SELECT (SELECT count(*) FROM outlooks), (SELECT count(*) FROM signals)"
                " - (SELECT count(*) FROM mentions)",
                [(7, 7)],
            )
            yield opened
            up.send_signal(signal.SIGINT)
            async with asyncio.timeout(LIMIT_S):
                assert "Kafka stopped" in (await up.stdout.read()).decode()
                assert await up.wait() == 0
        finally:
            if up.returncode is None:
                up.terminate()
                await up.wait()


@pytest.mark.kafka
@pytest.mark.asyncio(loop_scope="module")
async def test_the_bot_takes_old_videos_for_history(shell: Shell) -> None:
    """What it does with every other kind of signal is in `test_readme_bot.py`."""
    (shell.folder / "bot.py").write_text(python_of("For a bot"))
    [command] = commands("For a bot")
    bot = await shell.start(command, stdin=DEVNULL, stdout=PIPE)
    assert bot.stdout is not None
    expected = shell.rows("SELECT 'history ' || symbol || ' ' || action || ' ' || quote FROM mentions")
    try:
        async with asyncio.timeout(LIMIT_S):
            printed = [(await bot.stdout.readline()).decode().rstrip() for _ in expected]
    finally:
        os.killpg(bot.pid, signal.SIGKILL)
        await bot.wait()
    assert sorted(printed) == sorted(line for (line,) in expected)


@pytest.mark.kafka
@pytest.mark.asyncio(loop_scope="module")
async def test_a_shell_follows_the_signals(shell: Shell) -> None:
    """Those of one symbol, for people."""
    (tail,) = commands("For a shell")
    expected = shell.rows("SELECT quote FROM mentions WHERE symbol = 'PLTR'")
    assert expected
    following = await shell.start(tail, stdin=DEVNULL, stdout=PIPE)
    assert following.stdout is not None
    try:
        async with asyncio.timeout(LIMIT_S):
            printed = "".join([(await following.stdout.readline()).decode() for _ in expected])
    finally:
        os.killpg(following.pid, signal.SIGKILL)
        await following.wait()
    assert [quote for (quote,) in expected if quote not in printed] == []


@pytest.mark.kafka
@pytest.mark.asyncio(loop_scope="module")
async def test_the_analyst_asks_in_a_shell_and_in_python(shell: Shell) -> None:
    """By the verb, into a file, and from the file that any DuckDB opens."""
    asked, written = commands("For an analyst")
    assert "NVDA" in await shell.run(asked)
    await shell.run(written)
    with (shell.folder / "calls.csv").open() as file:
        calls = [(call["symbol"], call["quote"]) for call in csv.DictReader(file)]
    assert calls
    assert sorted(calls) == sorted(shell.rows("SELECT symbol, quote FROM mentions WHERE conviction >= 0.8"))
    (shell.folder / "analyst.py").write_text(python_of("For an analyst"))
    counted = await shell.run("python analyst.py")
    assert "NVDA" in counted
    assert_utc(counted)
    assert max(map(len, counted.splitlines())) <= WINDOW


@pytest.mark.kafka
@pytest.mark.asyncio(loop_scope="module")
async def test_the_operator_sees_what_goes_on(shell: Shell) -> None:
    """Each command ends well and says what its comment promises."""
    printed = {command: await shell.run(command) for command in commands("For the operator")}
    for command, part in {
        "earmark sql": "stock calls that stand",
        "earmark channels": "Kettle and Tape",
        'earmark sql "SELECT video_title, status, reason, next_try_at FROM video_status'
        " WHERE status <> 'analysed'\"": "no captions yet",
        'earmark sql "SELECT day, lane, attempts, charged_usd FROM daily_costs"': "backfill",
        'earmark sql "SELECT day, cap_usd, charged_usd, left_usd FROM budget_days"': "left_usd",
        'earmark sql "SELECT topic, records, last_record_at FROM freshness"': "analysis.ledger",
        "earmark status": "UTC: healthy",
        "earmark rebuild": "rebuilt the read model from",
    }.items():
        assert part in printed.pop(command)
    assert printed == {}


def assert_utc(text: str) -> None:
    """Every time of day in a text says that it is UTC, and there is one."""
    assert set(re.findall(r"\d\d:\d\d:\d\d(?:\.\d+)?([+-]\d\d|Z|)", text)) in ({"+00"}, {"Z"}), text


@pytest.mark.kafka
@pytest.mark.asyncio(loop_scope="module")
async def test_an_example_is_readable_in_a_window(shell: Shell) -> None:
    """No line is longer, none ends in the middle of a word, and times are UTC."""
    said = {command for page in PAGES for command in page.commands() if command.startswith("earmark sql ")}
    asked = {command for command in said if "--output" not in command}
    assert len(asked) >= 5
    for command in asked:
        lines = await shell.shown(command)
        assert max(map(len, lines)) <= WINDOW, command
        rows = csv.reader((await shell.run(f"{command} --format csv")).splitlines())
        # Numbers are rounded there, and times have no microseconds.
        words = {
            word for row in rows for cell in row for word in cell.split() if re.search("[^-+.:0-9]", word)
        }
        assert {word for word in words if word not in "\n".join(lines)} == set(), command
        if "_at" in command:
            assert_utc("\n".join(lines))


@pytest.mark.kafka
@pytest.mark.asyncio(loop_scope="module")
async def test_what_the_pages_find_at_home_is_there(shell: Shell) -> None:
    named = {path for page in PAGES for path in page.paths if path.startswith(MADE)}
    assert named
    assert [path for path in named if not (shell.folder / path).exists()] == []


@pytest.mark.kafka
@pytest.mark.asyncio(loop_scope="module")
async def test_another_prompt_is_tried_activated_and_taken_back(shell: Shell) -> None:
    """Nothing is published before the activation, and afterwards everything is as it was."""
    show, register, *tries, activate, take_back = commands("For another prompt")
    calls = "SELECT symbol, action, quote, prompt FROM mentions ORDER BY ALL"
    before, [(signals,)] = shell.rows(calls), shell.rows("SELECT count(*) FROM signals")
    await shell.run(show)
    file = shell.folder / "extract-sure.md"
    assert read_prompt(file) == read_prompt(BUNDLED)
    file.write_text(CANDIDATE.read_text())
    assert "extract-sure is registered as" in await shell.run(register)
    plan, run, compare, dry_run = [await shell.run(command) for command in tries]
    assert "7 videos, 0 of them analysed under this prompt already" in plan
    assert "done, 7 of 7 videos analysed" in run
    assert "Kettle and Tape" in compare
    assert shell.rows("SELECT count(*) FROM signals") == [(signals,)]
    assert dry_run.startswith("activating extract-sure publishes ")
    assert "extract-sure is active" in await shell.run(activate, typed="y\n")
    await shell.until_rows("SELECT DISTINCT prompt FROM mentions", [("extract-sure",)])
    assert "extract-v2 is active" in await shell.run(take_back, typed="y\n")
    await shell.until_rows(calls, before)

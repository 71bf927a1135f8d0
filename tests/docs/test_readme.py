"""README.md is true: its tables are the code's, and what it says to type is typed, while everything runs."""

import asyncio
import csv
import json
import os
import re
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncIterator, Mapping
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
from tests.docs.readme import BIN, README, ROOT, Block, blocks, commands, prose, up_to_date

BOXES = ("For a bot", "For a shell", "For an analyst", "For the operator", "For another prompt")
FOLLOW = "earmark follow @SomeChannel --since 30d"
UP = "earmark up"
# What these tests do not type, and why that is no gap.
ELSEWHERE = {
    "make demo": "tests/docs/test_demo.py",
    "make test": ".ci/run",
    "make setup": "comes before every other target",
    "source .venv/bin/activate": "the PATH of the shell below",
    "export ANTHROPIC_API_KEY=…": "the environment of the shell below",
}
LIMIT_S = 120.0


def box(heading: str) -> list[Block]:
    return [block for block in blocks() if block.heading == heading]


def python_of(heading: str) -> str:
    [code] = [block.text for block in box(heading) if block.language == "python"]
    return code


def test_its_tables_are_those_of_the_code() -> None:
    """`python -m tests.docs.readme` writes them anew."""
    assert README.read_text() == up_to_date()


def test_a_line_holds_one_sentence() -> None:
    assert [line for line in prose() if re.search(r"[.!?] +[A-Z]", line)] == []


@pytest.mark.parametrize("heading", BOXES)
def test_a_box_is_small(heading: str) -> None:
    assert 1 <= sum(len(block.lines) for block in box(heading)) <= 8


def test_what_it_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", README.read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_command_is_run() -> None:
    """By a test below, or where the table says."""
    typed = {UP, FOLLOW, *(command for heading in BOXES for command in commands(heading))}
    assert set(commands()) == typed | set(ELSEWHERE)


def test_ci_runs_make_test() -> None:
    assert "\nmake test 2>&1" in (ROOT / ".ci" / "run").read_text()


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
            if not name.startswith(("EARMARK_", "ANTHROPIC_"))
        }
        opened = Shell(
            tmp_path_factory.mktemp("readme"),
            {
                **inherited,
                "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
                "PYTHONUNBUFFERED": "1",
                "ANTHROPIC_API_KEY": "a key",
                "ANTHROPIC_BASE_URL": claude.base_url,
                "EARMARK_YOUTUBE_URL": youtube.origin,
                "EARMARK_YOUTUBE_PER_MINUTE": "600",
            },
        )
        up = await opened.start(f"exec {UP}", stdin=DEVNULL, stdout=PIPE, stderr=STDOUT)
        assert up.stdout is not None
        try:
            async with asyncio.timeout(LIMIT_S):
                while not (line := await up.stdout.readline()).startswith(b"running"):
                    assert line, "`earmark up` ended"
            said = await opened.run(FOLLOW.replace("@SomeChannel", channel.handle), typed="y\n")
            assert "has 8 videos since" in said
            await opened.until_rows(
                "SELECT (SELECT count(*) FROM outlooks), (SELECT count(*) FROM signals)"
                " - (SELECT count(*) FROM mentions)",
                [(7, 7)],
            )
            yield opened
            up.send_signal(signal.SIGINT)
            async with asyncio.timeout(LIMIT_S):
                assert (await up.stdout.read()).decode() == "Kafka stopped\n"
                assert await up.wait() == 0
        finally:
            if up.returncode is None:
                up.terminate()
                await up.wait()


@pytest.mark.kafka
@pytest.mark.asyncio(loop_scope="module")
async def test_the_bot_prints_every_call(shell: Shell) -> None:
    """Fifteen lines of plain aiokafka at most, none of them Earmark's."""
    (shell.folder / "bot.py").write_text(python_of("For a bot"))
    [command] = commands("For a bot")
    bot = await shell.start(command, stdin=DEVNULL, stdout=PIPE)
    assert bot.stdout is not None
    expected = shell.rows("SELECT symbol, quote FROM mentions")
    try:
        async with asyncio.timeout(LIMIT_S):
            printed = [(await bot.stdout.readline()).decode() for _ in expected]
    finally:
        os.killpg(bot.pid, signal.SIGKILL)
        await bot.wait()
    assert sorted(line.partition(" ")[0] for line in printed) == sorted(symbol for symbol, _ in expected)
    assert [quote for _, quote in expected if quote not in "".join(printed).replace("\\'", "'")] == []


@pytest.mark.kafka
@pytest.mark.asyncio(loop_scope="module")
async def test_a_shell_follows_the_signals(shell: Shell) -> None:
    """Those of one symbol, for people."""
    tail, _ = commands("For a shell")
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


@pytest.mark.skipif(
    shutil.which("kcat") is None and "CI" not in os.environ, reason="no kcat here; CI installs it"
)
@pytest.mark.kafka
@pytest.mark.asyncio(loop_scope="module")
async def test_kcat_shows_keys_headers_and_bodies(shell: Shell) -> None:
    """A client that shares no code with ours."""
    _, kcat = commands("For a shell")
    printed = [part.splitlines() for part in (await shell.run(kcat)).split("\n\n") if "  ce_" in part]
    seen = {(head.partition("  ")[0], json.loads(body)["mention"]["quote"]) for head, body in printed}
    assert seen == set(shell.rows("SELECT symbol, quote FROM mentions"))
    assert all("ce_type=MentionAdded" in head and "ce_revision=1" in head for head, _ in printed)


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
    assert "NVDA" in await shell.run("python analyst.py")


@pytest.mark.kafka
@pytest.mark.asyncio(loop_scope="module")
async def test_the_operator_sees_what_goes_on(shell: Shell) -> None:
    """Each command ends well and says what its comment promises."""
    printed = {command: await shell.run(command) for command in commands("For the operator")}
    for command, part in {
        "earmark sql": "stock calls that stand",
        "earmark channels": "Kettle and Tape",
        "earmark sql \"FROM video_status WHERE status <> 'analysed'\"": "no captions yet",
        'earmark sql "FROM daily_costs"': "backfill",
        'earmark sql "FROM budget_days"': "left_usd",
        'earmark sql "FROM freshness"': "analysis.ledger",
        "earmark broker status": "address  127.0.0.1:",
        "earmark rebuild": "rebuilt the read model from",
    }.items():
        assert part in printed.pop(command)
    assert printed == {}


@pytest.mark.kafka
@pytest.mark.asyncio(loop_scope="module")
async def test_another_prompt_is_tried_activated_and_taken_back(shell: Shell) -> None:
    """Nothing is published before the activation, and afterwards everything is as it was."""
    show, register, *tries, activate, take_back = commands("For another prompt")
    calls = "SELECT symbol, action, quote, prompt FROM mentions ORDER BY ALL"
    before, [(signals,)] = shell.rows(calls), shell.rows("SELECT count(*) FROM signals")
    await shell.run(show)
    file = shell.folder / "extract-v2.md"
    assert read_prompt(file) == read_prompt(BUNDLED)
    file.write_text(CANDIDATE.read_text())
    assert "extract-v2 is registered as" in await shell.run(register)
    plan, run = [await shell.run(command) for command in tries[:2]]
    await shell.until_rows("SELECT count(*) FROM analyses WHERE prompt = 'extract-v2'", [(7,)])
    compare, dry_run = [await shell.run(command) for command in tries[2:]]
    assert "7 videos, 0 of them analysed under this prompt already" in plan
    assert "done, 7 of 7 videos analysed" in run
    assert "Kettle and Tape" in compare
    assert shell.rows("SELECT count(*) FROM signals") == [(signals,)]
    assert dry_run.startswith("activating extract-v2 publishes ")
    assert "extract-v2 is active" in await shell.run(activate, typed="y\n")
    await shell.until_rows("SELECT DISTINCT prompt FROM mentions", [("extract-v2",)])
    assert "extract-v1 is active" in await shell.run(take_back, typed="y\n")
    await shell.until_rows(calls, before)

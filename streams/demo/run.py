"""The demo: the whole pipeline on a channel of our own, with a YouTube and a Claude on this machine.

The processes are the ordinary ones, started by `earmark up`; that these are demonstration servers they cannot know.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from streams.demo import checks
from streams.demo.claude import LoopbackClaude
from streams.demo.sample_channel import INVENTED_QUOTE, WRONG_LINE, sample_channel, sample_scripts
from streams.demo.youtube import LoopbackYoutube, serve
from streams.errors import EarmarkError
from streams.log import broker
from streams.settings import Settings

NOTICE = (
    "Claude's answers here are scripted: no model was called, and costs are the list price of scripted usage."
)
SINCE = "2026-11-01"
LIMIT_S = 120.0
TABS = len(Settings.model_fields["tabs"].default)
SNAPSHOT = "earmark.duckdb"
CAP_USD = "0.05"
PREFIX = "earmark."

TABLES = {
    "Mentions: what was said, and where": """
        SELECT symbol, action, format('{:.2f}', conviction) AS conviction, time_horizon AS horizon, quote, url
        FROM mentions ORDER BY published_at, start_ms""",
    "Rejected: never a signal": """
        SELECT symbol, rejected AS why, quote FROM all_mentions WHERE rejected IS NOT NULL""",
    "Outlook of each video": """
        SELECT video_title AS video, direction, reasoning FROM outlooks ORDER BY published_at""",
    "Not analysed": """
        SELECT title AS video, status, reason, strftime(next_try_at, '%Y-%m-%d %H:%M UTC') AS next_try
        FROM video_status WHERE status <> 'analysed'""",
    "Money, US dollars": """
        SELECT day, model, lane, attempts, completed, input_tokens, output_tokens, c.charged_usd, b.cap_usd
        FROM daily_costs c JOIN budget_days b USING (day) ORDER BY ALL""",
}


class Demo:
    """One run in `home`, which is emptied first."""

    def __init__(self, home: Path, console: Console) -> None:
        self._home = home.absolute()
        self._console = console
        self._environment: dict[str, str] = {}
        self._file = self._home / SNAPSHOT
        self._began = monotonic()

    async def run(self) -> bool:
        """Run it; whether every check held."""
        self._say(NOTICE)
        broker.stop(self._home)
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(parents=True)
        channel = sample_channel()
        async with (
            serve(LoopbackYoutube(channel)) as youtube,
            LoopbackClaude(sample_scripts()) as claude,
        ):
            self._environment = environment(self._home, youtube.origin, claude.base_url)
            async with self._up():
                self._say(await self._earmark("follow", channel.handle, "--since", SINCE, "--yes"))
                asked = await self._progress(len(channel.videos))
                self._show()
                good = await self._check(claude, asked)
        self._next()
        self._say(NOTICE)
        return good

    @asynccontextmanager
    async def _up(self) -> AsyncIterator[None]:
        up = await self._start("up", stdout=asyncio.subprocess.PIPE)
        assert up.stdout is not None  # noqa: S101  asked for
        while line := (await up.stdout.readline()).decode().rstrip():
            self._say(line)
            if line.startswith("running"):
                break
        else:
            raise EarmarkError(f"`earmark up` ended with {await up.wait()}")
        try:
            yield
        finally:
            if up.returncode is None:
                up.send_signal(signal.SIGTERM)
            self._say((await up.stdout.read()).decode().rstrip())
            await up.wait()

    async def _start(self, *verb: str, **pipes: Any) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "streams", *verb, env=self._environment, cwd=self._home, **pipes
        )

    async def _earmark(self, *verb: str) -> str:
        self._say(f"$ earmark {' '.join(verb)}")
        process = await self._start(*verb, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        if process.returncode:
            raise EarmarkError(f"`earmark {' '.join(verb)}` ended with {process.returncode}")
        return output.decode().rstrip()

    async def _progress(self, videos: int) -> int:
        """Follow a second process that queries DuckDB until all is done; how often it asked."""
        reader = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams.demo.reader", str(self._file)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us, who then close its stdin
        )
        assert reader.stdout is not None  # noqa: S101  asked for
        try:
            async with asyncio.timeout(LIMIT_S):
                while line := await reader.stdout.readline():
                    seen = json.loads(line)
                    self._say(
                        "{videos} videos, {captions} with captions, {waiting} waiting; {analysed} analysed:"
                        " {mentions} mentions, {signals} signals, ${charged_usd} charged".format(**seen)
                    )
                    if is_done(seen, videos):
                        break
        except TimeoutError:
            raise EarmarkError(f"not done after {LIMIT_S:g} s: see {self._home / 'logs'}") from None
        finally:
            rest, _ = await reader.communicate(b"\n")
        if reader.returncode:
            raise EarmarkError("the second process could not read the read model")
        return int(json.loads(rest.splitlines()[-1])["asked"])

    def _show(self) -> None:
        with duckdb.connect(str(self._file), read_only=True) as database:
            for title, query in TABLES.items():
                answer = database.execute(query)
                table = Table(title=title, title_justify="left", title_style="bold")
                for column in answer.description or ():
                    table.add_column(column[0], overflow="fold")
                for row in answer.fetchall():
                    table.add_row(*(f"{cell:f}" if hasattr(cell, "as_tuple") else str(cell) for cell in row))
                self._console.print(table)

    async def _check(self, claude: LoopbackClaude, asked: int) -> bool:
        bootstrap = broker.find(self._home) or ""
        await self._settle(bootstrap)
        live = self._home / "live.duckdb"
        shutil.copyfile(self._file, live)
        seen = self._file.resolve()
        rebuilt, signals = await asyncio.gather(
            self._earmark("rebuild"), checks.subscribed(bootstrap, f"{PREFIX}signals.mentions")
        )
        await self._until(lambda: self._file.resolve() != seen)  # the projector has gone over to it
        read = checks.mentions(self._file)
        different = await asyncio.to_thread(checks.differences, live, self._file)
        charged = checks.charged(self._file)
        invented = checks.rejection(self._file, *INVENTED_QUOTE)
        misplaced = checks.rejection(self._file, *WRONG_LINE)
        results = {
            f"the server's bill ${claude.bill():f} = daily_costs ${charged:f}": claude.bill() == charged > 0,
            f"{len(signals)} mentions of a subscriber = {len(read)} in the read model": signals == read != {},
            f"live = rebuilt ({rebuilt}): {'; '.join(different) or 'both EXCEPTs empty'}": not different,
            f"an invented quote was rejected ({INVENTED_QUOTE[1]}: {invented})": invented is not None,
            f"a right quote with a wrong line was put right ({WRONG_LINE[1]})": misplaced is None,
            f"a second process asked DuckDB {asked} times meanwhile, without an error": asked > 0,
        }
        for what, holds in results.items():
            self._say(f"{'ok  ' if holds else 'FAIL'} {what}")
        return all(results.values())

    async def _settle(self, bootstrap: str) -> None:
        """Wait until the snapshot holds all that the log does, which moves no more."""
        records = await checks.records_in(bootstrap, PREFIX)
        await self._until(lambda: checks.records_read(self._file) == records)

    async def _until(self, holds: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(LIMIT_S):
                while not holds():  # noqa: ASYNC110  what is waited for happens in other processes
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise EarmarkError(
                f"the read model did not follow within {LIMIT_S:g} s: see {self._home / 'logs'}"
            ) from None

    def _next(self) -> None:
        home, earmark = _shown(self._home), _shown(Path(sys.executable).parent / "earmark")
        self._say(f"It took {monotonic() - self._began:.0f} s. What is there can be asked:")
        self._say(f"  EARMARK_HOME={home} {earmark} sql \"FROM mentions WHERE symbol = 'PLTR'\"")
        self._say("The same on real channels, with your key:")
        self._say(f"  ANTHROPIC_API_KEY=… {earmark} up      # and in another shell:")
        self._say(f"  {earmark} follow @SomeChannel --since 30d")

    def _say(self, text: str) -> None:
        for line in text.splitlines():
            self._console.print(
                f"{monotonic() - self._began:5.1f} s  {line}", markup=False, highlight=False, soft_wrap=True
            )


def is_done(seen: Mapping[str, Any], videos: int) -> bool:
    """Whether every tab is walked, every video analysed or waiting, every signal out, and no claim open."""
    return (
        seen.get("scans") == TABS
        and seen["videos"] == videos
        and seen["analysed"] + seen["waiting"] == videos
        and seen["signals"] == seen["mentions"] + seen["analysed"]
        and float(seen["open_usd"]) == 0
    )


def _shown(path: Path) -> str:
    """A path as one types it from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def environment(home: Path, youtube_url: str, claude_url: str) -> dict[str, str]:
    """The variables of an ordinary installation that happens to talk to these servers."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("EARMARK_", "ANTHROPIC_"))
    }
    return {
        **inherited,
        "no_proxy": "127.0.0.1",  # whatever stands between this machine and the world
        "EARMARK_HOME": str(home),
        "EARMARK_YOUTUBE_URL": youtube_url,
        "EARMARK_YOUTUBE_PER_MINUTE": "600",
        "EARMARK_DAILY_CAP_USD": CAP_USD,
        "ANTHROPIC_BASE_URL": claude_url,
        "ANTHROPIC_API_KEY": "demo",
        "PYTHONUNBUFFERED": "1",
    }

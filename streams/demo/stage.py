"""What the acts of the demo stand on: `earmark`'s own processes and verbs, started as a person starts them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from textwrap import wrap
from time import monotonic
from typing import Any

from streams.broker import local
from streams.demo import checks
from streams.errors import EarmarkError

LIMIT_S = 120.0
WIDE = 80
"""Columns that the demo's lines take at most."""
_TIME = 9
_SAID = WIDE - _TIME
Say = Callable[[str], None]
CAP_USD = "0.05"
POLL = "2s"
"""How often the feed is read here, where nobody is disturbed by it."""
PREFIX = "earmark."
SIGNALS = f"{PREFIX}signals."


class Stage:
    """An installation in `home` whose YouTube and Claude are on this machine; what happens is printed with its time."""

    def __init__(self, home: Path, say: Say, youtube_url: str, claude_url: str) -> None:
        self.home = home
        self._say = say
        self.file = home / "earmark.duckdb"
        self.began = monotonic()
        self._environment = environment(home, youtube_url, claude_url)

    def say(self, text: str) -> None:
        """Print each line behind the seconds since the beginning."""
        for line in text.replace(f"{Path.cwd()}/", "").splitlines():
            for part in _folded(line):
                self._say(f"{monotonic() - self.began:5.1f} s  {part}".rstrip())

    @property
    def bootstrap(self) -> str:
        """Where the broker listens."""
        return local.find(self.home) or ""

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """`earmark up` for as long as the block lasts. Raises EarmarkError where it ends before it runs."""
        up = await self._start("up", stdout=asyncio.subprocess.PIPE)
        assert up.stdout is not None  # noqa: S101  asked for
        while line := (await up.stdout.readline()).decode().rstrip():
            self.say(line)
            if "running: " in line:
                break
        else:
            raise EarmarkError(f"`earmark up` ended with {await up.wait()}")
        try:
            yield
        finally:
            if up.returncode is None:
                up.send_signal(signal.SIGTERM)
            self.say((await up.stdout.read()).decode().rstrip())
            await up.wait()

    async def earmark(self, *verb: str, typed: str = "") -> str:
        """What a verb prints where `typed` answers its question. Raises EarmarkError where it ends badly."""
        self._say_typed(verb)
        process = await self._start(*verb, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate(typed.encode())
        self._check(verb, process.returncode)
        # A terminal would show what is typed behind the question.
        return output.decode().replace("[y/N]: ", f"[y/N]: {typed}").rstrip()

    async def show(self, *verb: str, typed: str = "") -> str:
        """Run a verb and print what it prints, which is returned too."""
        printed = await self.earmark(*verb, typed=typed)
        self.say(printed)
        return printed

    async def show_table(self, *verb: str) -> None:
        """Run a verb on a terminal as wide as a line here, and print what that shows. Raises EarmarkError like `earmark`."""
        self._say_typed(verb)
        ours, theirs = os.openpty()
        try:
            process = await self._start(*verb, stdin=asyncio.subprocess.DEVNULL, stdout=theirs)
        finally:
            os.close(theirs)
        shown = await asyncio.to_thread(read_to_the_end, ours)
        self._check(verb, await process.wait())
        self.say(shown.decode().rstrip())

    def _say_typed(self, verb: Sequence[str]) -> None:
        self.say("$ earmark " + " ".join(f'"{word}"' if " " in word else word for word in verb))

    @staticmethod
    def _check(verb: Sequence[str], code: int | None) -> None:
        if code:
            raise EarmarkError(f"`earmark {' '.join(verb)}` ended with {code}")

    async def _start(self, *verb: str, **pipes: Any) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "streams", *verb, env=self._environment, cwd=self.home, **pipes
        )

    async def settle(self) -> None:
        """Wait until the snapshot holds all that the log does, which moves no more."""
        records = await checks.records_in(self.bootstrap, PREFIX)
        await self.until(lambda: checks.records_read(self.file) >= records)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for what other processes do. Raises EarmarkError where it takes too long."""
        try:
            async with asyncio.timeout(LIMIT_S):
                while not holds():  # noqa: ASYNC110  what is waited for happens in other processes
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise EarmarkError(
                f"the read model did not follow within {LIMIT_S:g} s: see {self.home / 'logs'}"
            ) from None


def read_to_the_end(terminal: int) -> bytes:
    """All that is written to a pseudo-terminal, until nobody writes to it any more; it is then closed."""
    parts = []
    # Linux ends a terminal that nobody writes to any more with an error.
    with os.fdopen(terminal, "rb", buffering=0) as output, suppress(OSError):
        while part := output.read(4096):
            parts.append(part)
    return b"".join(parts)


def _folded(line: str) -> list[str]:
    """A line in lines that have room behind the time; what cannot be broken, as a link, stays whole."""
    if len(line) <= _SAID:
        return [line]
    return wrap(line, _SAID, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


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
        "EARMARK_POLL_INTERVAL": POLL,
        # The person's own may have the port.
        "EARMARK_DASHBOARD": "off",
        "COLUMNS": str(_SAID),
        "ANTHROPIC_BASE_URL": claude_url,
        "ANTHROPIC_API_KEY": "demo",
        "PYTHONUNBUFFERED": "1",
    }

"""An installation as a person has it: a folder, an environment, `earmark up` and the other verbs as processes."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import psutil

LIMIT_S = 120.0
EVERY_S = 0.05
Rows = list[tuple[Any, ...]]


def end(processes: Iterable[psutil.Process]) -> None:
    """Kill -9; some may have ended meanwhile."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


@dataclass
class Installation:
    """What lives in `folder`; `variables` are the environment besides what every process has."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def printed(self) -> Path:
        """What `up` printed."""
        return self.folder / "up.txt"

    async def run(self, *verb: str) -> tuple[int | None, str]:
        """The exit code of a verb and all it printed."""
        process = await self.start(*verb, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT)
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """`earmark up` from when it says that it runs; at the end SIGTERM stops it, in good order and wholly."""
        async with self.starting() as up:
            await self.until(lambda: "running: " in self.printed.read_text())
            yield
            up.send_signal(signal.SIGTERM)
            async with asyncio.timeout(LIMIT_S):
                assert await up.wait() == 0, self.printed.read_text()
            assert self.processes() == []

    @asynccontextmanager
    async def starting(self) -> AsyncIterator[Process]:
        """`earmark up` from its first moment; whatever is left of it at the end is killed."""
        self.folder.mkdir(exist_ok=True)
        with self.printed.open("w") as output:
            up = await self.start("up", stdin=DEVNULL, stdout=output, stderr=output)
        try:
            yield up
        finally:
            end(self.processes())
            await up.wait()

    def child(self, name: str) -> psutil.Process | None:
        """The process of `up` that runs this verb, or None while there is none."""
        return next(
            (found for found in self.processes() if found.info["cmdline"][-2:] == ["streams", name]), None
        )

    def processes(self) -> list[psutil.Process]:
        """Every process that was started for this home and has not ended; its `info` holds its command line."""
        return [
            found
            for found in psutil.process_iter(["environ", "cmdline"])
            if found.info["cmdline"] and (found.info["environ"] or {}).get("EARMARK_HOME") == str(self.home)
        ]

    def rows(self, query: str) -> Rows:
        """What the read model answers now; nothing while there is none."""
        snapshot = self.home / "earmark.duckdb"
        if not snapshot.exists():
            return []
        with duckdb.connect(snapshot, read_only=True) as database:
            return database.execute(query).fetchall()

    async def until_rows(self, query: str, expected: Rows) -> None:
        """Wait until the read model answers `query` with exactly these rows."""
        await self.until(lambda: self.rows(query) == expected)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        try:
            async with asyncio.timeout(LIMIT_S):
                while not holds():  # noqa: ASYNC110  what is waited for happens in other processes
                    await asyncio.sleep(EVERY_S)
        except TimeoutError:
            raise AssertionError(self._story()) from None

    def _story(self) -> str:
        logs = sorted((self.home / "logs").glob("*.log"))
        told = [self.printed.read_text(), *(f"{log.name}: {log.read_text()[-2000:]}" for log in logs)]
        return "\n".join([f"not so after {LIMIT_S:g} s", *told, str(self.rows("FROM video_status"))])

    async def start(self, *verb: str, **pipes: Any) -> Process:
        """A verb as a process of its own."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("EARMARK_", "ANTHROPIC_"))
        }
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams", *verb),
            # Several run at once, and there is one port of that number.
            env={**inherited, "EARMARK_HOME": str(self.home), "EARMARK_DASHBOARD": "off", **self.variables},
            cwd=self.folder,
            **pipes,
        )

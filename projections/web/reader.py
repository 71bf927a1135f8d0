"""The newest snapshot, kept open for pages: a cursor a question, a time limit, and the next snapshot once the link moves."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import duckdb
from duckdb import DuckDBPyConnection

from projections.model import is_ours
from projections.sql import SqlError, cursor, locked, newest_names
from streams.errors import EarmarkError

T = TypeVar("T")
LIMIT_S = 5.0
"""Of the questions of one page."""
THREADS = 4
# For so long the snapshot that was the newest a moment ago is shown while the next one is being opened.
_STALE_S = 2.0
_AGAIN_S = 0.05


class TooSlowError(EarmarkError):
    """A page's questions took longer than their time limit."""


class OtherVersionError(EarmarkError):
    """The snapshot has tables of another version."""


class Question:
    """A cursor of a snapshot, for one that asks; `close` it at the end."""

    def __init__(self, database: DuckDBPyConnection, pool: ThreadPoolExecutor) -> None:
        self._cursor = cursor(database)
        self._pool = pool
        self._asking: asyncio.Future[Any] | None = None

    async def ask(self, work: Callable[[DuckDBPyConnection], T], limit_s: float = LIMIT_S) -> T:
        """What `work` makes of the cursor, in a thread. Raises TooSlowError, and SqlError for what DuckDB says."""
        asking = asyncio.get_running_loop().run_in_executor(self._pool, work, self._cursor)
        self._asking = asking
        done, _ = await asyncio.wait({asking}, timeout=limit_s)
        if not done:
            raise TooSlowError(f"the questions of this page took longer than {limit_s:g} s")
        try:
            return asking.result()
        except duckdb.Error as error:
            raise SqlError(str(error).splitlines()[0]) from error

    async def close(self) -> None:
        """End what is still at work, because it took too long or because nobody waits any more, and close the cursor."""
        while self._asking is not None and not self._asking.done():
            # Again and again: between two statements nobody hears it.
            self._cursor.interrupt()
            await asyncio.wait({self._asking}, timeout=_AGAIN_S)
        if self._asking is not None:
            self._asking.exception()
        self._cursor.close()


@dataclass
class Opened:
    """An open snapshot. `version`: what changes with each; `kept`: as in Asked; `users`: how many look at it now."""

    database: DuckDBPyConnection
    version: str
    pool: ThreadPoolExecutor
    kept: dict[str, Any] = field(default_factory=dict)
    users: int = 0
    superseded: bool = False

    @asynccontextmanager
    async def question(self) -> AsyncIterator[Question]:
        """A question of its own for as long as the block lasts."""
        question = Question(self.database, self.pool)
        try:
            yield question
        finally:
            await asyncio.shield(asyncio.create_task(question.close()))

    def let_go(self) -> None:
        """Close it where it is superseded and nobody looks at it any more."""
        if self.superseded and not self.users:
            self.database.close()


class Reader:
    """Gives the newest snapshot in `home` to whoever asks; `close` it at the end."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="question")
        self._current: Opened | None = None
        self._opening: asyncio.Task[Opened] | None = None
        self._newest_at = 0.0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Opened]:
        """The newest snapshot for as long as the block lasts. Raises SqlError: there is none; OtherVersionError."""
        opened = await self._newest()
        opened.users += 1
        try:
            yield opened
        finally:
            opened.users -= 1
            opened.let_go()

    async def close(self) -> None:
        """Close what is open."""
        if self._opening is not None:
            await asyncio.wait({self._opening})
        if self._current is not None:
            self._current.superseded = True
            self._current.let_go()
        self._pool.shutdown()

    async def _newest(self) -> Opened:
        current, now = self._current, time.monotonic()
        if current is not None and current.version == newest_names(self._home):
            self._newest_at = now
            return current
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(), name="open a snapshot")
            self._opening.add_done_callback(self._opened)
        if current is not None and now < self._newest_at + _STALE_S:
            return current
        return await asyncio.shield(self._opening)

    async def _open(self) -> Opened:
        version, database = await asyncio.to_thread(_opened, self._home)
        opened = Opened(database, version, self._pool)
        before, self._current = self._current, opened
        self._newest_at = time.monotonic()
        if before is not None:
            before.superseded = True
            before.let_go()
        return opened

    def _opened(self, opening: asyncio.Task[Opened]) -> None:
        self._opening = None
        # Who waited for it has it; where nobody did, the next one asks again.
        if not opening.cancelled():
            opening.exception()


def _opened(home: Path) -> tuple[str, DuckDBPyConnection]:
    # Before: a link that moves meanwhile is looked at once more.
    version = newest_names(home)
    try:
        database = locked(home)
    except duckdb.Error as error:
        raise SqlError(f"the read model cannot be opened ({str(error).splitlines()[0]})") from error
    if not is_ours(database):
        database.close()
        raise OtherVersionError("the read model's tables are of another version")
    return version, database

"""The newest snapshot, kept open for pages: a cursor a question, a time limit, and the next snapshot once the link moves."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
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


Prepare = Callable[[DuckDBPyConnection, dict[str, Any]], None]
"""Asks a new snapshot for what its pages are to keep."""


class OtherVersionError(EarmarkError):
    """The snapshot has tables of another version."""


class Question:
    """A cursor of a snapshot, for one that asks; `close` it at the end."""

    def __init__(self, database: DuckDBPyConnection, pool: ThreadPoolExecutor) -> None:
        self._cursor = cursor(database)
        self._pool = pool
        self._running: Future[Any] | None = None
        self._asking: asyncio.Future[Any] | None = None
        self._is_over = False

    async def ask(self, work: Callable[[DuckDBPyConnection], T], limit_s: float = LIMIT_S) -> T:
        """What `work` makes of the cursor, in a thread. Raises TooSlowError, and SqlError for what DuckDB says."""
        running = self._pool.submit(work, self._cursor)
        asking = asyncio.wrap_future(running)
        self._running, self._asking = running, asking
        done, _ = await asyncio.wait({asking}, timeout=limit_s)
        if self._is_over:
            raise TooSlowError("the question was ended")
        if not done:
            raise TooSlowError(f"the questions of this page took longer than {limit_s:g} s")
        try:
            return asking.result()
        except duckdb.Error as error:
            raise SqlError(str(error).splitlines()[0]) from error

    async def end(self) -> None:
        """End what is still at work: it took too long, nobody waits for it any more, or the process ends."""
        self._is_over = True
        if self._running is None or self._asking is None:
            return
        self._running.cancel()
        while not self._asking.done():
            # Again and again: between two statements nobody hears it.
            self._cursor.interrupt()
            await asyncio.wait({self._asking}, timeout=_AGAIN_S)
        if not self._asking.cancelled():
            self._asking.exception()

    async def close(self) -> None:
        """End it, and close the cursor."""
        await self.end()
        self._cursor.close()


@dataclass
class Opened:
    """An open snapshot. `version`: what changes with each; `kept`: as in Asked; `users`: how many look at it now."""

    database: DuckDBPyConnection
    version: str
    pool: ThreadPoolExecutor
    questions: set[Question]
    kept: dict[str, Any] = field(default_factory=dict)
    users: int = 0
    superseded: bool = False

    @asynccontextmanager
    async def question(self) -> AsyncIterator[Question]:
        """A question of its own for as long as the block lasts."""
        question = Question(self.database, self.pool)
        self.questions.add(question)
        try:
            yield question
        finally:
            self.questions.discard(question)
            await asyncio.shield(asyncio.create_task(question.close()))

    def let_go(self) -> None:
        """Close it where it is superseded and nobody looks at it any more."""
        if self.superseded and not self.users:
            self.database.close()


class Reader:
    """Gives the newest snapshot in `home` to whoever asks; `close` it at the end.

    Each is prepared before anybody sees it, while the one before is still shown.
    """

    def __init__(self, home: Path, prepare: Prepare = lambda _, __: None) -> None:
        self._home = home
        self._prepare = prepare
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="question")
        self._questions = set[Question]()
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

    async def end(self) -> None:
        """End every question, so that nobody waits for its answer."""
        await asyncio.gather(*(question.end() for question in self._questions))

    async def close(self) -> None:
        """Close what is open; nobody may look at it any more."""
        if self._opening is not None:
            await asyncio.wait({self._opening})
        if self._current is not None:
            self._current.superseded = True
            self._current.let_go()
        await asyncio.to_thread(self._pool.shutdown)

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
        if self._current is not None and _were_replaced(self._current.version, newest_names(self._home)):
            # As long as that is open, DuckDB gives it to whoever asks for a file of its name.
            gone, self._current = self._current, None
            gone.superseded = True
            gone.let_go()
            while gone.users:  # noqa: ASYNC110  a few seconds, and that once in a blue moon
                await asyncio.sleep(_AGAIN_S)
        version, database = await asyncio.to_thread(_opened, self._home)
        opened = Opened(database, version, self._pool, self._questions)
        await asyncio.to_thread(self._prepared, opened)
        before, self._current = self._current, opened
        self._newest_at = time.monotonic()
        if before is not None:
            before.superseded = True
            before.let_go()
        return opened

    def _prepared(self, opened: Opened) -> None:
        # What cannot be asked now is asked by the page, which says so.
        with closing(cursor(opened.database)) as ours, suppress(duckdb.Error):
            self._prepare(ours, opened.kept)

    def _opened(self, opening: asyncio.Task[Opened]) -> None:
        self._opening = None
        # Who waited for it has it; where nobody did, the next one asks again.
        if not opening.cancelled():
            opening.exception()


def _were_replaced(before: str, now: str) -> bool:
    """Whether a file that is open has lost its name to another, as where a home was emptied and filled again."""
    pairs = zip(before.split(" "), now.split(" "), strict=True)
    return any(old != new and old.partition("@")[0] == new.partition("@")[0] for old, new in pairs)


def _opened(home: Path) -> tuple[str, DuckDBPyConnection]:
    # Before: a link that moves meanwhile is looked at once more.
    version = newest_names(home)
    try:
        database = locked(home)
        try:
            ours = is_ours(database)
        except duckdb.Error:
            database.close()
            raise
    except duckdb.Error as error:
        raise SqlError(f"the read model cannot be opened ({str(error).splitlines()[0]})") from error
    if not ours:
        database.close()
        raise OtherVersionError("the read model's tables are of another version")
    return version, database

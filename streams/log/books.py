"""The books as the ledger has them now: from a checkpoint and what came since, or from the ledger's first record."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from streams.budget.books import Books
from streams.budget.frozen import frozen, thaw
from streams.log.checkpoint import Checkpoint, trusted
from streams.log.connection import Connection
from streams.log.fetch import Fetcher, fetcher
from streams.log.follow import Follower, follow
from streams.log.keeper import Shelf, keeper
from streams.log.topics import LEDGER

PART = "books"
"""What the books are called in a checkpoint, whoever kept it."""
SETTINGS = {"day_start_ms": "0"}


def analysts_checkpoint(home: Path, connection: Connection) -> Path:
    """Where the analyst keeps its state of this log."""
    return home / "state" / f"{connection.prefix}analyst.checkpoint"


def _own_checkpoint(home: Path, connection: Connection) -> Path:
    return home / "state" / f"{connection.prefix}books.checkpoint"


@asynccontextmanager
async def following_books(
    connection: Connection, home: Path, *, from_log: bool = False
) -> AsyncIterator[tuple[Books, Follower]]:
    """The books up to now, and who keeps them so; `from_log`: every record is folded, whatever was kept.

    What took long to fold is kept for the next time. Raises LedgerError, KafkaError, and GapError where the ledger has lost
    its beginning.
    """
    books = Books()
    async with fetcher(connection) as fetch:
        own = Shelf(_own_checkpoint(home, connection))
        keeping = await keeper(own, SETTINGS, lambda: {PART: frozen(books)}, fetch, [LEDGER])
        found = None if from_log else await _newest(connection, home, fetch)
        if found is not None:
            thaw(books, found.parts[PART])
            keeping.begin_at(found)
    start = {} if found is None else found.positions
    async with follow(connection, [LEDGER], keeping.watch(books.apply), start) as follower:
        await keeping.keep_if_due()
        yield books, follower


async def read_books(connection: Connection, home: Path, *, from_log: bool = False) -> Books:
    """The books up to now, once. Raises as `following_books` does."""
    async with following_books(connection, home, from_log=from_log) as (books, _):
        return books


async def _newest(connection: Connection, home: Path, fetch: Fetcher) -> Checkpoint | None:
    """Of the checkpoints that the log bears out, the one that leaves least to read."""
    places = (analysts_checkpoint(home, connection), _own_checkpoint(home, connection))
    found = [await trusted(place, SETTINGS, fetch, [LEDGER]) for place in places]
    known = [checkpoint for checkpoint in found if checkpoint is not None]
    return max(known, key=lambda checkpoint: checkpoint.position(LEDGER, 0), default=None)

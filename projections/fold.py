"""A database folded from the log's beginning beside the live one: the model of all topics, or the words of `captions`."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol

from duckdb import DuckDBPyConnection

from projections import ingest, model, transcripts_file
from projections.ingest import Batch, Place, Progress
from projections.kept import keep_all
from projections.log_reader import FETCH_BYTES, B, Consumers, LogReader
from projections.transcripts import Captions, take
from streams.log.topics import CAPTIONS, TOPICS, Topic

logger = logging.getLogger(__name__)

Name = Callable[[Topic], str]


class Told(Protocol):
    """Takes how far a fold is, again and again."""

    def __call__(self, done: int, whole: int) -> None:
        """Records that are folded, and those that there are; the log may grow meanwhile."""


def nobody(done: int, whole: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Kind(Generic[B]):
    """What is folded: an empty file of it, its topics, and what becomes of their batches.

    `begin` gets the offsets where partitions begin whose first records are gone; `end` is called once all is taken.
    """

    create: Callable[[Path], DuckDBPyConnection]
    topics: Sequence[Topic]
    batch: Callable[[], B]
    take: Callable[[DuckDBPyConnection, B], None]
    begin: Callable[[DuckDBPyConnection, Mapping[Place, int]], None]
    end: Callable[[DuckDBPyConnection], None]


def _begin(database: DuckDBPyConnection, gaps: Mapping[Place, int]) -> None:
    if gaps:
        logger.warning(
            "the log does not begin at offset 0 (a retention, or deleted records): %s; the read model holds what is left",
            ", ".join(f"{topic}[{partition}] at {start}" for (topic, partition), start in gaps.items()),
        )
    ingest.begin(database, gaps)


def _write(database: DuckDBPyConnection, batch: Batch) -> None:
    ingest.write(database, batch, keeps=False)


def _take(database: DuckDBPyConnection, captions: Captions) -> None:
    take(database, captions.records)


def _nothing(*_: Any) -> None:
    """Do nothing."""


MODEL = Kind(model.create, TOPICS, Batch, _write, _begin, keep_all)
WORDS = Kind(transcripts_file.create, (CAPTIONS,), Captions, _take, _nothing, _nothing)


async def fold(
    kind: Kind[B],
    path: Path,
    consumer: Consumers,
    name: Name,
    tell: Told,
    stop: asyncio.Event,
    until: Mapping[Place, int] | None = None,
) -> int | None:
    """A closed file at `path` of all that the log holds, or of what stands there before `until`: the number of records.

    Set `stop`, and None is returned. Then, and where it fails, nothing is left at `path`.
    """
    database = kind.create(path)
    client = consumer(FETCH_BYTES)
    reader = LogReader(client, name, kind.topics, kind.batch)
    done, is_whole = 0, False
    try:
        model.bound(database, path)
        await client.start()
        starts = await reader.starts()
        kind.begin(database, starts)
        progress = {place: Progress(start, first_offset=start) for place, start in starts.items()}
        await reader.seek(progress, until)
        whole = await reader.left()
        while not stop.is_set():
            batch = await reader.batch()
            await in_thread(partial(kind.take, database, batch))
            done += len(batch)
            tell(done, max(done, whole))
            if not batch.progress and not await reader.left():
                await in_thread(partial(kind.end, database))
                is_whole = True
                break
    finally:
        await reader.close()
        await client.stop()
        if is_whole:
            model.finish(database)
        else:
            database.close()
            model.remove(path)
    return done if is_whole else None


async def in_thread(work: Callable[[], None]) -> None:
    """Do `work` in a thread; cancelled, wait for it all the same: a database at work must not be closed."""
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await working
        raise

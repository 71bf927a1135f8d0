"""A rebuild: a model folded from the log's beginning beside the live one, then put in its place, or compared with it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import duckdb
from duckdb import DuckDBPyConnection

from projections import model, transcripts_file
from projections.ingest import Place, begin, progress, write
from projections.kept import keep_all
from projections.log_reader import FETCH_BYTES, Consumers, LogReader
from projections.snapshots import LINK, Snapshots
from projections.transcripts import take
from streams.errors import EarmarkError
from streams.log.topics import Topic

# What waits in memory for its place in the file, and all that DuckDB may hold.
CHECKPOINT_BYTES = "64MB"
MEMORY = "256MB"

logger = logging.getLogger(__name__)

Name = Callable[[Topic], str]


class Told(Protocol):
    """Takes how far a rebuild is, again and again."""

    def __call__(self, done: int, whole: int) -> None:
        """Records that are folded, and those that there are; the log may grow meanwhile."""


def _nobody(done: int, whole: int) -> None:
    """Tell nobody."""


class Difference(NamedTuple):
    """How many rows of a table the model alone has, and the log alone."""

    table: str
    model: int
    log: int


async def rebuild(
    home: Path, consumer: Consumers, name: Name, tell: Told = _nobody, stop: asyncio.Event | None = None
) -> int | None:
    """Make the next generation of the model from all that the log holds, and return the number of records in it.

    Readers see the old model until the new one is whole. A running projector goes over to the new one by itself; where
    none runs, the snapshot is published here. Ended before that, by whatever or by `stop` (None is then returned), it
    leaves the old one as it is, and the next begins anew. Raises EarmarkError where another rebuild is under way.
    """
    with _alone(home):
        unfinished = model.folder(home) / "rebuild.unfinished"
        words = model.folder(home) / "rebuild-transcripts.unfinished"
        records = await _fold(unfinished, consumer, name, tell, stop or asyncio.Event(), words=words)
        if records is not None:
            # The model last: by it a running projector sees that both are there.
            transcripts_file.replace_by(home, words)
            unfinished.rename(model.generation_file(home, model.newest_generation(home) + 1))
            _publish_unless_a_projector_does(home)
        return records


async def verify(home: Path, consumer: Consumers, name: Name, tell: Told = _nobody) -> list[Difference]:
    """Fold what the newest snapshot has read of the log, and compare: each table that is not the same, row for row.

    Nothing is replaced. Raises EarmarkError where there is no snapshot of this version, or a rebuild is under way.
    """
    # Opened once: it stays as it is, whatever is published meanwhile.
    snapshot = (home / LINK).resolve()
    if not snapshot.exists():
        raise EarmarkError(f"there is no read model in {home} to compare with: run `earmark rebuild`")
    with _alone(home), duckdb.connect() as database:
        database.execute(f"ATTACH '{model.quoted(snapshot)}' AS live (READ_ONLY); USE live")
        offsets = {place: reached.next_offset for place, reached in progress(database).items()}
        beside = model.folder(home) / "verify.unfinished"
        try:
            await _fold(beside, consumer, name, tell, asyncio.Event(), offsets)
            database.execute(f"ATTACH '{model.quoted(beside)}' AS log (READ_ONLY)")
            database.execute(
                f"SET memory_limit = '{MEMORY}'; SET temp_directory = '{model.quoted(model.overflow(beside))}';"
                " SET enable_progress_bar = false"
            )
            return await asyncio.to_thread(_differences, database)
        finally:
            database.close()
            model.remove(beside)


def _differences(database: DuckDBPyConnection) -> list[Difference]:
    shapes = (
        "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()"
        " SEMI JOIN duckdb_tables() USING (database_name, table_name) WHERE database_name = ? GROUP BY ALL"
    )
    ours, theirs = (dict(database.execute(shapes, [name]).fetchall()) for name in ("live", "log"))
    if ours != theirs:
        raise EarmarkError("the read model's tables are of another version: run `earmark rebuild`")
    found = []
    tables = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'log'"
    # How many snapshots there are is no matter of the log.
    tables += " AND table_name <> '_snapshots' ORDER BY ALL"
    for (table,) in database.execute(tables).fetchall():
        live, log = (
            database.execute(f"SELECT count(*) FROM (FROM {one}.{table} EXCEPT ALL FROM {other}.{table})").fetchall()[0][0]  # noqa: S608
            for one, other in (("live", "log"), ("log", "live"))
        )  # fmt: skip
        if live or log:
            found.append(Difference(table, live, log))
    return found


def _alone(home: Path) -> AbstractContextManager[None]:
    return model.lock(home, "rebuild", f"a rebuild of the read model in {home} is under way")


async def _fold(
    path: Path,
    consumer: Consumers,
    name: Name,
    tell: Told,
    stop: asyncio.Event,
    until: Mapping[Place, int] | None = None,
    words: Path | None = None,
) -> int | None:
    """A model at `path` of the log, or of what stands there before `until`: the number of records; None: stopped.

    The transcripts go to `words`, where it is given.
    """
    database = model.create(path)
    files = {path: database}
    if words is not None:
        files[words] = transcripts_file.create(words)
    client = consumer(FETCH_BYTES)
    reader = LogReader(client, name)
    done, whole_log = 0, False
    try:
        for file, each in files.items():
            each.execute(
                f"SET wal_autocheckpoint = '{CHECKPOINT_BYTES}'; SET memory_limit = '{MEMORY}';"
                f" SET temp_directory = '{model.quoted(model.overflow(file))}'"
            )
        await client.start()
        begin(database, await _gaps(reader))
        await reader.seek(progress(database), until)
        whole = await reader.left()
        while not stop.is_set():
            batch = await reader.batch()
            await _whole(partial(write, database, batch, keeps=False))
            if words is not None:
                await _whole(partial(take, files[words], batch.captions))
            done += len(batch)
            tell(done, max(done, whole))
            if batch.is_empty and not await reader.left():
                await _whole(partial(keep_all, database))
                whole_log = True
                break
    finally:
        await reader.close()
        await client.stop()
        for file, each in files.items():
            if whole_log:
                model.finish(each)
            else:
                each.close()
                model.remove(file)
    return done if whole_log else None


async def _gaps(reader: LogReader) -> dict[Place, int]:
    gaps = await reader.starts()
    if gaps:
        logger.warning(
            "the log does not begin at offset 0 (a retention, or deleted records): %s; the read model holds what is left",
            ", ".join(f"{topic}[{partition}] at {start}" for (topic, partition), start in gaps.items()),
        )
    return gaps


async def _whole(work: Callable[[], None]) -> None:
    """Do `work` in a thread; cancelled, wait for it all the same: a database at work must not be closed."""
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await working
        raise


def _publish_unless_a_projector_does(home: Path) -> None:
    try:
        with model.lock(home, "projector", "a projector runs"):
            generation = model.newest_generation(home)
            file = model.generation_file(home, generation)
            database = model.open_model(file)
            snapshots = Snapshots(home, file)
            try:
                snapshots.publish(database)
            finally:
                database.close()
                snapshots.close()
            model.remove_older(home, generation)
            said = transcripts_file.Transcripts(home)
            try:
                said.publish()
            finally:
                said.close()
    except model.LockedError:
        pass

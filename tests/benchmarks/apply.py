"""One event into a read model of any size: as 0.1.0 applied it, and as we do."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from projections import ingest, model
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.topics import TOPICS
from tests.benchmarks.table import Result, at
from tests.benchmarks.version_0_1_0 import ingest as version_0_1_0
from tests.benchmarks.videos_log import records

QUICK = (0, 100)
USUAL = (0, 100_000)
FULL = (*USUAL, 1_000_000)
TIMES = 15
SEED = 100
TYPES = ("VideoDiscovered", "BudgetReserved", "AnalysisCompleted", "MentionAdded")
GROWN = (
    "_discovered",
    "captions",
    "_requests",
    "_claims",
    "_settlements",
    "analyses",
    "all_mentions",
    "signals",
    "videos",
)


async def apply(_: Connection, sizes: Sequence[int], home: Path) -> Result:
    """Median milliseconds of one event of a type, the two ways in turn."""
    return await asyncio.to_thread(_apply, sizes, home)


def _apply(sizes: Sequence[int], home: Path) -> Result:
    rows = [["videos", *(f"{name}{version}" for name in TYPES for version in (" 0.1.0", " now"))]]
    numbers = {}
    times = 1 if sizes == QUICK else TIMES
    for size in sizes:
        path = home / f"apply-{size}.duckdb"
        database = _grown(path, size)
        asked = _asked()
        row = [f"{size:,}"]
        for name in TYPES:
            took: dict[str, list[float]] = {"0.1.0": [], "now": []}
            for _ in range(times):
                for way, take in (("0.1.0", version_0_1_0.apply), ("now", _apply_one)):
                    took[way].append(_ms(take, database, next(each for each in asked if each.type == name)))
            row += [f"{at(took[way], 50):.1f}" for way in ("0.1.0", "now")]
            numbers[f"{name} {size}"] = at(took["now"], 50)
        rows.append(row)
        database.close()
        model.remove(path)
    return Result(
        "One event into the read model",
        "Half of the times in milliseconds are no larger; the two ways by turns, each event another video's, its commit"
        " included. A video has 8 signals and 10 mentions. The model was grown by copies of its rows with other ids.",
        rows,
        numbers,
    )


def _asked() -> Iterator[Record]:
    return records(range(10_000_000, 20_000_000), {topic.name for topic in TOPICS})


def _apply_one(database: DuckDBPyConnection, records: Sequence[Record]) -> None:
    """As the projector does, which knows how far it is and does not ask."""
    ingest.write(database, ingest.prepare(records, {}))


def _ms(
    take: Callable[[DuckDBPyConnection, Sequence[Record]], None], database: DuckDBPyConnection, record: Record
) -> float:
    began = time.perf_counter()
    take(database, [record])
    return 1000 * (time.perf_counter() - began)


def _grown(path: Path, videos: int) -> DuckDBPyConnection:
    """A model of so many videos: a hundred are read, and their rows copied."""
    database = model.create(path)
    if videos:
        ingest.apply(database, list(records(range(SEED), {topic.name for topic in TOPICS})))
    for table in GROWN:
        columns = database.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ?", [table]
        ).fetchall()
        other = ", ".join(
            f"uuid() AS {name}" if kind == "UUID"
            else f"{name} || copy AS {name}" if name == "video_id"
            else f"_number(video_id || copy) AS {name}" if name == "_video_number"
            else f"{name} + 2000 * copy AS {name}" if name == "log_offset"
            else name
            for name, kind in columns
        )  # fmt: skip
        copies = f"SELECT {other} FROM {table}, range(1, {videos // SEED}) r(copy)"  # noqa: S608
        database.execute(f"INSERT INTO {table} {copies}")
    database.execute("CHECKPOINT")
    return database

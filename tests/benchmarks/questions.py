"""What the ready questions take on a large read model, as it is kept and as 0.1.0 computed it, and what its tables weigh."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from projections import model
from projections.describe import catalogue
from tests.benchmarks.table import Result, at
from tests.builders.large_model import fill

QUICK, FULL = 300, 100_000
ROUNDS, ROUNDS_COMPUTED = 20, 3
_COMPUTED = Path(__file__).with_name("computed.sql")
# A long text may go on in blocks beside that of its segment.
_BLOCKS = """
SELECT count(DISTINCT block) FROM (
  SELECT unnest([block_id] || coalesce(additional_block_ids, [])) AS block FROM pragma_storage_info(?)
)
"""
_COMPARED = "FROM compare_channels('old', 'now')"


async def questions(videos: int, home: Path) -> Result:
    """Every question that has an example, in one open connection to a closed file."""
    return await asyncio.to_thread(_questions, videos, home)


def _questions(videos: int, home: Path) -> Result:
    file = home / "questions.duckdb"
    _make(file, videos)
    rounds, rounds_computed = (1, 1) if videos == QUICK else (ROUNDS, ROUNDS_COMPUTED)
    with duckdb.connect(file, read_only=True) as database:
        database.execute("SET TimeZone = 'UTC'")
        rows = [("question", "rows", "p50 ms", "p95 ms", "CPU ms", "0.1.0: p50 ms", "p95 ms", "CPU ms")]
        slowest = 0.0
        for query in _asked(database):
            count, kept = _measured(database, query, rounds)
            database.execute("SET search_path = 'questions.computed,questions.main'")
            count_computed, computed = _measured(database, query, rounds_computed)
            database.execute("SET search_path = 'questions.main'")
            if count != count_computed:
                raise AssertionError(f"{query}: {count} rows kept, {count_computed} computed")
            slowest = max(slowest, at(kept.wall, 95))
            rows.append((f"`{query}`", f"{count:,}", *kept.cells(), *computed.cells()))
        weights = _weights(database)
        (mentions,) = database.execute("SELECT count(*) FROM all_mentions").fetchall()[0]
    size = file.stat().st_size
    file.unlink()
    heaviest = ", ".join(f"`{name}` {mb:,.0f}" for name, mb in weights if mb >= 1)
    return Result(
        "What is asked of the read model",
        f"{videos:,} videos with {mentions:,} mentions, a file of {size / 1e6:,.0f} MB; in MB: {heaviest}. Each question is"
        f" asked {rounds} times in one open connection, fetched to the last row; beside it the views of 0.1.0, which"
        " computed what is current at each question, over the same tables. CPU is that of all cores together.",
        rows,
        {"slowest_p95_ms": slowest, "file_mb": size / 1e6},
    )


def _make(file: Path, videos: int) -> None:
    database = model.create(file)
    fill(database, videos)
    database.execute("CREATE SCHEMA computed; SET search_path = 'model.computed,model.main'")
    for definition in (_COMPUTED.read_text(), model.view_definitions()["questions"]):
        database.execute(definition)
    database.execute("SET search_path = 'model.main'")
    model.finish(database)


def _asked(database: DuckDBPyConnection) -> list[str]:
    """The examples, of a symbol, a channel and a time that this model has."""
    ((symbol, channel, week),) = database.execute(
        "SELECT mode(symbol), mode(channel_id), (max(said_at) - INTERVAL 7 DAY)::DATE FROM mentions"
    ).fetchall()
    asked = [
        relation.example.replace("'NVDA'", f"'{symbol}'")
        .replace("'channel-1'", f"'{channel}'")
        .replace("2026-03-01", str(week))
        for relation in catalogue(database)
        if relation.kind != "macro" and relation.example and not relation.name.startswith("compare_")
    ]
    return [*asked, _COMPARED]


@dataclass(frozen=True)
class _Times:
    """What a question took each time, in ms; `cpu`: of all cores together, which others at work lengthen less."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def cells(self) -> list[str]:
        return [f"{at(self.wall, 50):,.1f}", f"{at(self.wall, 95):,.1f}", f"{at(self.cpu, 50):,.1f}"]


def _measured(database: DuckDBPyConnection, query: str, rounds: int) -> tuple[int, _Times]:
    """How many rows the answer has, and what it took, once it was asked."""
    count, times = len(database.execute(query).fetchall()), _Times()
    for _ in range(rounds):
        began, began_cpu = time.perf_counter(), time.process_time()
        database.execute(query).fetchall()
        times.wall.append((time.perf_counter() - began) * 1000)
        times.cpu.append((time.process_time() - began_cpu) * 1000)
    return count, times


def _weights(database: DuckDBPyConnection) -> list[tuple[str, float]]:
    """What each table takes of the file, in MB, the heaviest first."""
    names = [name for (name,) in database.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
    blocks = [
        database.execute("SELECT count(DISTINCT block_id) FROM pragma_storage_info(?)", [name]).fetchall()[0][
            0
        ]
        for name in names
    ]
    return sorted(
        zip(names, (count * 262_144 / 1e6 for count in blocks), strict=True), key=lambda each: -each[1]
    )

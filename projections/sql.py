"""Queries on the newest snapshot: nothing can write to it, and no writer waits."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import duckdb
from duckdb import DuckDBPyConnection, DuckDBPyRelation
from pyarrow import RecordBatch, RecordBatchReader

from projections.snapshots import LINK
from streams.errors import EarmarkError

FORMATS = {
    "csv": "FORMAT csv, HEADER",
    "json": "FORMAT json, ARRAY true",
    "parquet": "FORMAT parquet",
}
_BATCH = 2048


class SqlError(EarmarkError):
    """A query that cannot be run."""


@dataclass(frozen=True)
class Rows:
    """A result as text, in DuckDB's own notation. `more`: rows were left out; `types`: DuckDB's, by column."""

    columns: Sequence[str]
    types: Sequence[str]
    rows: Sequence[Sequence[str | None]]
    more: bool


@contextmanager
def snapshot(home: Path) -> Iterator[DuckDBPyConnection]:
    """The newest snapshot, read-only, in UTC. Raises SqlError where there is none yet."""
    path = home / LINK
    if not path.exists():
        raise SqlError(
            f"there is no read model in {home} yet: `earmark up` (or `earmark projector`) keeps one; EARMARK_HOME"
            " says where"
        )
    with duckdb.connect(path, read_only=True) as database:
        database.execute("SET TimeZone = 'UTC'")
        yield database


@contextmanager
def said_plainly() -> Iterator[None]:
    """Within the block, DuckDB's errors become SqlError."""
    try:
        yield
    except duckdb.Error as error:
        raise SqlError(str(error)) from error


def catalogue(home: Path) -> list[tuple[str, str]]:
    """Every table and view for people, with its meaning."""
    with snapshot(home) as database:
        return database.execute(
            "SELECT name, comment FROM ("
            " SELECT table_name AS name, comment FROM duckdb_tables()"
            " UNION ALL SELECT view_name, comment FROM duckdb_views() WHERE NOT internal"
            ") WHERE comment IS NOT NULL ORDER BY starts_with(name, '_'), name"
        ).fetchall()


def read(home: Path, query: str, limit: int) -> Rows:
    """At most `limit` rows of `query`'s result. Raises SqlError."""
    with _found(home, query) as (found, columns, types):
        # Asked for as text, so that every value reads as DuckDB writes it.
        rows = found.execute("SELECT COLUMNS(*)::VARCHAR FROM found LIMIT ?", [limit + 1]).fetchall()
    return Rows(columns, types, rows[:limit], more=len(rows) > limit)


def write(home: Path, query: str, file_format: str, output: Path) -> None:
    """Write all of `query`'s result to the file `output` in one of FORMATS. Raises SqlError."""
    target = str(output).replace("'", "''")
    with _found(home, query) as (found, _, _):
        found.execute(f"COPY (FROM found) TO '{target}' ({FORMATS[file_format]})").fetchall()


def stream(home: Path, query: str, file_format: str, output: BinaryIO) -> None:
    """Write all of `query`'s result to an open stream, in one of FORMATS. Raises SqlError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result"
        write(home, query, file_format, path)
        with path.open("rb") as result:
            shutil.copyfileobj(result, output)


@contextmanager
def _found(home: Path, query: str) -> Iterator[tuple[DuckDBPyConnection, list[str], list[str]]]:
    """A database of its own where `found` is the stream of the result, with its columns and their types. Raises SqlError.

    The query runs as it was typed, with nothing round it: an error in it shows its own words, and in their right line.
    """
    broken: list[str] = []
    try:
        with snapshot(home) as database, duckdb.connect() as found:
            database.execute("SET arrow_lossless_conversion = true")
            result = _last(database, query)
            found.execute("SET TimeZone = 'UTC'")
            rows = result.to_arrow_reader(_BATCH)
            found.register("found", RecordBatchReader.from_batches(rows.schema, _told(rows, broken)))
            yield found, result.columns, list(map(str, result.types))
    except duckdb.Error as error:
        raise SqlError(*broken or [str(error)]) from error


def _last(database: DuckDBPyConnection, query: str) -> DuckDBPyRelation:
    """The result of the last statement, once those before it have run."""
    statements = database.extract_statements(query)
    if not statements:
        raise SqlError("there is no statement in the query")
    for statement in statements[:-1]:
        database.execute(statement).fetchall()
    return database.sql(statements[-1])


def _told(rows: Iterable[RecordBatch], broken: list[str]) -> Iterator[RecordBatch]:
    """The rows; what breaks them off is kept as it was said, for whoever reads them says it with words of its own."""
    try:
        yield from rows
    except OSError as error:
        broken.append(str(error))
        raise

"""Queries on the newest snapshot: nothing can write to it, and no writer waits."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import duckdb
from duckdb import DuckDBPyConnection, Statement, StatementType

from projections.snapshots import LINK
from streams.errors import EarmarkError

FORMATS = {
    "csv": "FORMAT csv, HEADER",
    "json": "FORMAT json, ARRAY true",
    "parquet": "FORMAT parquet",
}
_NUMBERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE"}


class SqlError(EarmarkError):
    """A query that cannot be run."""


@dataclass(frozen=True)
class Rows:
    """A result as text, in DuckDB's own notation. `more`: rows were left out; `numeric`: by column."""

    columns: Sequence[str]
    numeric: Sequence[bool]
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
    with snapshot(home) as database, said_plainly():
        last = _run_all_but_the_last(database, query)
        if last.type != StatementType.SELECT:
            rows = database.execute(last).fetchall()
            columns = [name for name, *_ in database.description or []]
            return Rows(columns, [False] * len(columns), [tuple(map(str, row)) for row in rows], more=False)
        source = _as_source(last)
        types = database.execute(f"DESCRIBE {source}").fetchall()
        # Asked for as text, so that every value reads as DuckDB writes it.
        rows = database.execute(f"SELECT COLUMNS(*)::VARCHAR {source} LIMIT {limit + 1}").fetchall()
    return Rows(
        columns=[name for name, *_ in types],
        numeric=[_is_numeric(kind) for _, kind, *_ in types],
        rows=rows[:limit],
        more=len(rows) > limit,
    )


def write(home: Path, query: str, file_format: str, output: Path) -> None:
    """Write all of `query`'s result to the file `output` in one of FORMATS. Raises SqlError."""
    target = str(output).replace("'", "''")
    with snapshot(home) as database, said_plainly():
        last = _run_all_but_the_last(database, query)
        if last.type != StatementType.SELECT:
            raise SqlError(f"only a query's rows can be written as {file_format}: {last.query.strip()}")
        database.execute(f"COPY ({_as_source(last)}) TO '{target}' ({FORMATS[file_format]})").fetchall()


def stream(home: Path, query: str, file_format: str, output: BinaryIO) -> None:
    """Write all of `query`'s result to an open stream, in one of FORMATS. Raises SqlError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result"
        write(home, query, file_format, path)
        with path.open("rb") as result:
            shutil.copyfileobj(result, output)


def _run_all_but_the_last(database: DuckDBPyConnection, query: str) -> Statement:
    statements = database.extract_statements(query)
    if not statements:
        raise SqlError("there is no statement in the query")
    for statement in statements[:-1]:
        database.execute(statement).fetchall()
    return statements[-1]


def _as_source(statement: Statement) -> str:
    text = statement.query.encode()
    # The statement ends at its semicolon, whatever comment follows; the line break ends a comment before it.
    ends = [at for at, _ in duckdb.tokenize(statement.query) if text[at : at + 1] == b";"]
    return f"FROM ({text[: min(ends, default=len(text))].decode()}\n)"


def _is_numeric(kind: str) -> bool:
    return kind in _NUMBERS or kind.startswith("DECIMAL")


@contextmanager
def said_plainly() -> Iterator[None]:
    """Within the block, DuckDB's errors become SqlError."""
    try:
        yield
    except duckdb.Error as error:
        raise SqlError(str(error)) from error

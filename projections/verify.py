"""The read model compared with the log: folded once more as far as a snapshot has read, and held against it row by row."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import duckdb
from duckdb import DuckDBPyConnection

from projections import model, transcripts
from projections.fold import MODEL, WORDS, Kind, Name, Told, fold, nobody
from projections.ingest import Place, progress
from projections.log_reader import B, Consumers
from projections.rebuild import alone
from projections.snapshots import LINK, WORDS_LINK
from streams.errors import EarmarkError

# Which number a document has, and which run a term lies in, follows from how the records came.
_WORDS = {
    "transcripts": (
        "SELECT * EXCLUDE (doc), doc IN (SELECT doc FROM {0}._superseded) AS is_superseded FROM {0}._documents"
    ),
    "segments": "SELECT log_partition, log_offset, l.* EXCLUDE (doc) FROM {0}._lines l LEFT JOIN {0}._documents USING (doc)",
    "search": (
        "SELECT log_partition, log_offset, term, frequency FROM ("
        "  FROM {0}._recent"
        "  UNION ALL BY NAME SELECT term, unnest(docs) AS doc, unnest(frequencies) AS frequency FROM {0}._small_runs"
        "  UNION ALL BY NAME SELECT term, unnest(docs) AS doc, unnest(frequencies) AS frequency FROM {0}._postings"
        ") LEFT JOIN {0}._documents USING (doc)"
    ),
}

# As EXCEPT ALL both ways says it, but once for both, and what does not fit into memory goes to the disk.
_DIFFERENT = """
SELECT coalesce(sum(greatest(more, 0)), 0)::BIGINT, coalesce(sum(greatest(-more, 0)), 0)::BIGINT
FROM (
  SELECT * EXCLUDE (_side), sum(_side) AS more
  FROM (SELECT *, 1 AS _side FROM ({live}) UNION ALL BY NAME SELECT *, -1 AS _side FROM ({log}))
  GROUP BY ALL
)
"""


class Difference(NamedTuple):
    """How many rows of a table the model alone has, and the log alone."""

    table: str
    model: int
    log: int


async def verify(home: Path, consumer: Consumers, name: Name, tell: Told = nobody) -> list[Difference]:
    """Fold what the newest snapshot has read of the log, and compare: each table that is not the same, row for row.

    Nothing is replaced. Raises EarmarkError where there is no snapshot of this version, or a rebuild is under way.
    """
    snapshot = (home / LINK).resolve()
    if not snapshot.exists():
        raise EarmarkError(f"there is no read model in {home} to compare with: run `earmark rebuild`")
    with alone(home), _opened(snapshot) as database:
        offsets = {place: reached.next_offset for place, reached in progress(database).items()}
        beside = model.folder(home) / "verify.unfinished"
        return await _compared(database, MODEL, beside, consumer, name, tell, offsets)


async def verify_words(
    home: Path, consumer: Consumers, name: Name, tell: Told = nobody
) -> list[Difference] | None:
    """The same of the words, by what they say and where that is found; None where there are none yet."""
    snapshot = (home / WORDS_LINK).resolve()
    if not snapshot.exists():
        return None
    with alone(home), _opened(snapshot) as database:
        beside = model.folder(home) / "verify-transcripts.unfinished"
        return await _compared(database, WORDS, beside, consumer, name, tell, transcripts.positions(database))


def _opened(snapshot: Path) -> DuckDBPyConnection:
    # Opened once: it stays as it is, whatever is published meanwhile.
    database = duckdb.connect()
    database.execute(f"ATTACH '{model.quoted(snapshot)}' AS live (READ_ONLY); USE live")
    return database


async def _compared(
    database: DuckDBPyConnection,
    kind: Kind[B],
    beside: Path,
    consumer: Consumers,
    name: Name,
    tell: Told,
    offsets: Mapping[Place, int],
) -> list[Difference]:
    try:
        await fold(kind, beside, consumer, name, tell, asyncio.Event(), offsets)
        database.execute(f"ATTACH '{model.quoted(beside)}' AS log (READ_ONLY)")
        model.bound(database, beside)
        return await asyncio.to_thread(_differences, database, None if kind is MODEL else _WORDS)
    finally:
        database.close()
        model.remove(beside)


def _differences(database: DuckDBPyConnection, asked: Mapping[str, str] | None) -> list[Difference]:
    """`asked`: what to compare, by name, with a place for where it is asked; None: every table."""
    ours, theirs = (
        database.execute(
            "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()"
            " SEMI JOIN duckdb_tables() USING (database_name, table_name) WHERE database_name = ?"
            # How many snapshots there are is no matter of the log.
            " AND table_name <> '_snapshots' GROUP BY ALL ORDER BY ALL",
            [side],
        ).fetchall()
        for side in ("live", "log")
    )
    ((same,),) = database.execute(
        "SELECT (SELECT hash FROM live._schema) = (SELECT hash FROM log._schema)"
    ).fetchall()
    if ours != theirs or not same:
        raise EarmarkError("the read model's tables are of another version: run `earmark rebuild`")
    found = []
    for name, query in (asked or {table: f"FROM {{0}}.{table}" for table, _ in theirs}).items():
        ((only_live, only_log),) = database.execute(
            _DIFFERENT.format(live=query.format("live"), log=query.format("log"))
        ).fetchall()
        if only_live or only_log:
            found.append(Difference(name, only_live, only_log))
    return found

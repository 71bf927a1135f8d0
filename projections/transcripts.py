"""The words of the videos, in a file of their own beside the model: `transcripts`, `segments` and `search`.

It is filled from `captions` alone and keeps its own read positions, so it lives through a change of the model, and each
of the two files is whole whichever of them was written last.
"""

from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection

from projections.ingest import Place
from projections.model import STORAGE_VERSION, ModelError, remove
from streams.events.captions import CaptionsExtracted
from streams.events.envelope import UndecodableError
from streams.events.record import Record
from streams.log.topics import CAPTIONS


class Sizes(NamedTuple):
    """How many documents' postings become a run, how many runs become one larger, and how many documents are taken at once.

    A larger run stays as it is: to put those together would take longer than a batch may.
    """

    recent: int = 512
    merged: int = 8
    part: int = 256


_SQL = files("projections").joinpath("search")
_SCHEMA = _SQL.joinpath("schema.sql").read_text()
_TERMS = _SQL.joinpath("terms.sql").read_text()
# Terms that were cut in another way are another schema.
_HASH = sha256((_SCHEMA + _TERMS).encode()).hexdigest()
_LINKS = files("projections").joinpath("views", "links.sql").read_text()
_VIEWS = (_LINKS, _TERMS, *(_SQL.joinpath(f"{name}.sql").read_text() for name in ("views", "search")))
# Small groups of rows: a question reads few of them, and a small batch writes few of them anew.
_ROW_GROUP = 16_384

_MOMENT = pa.timestamp("us", "UTC")
_NEW = pa.schema(
    [
        ("doc", pa.uint32()),
        ("log_partition", pa.int32()),
        ("log_offset", pa.int64()),
        ("captions_id", pa.string()),
        ("video_id", pa.string()),
        ("revision", pa.int32()),
        ("source", pa.string()),
        ("language", pa.string()),
        ("original", pa.string()),
        ("url", pa.string()),
        ("channel_id", pa.string()),
        ("channel_title", pa.string()),
        ("video_title", pa.string()),
        ("published_at", _MOMENT),
        ("published_precision", pa.string()),
        ("extracted_at", _MOMENT),
        ("texts", pa.list_(pa.string())),
        ("starts_ms", pa.list_(pa.int64())),
        ("ends_ms", pa.list_(pa.int64())),
    ]
)

_REACHED = pa.schema([("topic", pa.string()), ("log_partition", pa.int32()), ("next_offset", pa.int64())])

_STAND = "SELECT coalesce(max(doc) + 1, 0), (SELECT coalesce(max(past), 0) FROM _runs) FROM _documents"
_HELD = """
SELECT log_partition, captions_id::VARCHAR
FROM _documents SEMI JOIN (SELECT unnest(?::UUID[]) AS captions_id) USING (captions_id)
"""
# Each word that is written differently is cut into terms once a batch.
_NEW_POSTINGS = """
CREATE OR REPLACE TEMP TABLE new_postings AS
WITH
  words AS MATERIALIZED (
    SELECT doc, word, count(*) AS times
    FROM (SELECT doc, unnest(string_split(array_to_string(texts, ' '), ' ')) AS word FROM new)
    GROUP BY ALL
  )
SELECT term, doc, sum(times) AS frequency
FROM words JOIN _terms((SELECT list(DISTINCT word) FROM words)) ON word = text
GROUP BY ALL
"""
_NEW_DOCUMENTS = """
INSERT INTO _documents BY NAME
SELECT
  new.* EXCLUDE (texts, starts_ms, ends_ms) REPLACE (captions_id::UUID AS captions_id), len(texts) AS segments,
  coalesce(counted.terms, 0) AS terms
FROM new LEFT JOIN (SELECT doc, sum(frequency) AS terms FROM new_postings GROUP BY doc) counted USING (doc)
ORDER BY doc
"""
_NEW_LINES = """
INSERT INTO _lines BY NAME
SELECT
  doc, generate_subscripts(texts, 1) - 1 AS ordinal, unnest(starts_ms) AS start_ms, unnest(ends_ms) AS end_ms,
  unnest(texts) AS text
FROM new
"""
_SUPERSEDED = """
INSERT INTO _superseded
SELECT doc FROM (
  FROM _documents SEMI JOIN new USING (video_id)
  QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY revision DESC, log_partition, log_offset) > 1
)
ANTI JOIN _superseded USING (doc)
"""
_KEEP = "INSERT INTO _recent BY NAME FROM new_postings"
_FOLD = """
INSERT INTO _postings
SELECT $run, term, list(doc), list(frequency)
FROM (SELECT term, doc, frequency FROM new_postings UNION ALL FROM _recent)
GROUP BY term ORDER BY term
"""
_MERGE = """
INSERT INTO _postings
SELECT $run, term, flatten(list(docs)), flatten(list(frequencies))
FROM _postings WHERE list_contains($small, run)
GROUP BY term ORDER BY term
"""


def create(path: Path) -> DuckDBPyConnection:
    """A new, empty file at `path`, open for writing; what a killed predecessor left there is removed."""
    remove(path)
    database = duckdb.connect()
    database.execute(
        f"ATTACH '{_quoted(path)}' AS transcripts"
        f" (STORAGE_VERSION '{STORAGE_VERSION}', ROW_GROUP_SIZE {_ROW_GROUP}); USE transcripts"
    )
    _configure(database)
    define(database)
    return database


def define(database: DuckDBPyConnection) -> None:
    """Make the tables and views in an empty database, whole or not at all."""
    database.begin()
    database.execute(_SCHEMA)
    database.execute("INSERT INTO _schema VALUES (?)", [_HASH])
    _define_views(database)
    database.commit()


def open_transcripts(path: Path) -> DuckDBPyConnection:
    """The file at `path`, open for writing, with the views of this version.

    Raises ModelError where its tables are of another version, or it cannot be opened.
    """
    database = duckdb.connect()
    try:
        database.execute(
            f"ATTACH '{_quoted(path)}' AS transcripts (ROW_GROUP_SIZE {_ROW_GROUP}); USE transcripts"
        )
        hashes = database.execute("SELECT hash FROM _schema").fetchall()
    except duckdb.Error as error:
        database.close()
        raise ModelError(f"{path} cannot be opened: {error}") from error
    if hashes != [(_HASH,)]:
        database.close()
        raise ModelError(f"{path} was made by another version of Earmark")
    _configure(database)
    database.begin()
    _define_views(database)
    database.commit()
    return database


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _configure(database: DuckDBPyConnection) -> None:
    # No checkpoint of DuckDB's own accord: one is taken for each snapshot.
    database.execute("SET wal_autocheckpoint = '1GB'; SET TimeZone = 'UTC'")


def _define_views(database: DuckDBPyConnection) -> None:
    for statements in _VIEWS:
        database.execute(statements)


def positions(database: DuckDBPyConnection) -> dict[Place, int]:
    """The offset to read next, by partition."""
    rows = database.execute("SELECT topic, log_partition, next_offset FROM _positions").fetchall()
    return {Place(topic, partition): offset for topic, partition, offset in rows}


def take(database: DuckDBPyConnection, records: Sequence[Record], sizes: Sizes = Sizes()) -> None:  # noqa: B008  immutable
    """Take the captions among `records`, once; what is none of theirs is for the model to reject.

    It goes in parts, each whole or not at all: words take room.
    """
    captions = [record for record in records if record.topic == CAPTIONS.name]
    for begin in range(0, len(captions), sizes.part):
        _take(database, captions[begin : begin + sizes.part], sizes)


def _take(database: DuckDBPyConnection, captions: Sequence[Record], sizes: Sizes) -> None:
    reached = positions(database)
    found: list[tuple[Any, ...]] = []
    for record in captions:
        place = Place(record.topic, record.partition)
        if record.offset >= reached.get(place, 0):
            reached[place] = record.offset + 1
            found += _rows(record)
    ((past, indexed),) = database.execute(_STAND).fetchall()
    rows = [(past + number, *row) for number, row in enumerate(_unheld(database, found))]
    database.register("new", _arrow(rows, _NEW))
    database.register("reached", _arrow([(*place, offset) for place, offset in reached.items()], _REACHED))
    database.begin()
    try:
        if rows:
            for statement in (_NEW_POSTINGS, _NEW_DOCUMENTS, _NEW_LINES, _SUPERSEDED):
                database.execute(statement)
            past += len(rows)
            if past - indexed < sizes.recent:
                database.execute(_KEEP)
            else:
                _fold(database, past, sizes)
        database.execute("DELETE FROM _positions")
        database.execute("INSERT INTO _positions FROM reached")
        database.commit()
    except BaseException:
        database.rollback()
        raise
    finally:
        database.unregister("new")
        database.unregister("reached")


def _rows(record: Record) -> list[tuple[Any, ...]]:
    try:
        event = record.event()
    except UndecodableError:
        return []
    if not isinstance(event, CaptionsExtracted) or not _fits(event):
        return []
    video = event.video
    return [
        (
            record.partition,
            record.offset,
            str(event.captions_id),
            video.video_id,
            event.revision,
            event.source,
            event.language,
            event.original,
            video.url,
            video.channel_id,
            video.channel_title,
            video.title,
            video.published_at,
            video.published_precision,
            event.at,
            event.texts,
            event.starts_ms,
            event.ends_ms,
        )
    ]


def _fits(event: CaptionsExtracted) -> bool:
    """Whether its numbers are such as a table can hold: the language sets them no bound."""
    return event.revision < 2**31 and all(abs(ms) < 2**63 for ms in (*event.starts_ms, *event.ends_ms))


def _unheld(database: DuckDBPyConnection, found: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Of the same fact in a partition only the first, by offset; none that is held."""
    held = set(database.execute(_HELD, [[captions_id for _, _, captions_id, *_ in found]]).fetchall())
    first = {
        (partition, captions_id): row for row in reversed(found) for partition, _, captions_id, *_ in [row]
    }
    return [row for key, row in reversed(first.items()) if key not in held]


def _fold(database: DuckDBPyConnection, past: int, sizes: Sizes) -> None:
    """Make a run of all postings that are in none, and a larger one of the small ones where there are enough."""
    database.execute(_FOLD, {"run": _next_run(database, past, merged=False)})
    database.execute("DELETE FROM _recent")
    ((small,),) = database.execute("SELECT list(run) FROM _runs WHERE NOT merged").fetchall()
    if len(small) >= sizes.merged:
        database.execute(_MERGE, {"run": _next_run(database, past, merged=True), "small": small})
        database.execute("DELETE FROM _postings WHERE list_contains(?, run)", [small])
        database.execute("DELETE FROM _runs WHERE NOT merged")


def _next_run(database: DuckDBPyConnection, past: int, *, merged: bool) -> int:
    ((run,),) = database.execute("SELECT coalesce(max(run) + 1, 0) FROM _runs").fetchall()
    database.execute("INSERT INTO _runs VALUES (?, ?, ?)", [run, merged, past])
    return int(run)


def _arrow(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )

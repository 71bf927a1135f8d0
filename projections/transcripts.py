"""The words of the videos: `transcripts`, `segments` and `search`, in a database of their own.

They are taken from `captions` alone, each with its position in the same transaction, and however the records come in
batches the same is held and found. Superseded words stay among the documents, as every revision of them is a fact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from typing import Any, NamedTuple

import pyarrow as pa
from duckdb import DuckDBPyConnection

from projections.describe import comment
from projections.ingest import Place, Progress
from streams.events.captions import CaptionsExtracted
from streams.events.envelope import UndecodableError
from streams.events.record import Record
from streams.log.topics import CAPTIONS


@dataclass
class Captions:
    """Records of `captions` as they are, and how far they reach; `size`: bytes, about."""

    records: list[Record] = field(default_factory=list)
    progress: dict[Place, Progress] = field(default_factory=dict)
    size: int = 0

    def add(self, record: Record, _: Mapping[Place, Progress]) -> None:
        """Take `record`, the next of its partition."""
        self.records.append(record)
        self.size += len(record.value or b"")
        self.progress[Place(record.topic, record.partition)] = Progress(record.offset + 1)

    def __len__(self) -> int:
        return len(self.records)


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
# Of what is kept: terms that were cut in another way are another schema.
HASH = sha256((_SCHEMA + _TERMS).encode()).hexdigest()
_VIEWS = (_TERMS, *(_SQL.joinpath(f"{name}.sql").read_text() for name in ("views", "search")))
_INSERTS = {
    name: _SQL.joinpath("inserts", f"{name}.sql").read_text()
    for name in ("new_postings", "documents", "lines", "superseded", "recent", "run", "larger_run")
}

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
        ("captioned_at", _MOMENT),
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


def define(database: DuckDBPyConnection) -> None:
    """Make the tables and views in an empty database, whole or not at all."""
    database.begin()
    database.execute(_SCHEMA)
    database.execute("INSERT INTO _schema VALUES (?)", [HASH])
    define_views(database)
    database.commit()


def define_views(database: DuckDBPyConnection) -> None:
    """Make the views and macros as this version has them."""
    for statements in _VIEWS:
        database.execute(statements)
    comment(database)


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
            for name in ("new_postings", "documents", "lines", "superseded"):
                database.execute(_INSERTS[name])
            past += len(rows)
            if past - indexed < sizes.recent:
                database.execute(_INSERTS["recent"])
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
    database.execute(_INSERTS["run"], {"run": _next_run(database, past, merged=False)})
    database.execute("DELETE FROM _recent")
    ((small,),) = database.execute("SELECT count(*) FROM _runs WHERE NOT merged").fetchall()
    if small >= sizes.merged:
        database.execute(_INSERTS["larger_run"], {"run": _next_run(database, past, merged=True)})
        database.execute("DELETE FROM _small_runs")
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

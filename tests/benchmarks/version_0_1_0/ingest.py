"""How 0.1.0 took records into rows: what a benchmark compares with, and what the rows of today are held to.

Each table takes the events of one subject, and of each topic partition only what stands there before: so neither the
size of the batches nor the order in which topics are read shows in the rows. A record before the stored position was
applied already and is passed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection

from projections import kept
from projections.ingest import TABLES, Place, Progress, _Table, progress
from streams.events.envelope import UndecodableError
from streams.events.event import Event
from streams.events.prompts import PromptActivated
from streams.events.record import Record
from streams.log.topics import ANALYSES, TOPICS

_TYPES = {topic.name: frozenset(topic.types) for topic in TOPICS}
_TYPES[ANALYSES.name] |= {PromptActivated}  # the markers


def _statement(table: _Table) -> str:
    select = (Path(__file__).parent / "inserts" / f"{table.name}.sql").read_text()
    # A column that is of today.
    if table.name in kept.TABLES:
        select = f"SELECT *, _number(video_id) AS _video_number FROM ({select})"  # noqa: S608  our own
    if not table.keys:
        return f"INSERT INTO {table.name} BY NAME {select}"
    keys = ("log_partition", *(key for key in table.keys if key != "_video_number"))
    same = " AND ".join(f"old.{key} IS NOT DISTINCT FROM new.{key}" for key in keys)
    return (
        f"INSERT INTO {table.name} BY NAME FROM ({select}) new"
        f" WHERE NOT EXISTS (FROM {table.name} old WHERE {same})"
        f" QUALIFY row_number() OVER (PARTITION BY {', '.join(keys)} ORDER BY log_offset) = 1"
    )


_STATEMENTS = {table.name: _statement(table) for table in TABLES}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOMENT = pa.timestamp("us", "UTC")
_INCOMING = pa.schema(
    [
        ("topic", pa.string()),
        ("log_partition", pa.int32()),
        ("log_offset", pa.int64()),
        ("clock", _MOMENT),
        ("type", pa.string()),
        ("happened_at", _MOMENT),
        ("body", pa.large_string()),
    ]
)
_REJECTS = pa.schema(
    [
        ("topic", pa.string()),
        ("log_partition", pa.int32()),
        ("log_offset", pa.int64()),
        ("type", pa.string()),
        ("reason", pa.string()),
        ("value", pa.large_binary()),
    ]
)
_POSITIONS = pa.schema(
    [
        ("topic", pa.string()),
        ("log_partition", pa.int32()),
        ("next_offset", pa.int64()),
        ("clock", _MOMENT),
        ("last_event_at", _MOMENT),
        ("first_offset", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Batch:
    """Records made ready: rows of events in the language's own JSON, rows of rejects, and how far they reach."""

    incoming: list[tuple[Any, ...]]
    rejects: list[tuple[Any, ...]]
    progress: dict[Place, Progress]

    @property
    def types(self) -> set[str]:
        """The event types in it."""
        return {row[4] for row in self.incoming}


def prepare(records: Sequence[Record], progress: Mapping[Place, Progress]) -> Batch:
    """The rows of those `records` that stand at or past the `progress` so far; each partition's in order of offset."""
    incoming: list[tuple[Any, ...]] = []
    rejects: list[tuple[Any, ...]] = []
    reached: dict[Place, Progress] = {}
    for record in records:
        place = Place(record.topic, record.partition)
        before = reached.get(place) or progress.get(place) or Progress()
        if record.offset < before.next_offset:
            continue
        # What was never Earmark's moves no clock: the ledger's fold passes over it, too.
        clock_ms = before.clock_ms if record.type is None else max(before.clock_ms, record.timestamp_ms)
        last_event_us = before.last_event_us
        where = (record.topic, record.partition, record.offset)
        try:
            event = _read(record)
        except UndecodableError as error:
            rejects.append((*where, record.type, str(error), record.value))
        else:
            at_us = (event.at - _EPOCH) // _MICROSECOND
            last_event_us = at_us if last_event_us is None else max(last_event_us, at_us)
            # Written anew: older versions are upcast, and times and numbers have one form.
            body = event.model_dump_json()
            incoming.append((*where, clock_ms * 1000, type(event).__name__, event.at, body))
        reached[place] = Progress(record.offset + 1, clock_ms, last_event_us, before.first_offset)
    return Batch(incoming, rejects, reached)


def _read(record: Record) -> Event:
    event = record.event()
    if type(event) not in _TYPES[record.topic]:
        raise UndecodableError(f"{type(event).__name__} does not belong in {record.topic}")
    return event


def apply(database: DuckDBPyConnection, records: Sequence[Record]) -> None:
    """Take `records` into the read model, once, whole or not at all."""
    batch = prepare(records, progress(database))
    if not batch.progress:
        return
    positions = [
        (*place, reached.next_offset, reached.clock_ms * 1000, reached.last_event_us, reached.first_offset)
        for place, reached in batch.progress.items()
    ]
    database.register("incoming", _arrow(batch.incoming, _INCOMING))
    database.register("incoming_rejects", _arrow(batch.rejects, _REJECTS))
    database.register("incoming_positions", _arrow(positions, _POSITIONS))
    database.begin()
    try:
        for table in TABLES:
            if table.types & batch.types:
                database.execute(_STATEMENTS[table.name])
        database.execute("INSERT INTO _rejects BY NAME FROM incoming_rejects")
        database.execute("INSERT OR REPLACE INTO _positions BY NAME FROM incoming_positions")
        database.commit()
    except BaseException:
        database.rollback()
        raise
    finally:
        for view in ("incoming", "incoming_rejects", "incoming_positions"):
            database.unregister(view)


def _arrow(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )

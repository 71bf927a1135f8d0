"""Records of the log into rows: a batch, its read positions and its rejects in one transaction.

Each table takes the events of one subject, and of each topic partition only what stands there before: so neither the
size of the batches nor the order in which topics are read shows in the rows. A record before the stored position was
applied already and is passed over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, NamedTuple

import pyarrow as pa
from duckdb import DuckDBPyConnection

from projections import kept
from projections.bodies import keep
from streams.events.envelope import UndecodableError
from streams.events.record import Record
from streams.log.topics import ANALYSES


class Place(NamedTuple):
    """A topic's partition."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a partition is read. `clock_ms`: the broker's clock there, taken monotonic; `last_event_us`: by the events' own.

    Both count from 1970. `first_offset`: where the partition began when it was first read, 0 if nothing was gone.
    """

    next_offset: int = 0
    clock_ms: int = 0
    last_event_us: int | None = None
    first_offset: int = 0


class _Table(NamedTuple):
    """A table, the event types that fill it by `inserts/<name>.sql`, and what makes two of its rows the same fact."""

    name: str
    types: frozenset[str]
    keys: tuple[str, ...]


def _table(name: str, types: str, keys: str) -> _Table:
    return _Table(name, frozenset(types.split()), tuple(keys.split()))


# In this order: `all_mentions` looks at `analyses`.
TABLES = (
    _table("_channel_events", "ChannelFollowed ChannelUnfollowed", "channel_id type happened_at"),
    _table("_channel_scans", "ChannelScanned", "channel_id tab since complete"),
    _table("_discovered", "VideoDiscovered", "_video_number video_id"),
    _table("captions", "CaptionsExtracted", "captions_id"),
    _table("caption_failures", "CaptionsUnavailable", "_video_number video_id revision attempt"),
    _table("_captions_requests", "CaptionsRequested", "video_id revision attempt"),
    _table("prompts", "PromptRegistered", "prompt_id"),
    _table("activations", "PromptActivated", "prompt_id previous"),
    _table("_markers", "PromptActivated", "prompt_id activation"),
    _table("_requests", "AnalysisRequested", "request_id"),
    _table("_claims", "BudgetReserved", "attempt_id"),
    _table("_settlements", "BudgetSettled", "attempt_id"),
    _table("_replays_started", "ReplayStarted", "replay_id"),
    _table("_replays_cancelled", "ReplayCancelled", "replay_id"),
    _table("analyses", "AnalysisCompleted", "analysis_id partial"),
    _table("all_mentions", "AnalysisCompleted", ""),
    _table("_failures", "AttemptFailed AnalysisFailed", "analysis_id type attempt_id"),
    _table(
        "signals",
        "MentionAdded MentionChanged MentionRetracted OutlookAdded OutlookChanged OutlookRetracted",
        "subject_id topic revision",
    ),
    _table("dead_letters", "DeadLettered", "from_offset topic from_partition handler"),
    _table("_dead_letters_retried", "DeadLetterRetried", "letter"),
)


def _statement(table: _Table, *, alone: bool) -> str:
    select = files("projections").joinpath("inserts", f"{table.name}.sql").read_text()
    if not table.keys:
        return f"INSERT INTO {table.name} BY NAME {select}"
    keys = ", ".join(("log_partition", *table.keys))
    same = " AND ".join(f"old.{key} IS NOT DISTINCT FROM new.{key}" for key in ("log_partition", *table.keys))
    # First the few rows that have a first key of the batch's: all that is stored is passed over in one column.
    stored = f"SELECT {keys} FROM {table.name} SEMI JOIN new USING (log_partition, {table.keys[0]})"  # noqa: S608
    first = "" if alone else f" QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY log_offset) = 1"
    return (
        f"INSERT INTO {table.name} BY NAME FROM (WITH new AS MATERIALIZED ({select}), old AS MATERIALIZED ({stored})"
        f" FROM new WHERE NOT EXISTS (FROM old WHERE {same}){first})"
    )


_STATEMENTS = {
    (table.name, alone): _statement(table, alone=alone) for table in TABLES for alone in (False, True)
}
"""By table, and whether there is one record for it: the others of its batch are not looked through then."""

_REJECT = "INSERT INTO _rejects BY NAME FROM incoming"
_REACH = "INSERT OR REPLACE INTO _positions BY NAME FROM incoming"

_MOMENT = pa.timestamp("us", "UTC")
_INCOMING = pa.schema(
    [
        ("topic", pa.string()),
        ("log_partition", pa.int32()),
        ("log_offset", pa.int64()),
        ("clock", _MOMENT),
        ("type", pa.string()),
        ("happened_at", _MOMENT),
        ("segments", pa.int64()),
        ("length_ms", pa.int64()),
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


@dataclass
class Batch:
    """Records made ready: rows of events by type, rows of rejects, and how far they reach.

    `videos`: those that it has something new of. `size`: bytes, about.
    """

    events: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    rejects: list[tuple[Any, ...]] = field(default_factory=list)
    progress: dict[Place, Progress] = field(default_factory=dict)
    videos: set[str] = field(default_factory=set)
    size: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was read."""
        return not self.progress

    @property
    def marked(self) -> set[int]:
        """The partitions of `analyses` that it has a marker of."""
        return {row[1] for row in self.events.get("PromptActivated", ()) if row[0] == ANALYSES.name}

    def __len__(self) -> int:
        return sum(map(len, self.events.values())) + len(self.rejects)

    def add(self, record: Record, progress: Mapping[Place, Progress]) -> None:
        """Take `record` where it stands at or past the `progress` before this batch, and the next of its partition."""
        place = Place(record.topic, record.partition)
        before = self.progress.get(place) or progress.get(place) or Progress()
        if record.offset < before.next_offset:
            return
        clock_ms, last_event_us = max(before.clock_ms, record.timestamp_ms), before.last_event_us
        where = (record.topic, record.partition, record.offset)
        try:
            event = keep(record)
        except UndecodableError as error:
            self.rejects.append((*where, record.type, str(error), record.value))
            self.size += len(record.value or b"")
            # What was never Earmark's moves no clock: the ledger's fold passes over it, too.
            clock_ms = before.clock_ms if record.type is None else clock_ms
        else:
            last_event_us = event.at_us if last_event_us is None else max(last_event_us, event.at_us)
            row = (
                *where,
                clock_ms * 1000,
                event.type,
                event.at_us,
                event.segments,
                event.length_ms,
                event.body,
            )
            self.events.setdefault(event.type, []).append(row)
            self.size += len(event.body)
            if event.video_id is not None:
                self.videos.add(event.video_id)
        self.progress[place] = Progress(record.offset + 1, clock_ms, last_event_us, before.first_offset)


def prepare(records: Iterable[Record], progress: Mapping[Place, Progress]) -> Batch:
    """The rows of those `records` that stand at or past the `progress` so far; each partition's in order of offset."""
    batch = Batch()
    for record in records:
        batch.add(record, progress)
    return batch


def apply(database: DuckDBPyConnection, records: Sequence[Record], *, keeps: bool = True) -> None:
    """Take `records` into the read model, once, whole or not at all; `keeps` as in `write`."""
    write(database, prepare(records, progress(database)), keeps=keeps)


def write(database: DuckDBPyConnection, batch: Batch, *, keeps: bool = True) -> None:
    """Take a batch that goes on where the read model stands, whole or not at all.

    Without `keeps`, what is current is not kept: `kept.keep_all` must follow before anybody reads.
    """
    if not batch.progress:
        return
    database.begin()
    try:
        for table in TABLES:
            rows = [row for name in table.types & batch.events.keys() for row in batch.events[name]]
            _insert(database, _STATEMENTS[table.name, len(rows) == 1], rows, _INCOMING)
        if keeps:
            kept.keep(database, batch.videos, batch.marked, switching="AnalysisCompleted" in batch.events)
        _insert(database, _REJECT, batch.rejects, _REJECTS)
        _insert(database, _REACH, _positions(batch.progress), _POSITIONS)
        database.commit()
    except BaseException:
        database.rollback()
        raise


def _insert(
    database: DuckDBPyConnection, statement: str, rows: Sequence[tuple[Any, ...]], schema: pa.Schema
) -> None:
    if not rows:
        return
    columns = [
        pa.array(column, form.type) for column, form in zip(zip(*rows, strict=True), schema, strict=True)
    ]
    incoming = pa.table(columns, schema=schema)  # noqa: F841  DuckDB finds it by its name, quicker than a view of it
    database.execute(statement)


def _positions(progress: Mapping[Place, Progress]) -> list[tuple[Any, ...]]:
    return [
        (*place, reached.next_offset, reached.clock_ms * 1000, reached.last_event_us, reached.first_offset)
        for place, reached in progress.items()
    ]


def begin(database: DuckDBPyConnection, starts: Mapping[Place, int]) -> None:
    """Let an empty read model begin where partitions do whose first records are gone."""
    for place, start in starts.items():
        database.execute(
            "INSERT INTO _positions (topic, log_partition, next_offset, clock, first_offset)"
            " VALUES (?, ?, ?, make_timestamptz(0), ?)",
            [*place, start, start],
        )


def progress(database: DuckDBPyConnection) -> dict[Place, Progress]:
    """How far each partition is read."""
    rows = database.execute(
        "SELECT topic, log_partition, next_offset, epoch_ms(clock), epoch_us(last_event_at), first_offset"
        " FROM _positions"
    ).fetchall()
    return {Place(topic, partition): Progress(*rest) for topic, partition, *rest in rows}

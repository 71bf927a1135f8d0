"""The rows are those that 0.1.0 made of the same records, whatever the records are."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from random import Random

import duckdb

from projections.ingest import apply
from projections.kept import keep_all
from projections.model import define
from streams.events.record import Record
from streams.log.topics import destination
from tests.benchmarks.version_0_1_0 import ingest as version_0_1_0
from tests.builders.examples import EXAMPLES
from tests.builders.read_model_histories import history, in_order, log_of
from tests.builders.read_model_world import START_MS, record
from tests.recordings.events.goldens import FOLDER, example_of, parse

ODD = (
    (b'"revision":1', b'"revision":1.0'), (b'"revision":1', b'"revision":"1"'), (b'"revision":1', b'"revision":1e30'),
    (b'"attempt":1', b'"attempt":99999999999'), (b'Z"', b'+00:00"'), (b'Z"', b'.123456789Z"'), (b"T14:", b"t14:"),
    (b'"usd":"', b'"usd":"0'), (b'"usd":"', b'"usd":"1e'), (b'"conviction":0.8', b'"conviction":0.80000000000000004'),
    (b'{"video"', b'{"outlook":{"direction":"bullish"},"video"'), (b'"origin"', b'"more":[1],"origin"'),
    (b'"lane":"live"', b'"lane":"live","lane":"replay"'), (b'"lane":"live"', b'"lane":"none"'), (b":null", b":0"),
    (b'"title":"', b'"title":"\\u0000\\ud83d\\ude00'), (b'"title":"', b'"title":"\\ud800'), (b'"title":"', b'"title":"\xff'),
    (b":", b" : "), (b"{", b"[" ), (b"true", b"1"), (b'"', b"'"),
)  # fmt: skip


# What 0.1.0 did not know of a mention, and what follows from it.
_LATER = "match, condition, levels, speaker, position, paid, expires, dropped"
_KNOWN = {
    "all_mentions": f"SELECT * EXCLUDE ({_LATER})",
    "signals": f"SELECT * EXCLUDE ({_LATER})",
    "videos": "SELECT * EXCLUDE (mentions)",
}


@contextmanager
def _both(records: Iterable[Record]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the same records taken both ways."""
    records = list(records)
    with duckdb.connect(config={"threads": 1}) as database:
        database.execute("SET TimeZone = 'UTC'")
        for name, take in (("old", version_0_1_0.apply), ("new", apply)):
            database.execute(f"ATTACH ':memory:' AS {name}; USE {name}")
            define(database)
            for start in range(0, len(records), 100):
                take(database, records[start : start + 100])
            keep_all(database)
        yield database


def _assert_same(database: duckdb.DuckDBPyConnection) -> None:
    names = database.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'new'").fetchall()
    assert len(names) > 20
    for (name,) in names:
        for left, right in (("old", "new"), ("new", "old")):
            kept = _KNOWN.get(name, "")
            query = f"{kept} FROM {left}.{name} EXCEPT ALL {kept} FROM {right}.{name}"
            assert database.execute(query).fetchall() == [], name


def _odd() -> Iterator[Record]:
    """Every golden file of every version, as it is, with each oddity that it has a place for, and in another's topic.

    Each in a partition of its own, or it would be left out as a duplicate.
    """
    partitions = count()
    for path in sorted(FOLDER.glob("*.json")):
        message = parse(path.read_text())
        topic = destination(EXAMPLES[example_of(path.stem)])[0].name
        bodies = [message.value, *(message.value.replace(*odd, 1) for odd in ODD if odd[0] in message.value)]
        for where, body in [*((topic, body) for body in bodies), ("videos", message.value)]:
            partition = next(partitions)
            yield Record(where, partition, 7, START_MS + partition, message.key, message.headers, body)


def test_odd_records_and_old_ones_make_the_same_rows_and_rejects() -> None:
    with _both(_odd()) as database:
        _assert_same(database)
        ((rejects, kept),) = database.execute(
            "SELECT (SELECT count(*) FROM _rejects), (SELECT count(*) FROM analyses) + (SELECT count(*) FROM signals)"
        ).fetchall()
        assert rejects > 100
        assert kept > 100


def test_histories_with_broken_records_make_the_same_rows() -> None:
    records = in_order(log_of(history(Random(5), 40), Random(5)))
    with _both(records) as database:
        _assert_same(database)


def test_facts_told_twice_and_thrice_in_a_batch_and_after_it_make_the_same_rows() -> None:
    events = history(Random(6), 5)
    offsets: dict[tuple[str, int], int] = {}

    def told(random: Random) -> Iterator[Record]:
        for event in random.sample(events, k=len(events)) + random.choices(events, k=3 * len(events)):
            appended = record(event, 0)
            place = (appended.topic, appended.partition)
            offsets[place] = offsets.get(place, -1) + 1
            yield replace(appended, offset=offsets[place])

    with _both(told(Random(6))) as database:
        _assert_same(database)

"""What the read model says an activation would publish is what the publisher would."""

from collections import Counter
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.activating import activation
from projections.ingest import apply
from projections.model import define
from streams.events.analyses import AnalysisCompleted
from streams.events.event import Event
from streams.signals.current import Partition, activated, evolve, videos_by_prompt
from streams.signals.diff import signals
from tests.builders.histories import Log, events, moment

LATEST = 10_000


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as database:
        define(database)
        yield database


def empty(database: duckdb.DuckDBPyConnection) -> None:
    """To make a model anew takes longer than to ask it."""
    for (table,) in database.execute(
        "SELECT table_name FROM duckdb_tables() WHERE table_name <> '_schema'"
    ).fetchall():
        database.execute(f"DELETE FROM {table}")  # noqa: S608  our own names


def analysis(log: Log, offset: int | None) -> AnalysisCompleted | None:
    event = None if offset is None else log.records[offset].event()
    return event if isinstance(event, AnalysisCompleted) else None


@settings(max_examples=40, deadline=None)
@given(history=events(), prompt=st.sampled_from(["p1", "p2", "p3"]))
def test_an_activation_publishes_what_the_read_model_says(
    database: duckdb.DuckDBPyConnection, history: list[Event], prompt: str
) -> None:
    log, partition = Log(history), Partition()
    for record in log.records:
        evolve(partition, record)
    switches = activated(partition, prompt, LATEST)
    expected: Counter[str] = Counter()
    for switch in switches:
        current = analysis(log, switch.current)
        assert current is not None
        told = signals(analysis(log, switch.previous), current, switch, moment(0))
        expected.update(type(signal).__name__ for signal in told)
    kept = videos_by_prompt(partition)

    empty(database)
    apply(database, log.records)
    found = activation(database, prompt)
    assert found.signals == expected
    assert (found.switched, found.kept) == (len(switches), kept.total() - kept[prompt])

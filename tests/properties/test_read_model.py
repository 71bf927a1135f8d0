"""The read model is a fold of the log: nothing but the records and their order within a partition shows in it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.ingest import TABLES, apply
from projections.model import define
from tests.properties.read_model_histories import history, in_order, interleaved, log_of


@contextmanager
def _models() -> Iterator[tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]]:
    """Two empty models in memory."""
    with duckdb.connect(config={"threads": 1}) as one, duckdb.connect(config={"threads": 1}) as other:
        for database in (one, other):
            database.execute("SET TimeZone = 'UTC'")
            define(database)
        yield one, other


def content(database: duckdb.DuckDBPyConnection) -> dict[str, Counter[str]]:
    """Every row of every table and view."""
    names = database.execute(
        "SELECT table_name FROM duckdb_tables() UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal"
    ).fetchall()
    return {name: _rows(database, f"FROM {name}") for (name,) in names}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_any_cut_into_batches_and_any_interleaving_gives_the_same_rows(seed: int, videos: int) -> None:
    random = Random(seed)
    log = log_of(history(random, videos), random)
    with _models() as (whole, pieces):
        apply(whole, in_order(log))
        for batch in interleaved(log, random):
            apply(pieces, batch)
        assert content(pieces) == content(whole)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32))
def test_a_batch_applied_twice_is_a_batch_applied_once(seed: int) -> None:
    random = Random(seed)
    records = in_order(log_of(history(random, 2), random))
    with _models() as (once, twice):
        apply(once, records)
        apply(twice, records)
        apply(twice, records)
        assert content(twice) == content(once)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32))
def test_broken_records_are_kept_as_rejects_and_cost_nothing_else(seed: int) -> None:
    events = history(Random(seed), 2)
    noisy = log_of(events, Random(seed))
    with _models() as (sound, troubled):
        apply(sound, in_order(log_of(events)))
        apply(troubled, in_order(noisy))

        rejects = _rows(troubled, "SELECT reason FROM _rejects WHERE reason IS NOT NULL")
        assert rejects.total() == sum(map(len, noisy.values())) - len(events)
        # Broken records shift offsets, and with them the numbers of activations; the clock differs by construction.
        for name in (table.name for table in TABLES if table.name != "activations"):
            rows = f"SELECT COLUMNS(lambda c: c NOT IN ('log_offset', 'clock')) FROM {name}"  # noqa: S608
            assert _rows(troubled, rows) == _rows(sound, rows)


def _rows(database: duckdb.DuckDBPyConnection, query: str) -> Counter[str]:
    return Counter(map(repr, database.execute(query).fetchall()))

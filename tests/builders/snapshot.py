"""A read model as readers find it."""

from pathlib import Path

import duckdb

from projections import model
from projections.ingest import apply
from projections.snapshots import Snapshots
from streams.events.event import Event
from tests.builders.kept_by_definition import assert_kept
from tests.builders.read_model_world import record


def publish(home: Path, *events: Event) -> None:
    """A snapshot of a read model that has read these, each at the offset of its place among them."""
    file = model.generation_file(home, 1)
    file.parent.mkdir(parents=True, exist_ok=True)
    database = model.create(file)
    for offset, event in enumerate(events):
        apply(database, [record(event, offset)])
    Snapshots(home).publish(database, file)
    database.close()


def assert_equal(one: Path, other: Path) -> None:
    """Every table and view of both snapshots, both ways; and what is kept in them is what follows from the rest."""
    with duckdb.connect() as database:
        database.execute(f"ATTACH '{one}' AS one (READ_ONLY); ATTACH '{other}' AS other (READ_ONLY)")
        names = database.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'one' UNION ALL"
            " SELECT view_name FROM duckdb_views() WHERE NOT internal AND database_name = 'one'"
        ).fetchall()
        assert len(names) > 30
        for used in ("one", "other"):
            database.execute(f"USE {used}")
            assert_kept(database)
        for (name,) in names:
            for left, right in (("one", "other"), ("other", "one")):
                query = f"FROM {left}.{name} EXCEPT ALL FROM {right}.{name}"
                assert database.execute(query).fetchall() == [], name

"""A read model as readers find it."""

from pathlib import Path

import duckdb

from projections import blocks, model
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
    apply(database, [record(event, offset) for offset, event in enumerate(events)])
    snapshots = Snapshots(home, file)
    snapshots.publish(database)
    database.close()
    snapshots.close()


def tear(file: Path) -> None:
    """Spoil the last bytes of all metadata, as a kill may; DuckDB does not read them as it opens the file."""
    with file.open("r+b") as torn:
        state = blocks.state(torn.fileno())
        size = blocks.block_size(torn.read(blocks.HEADERS))
        assert state
        assert size
        for block in state.metadata:
            torn.seek(blocks.HEADERS + (block + 1) * size - 4)
            torn.write(b"torn")


def assert_equal(first: Path, second: Path) -> None:
    """Every table and view of both snapshots, both ways, but not how many snapshots there were.

    What is kept in them is what follows from the rest.
    """
    with duckdb.connect() as database:
        database.execute(f"ATTACH '{first}' AS one (READ_ONLY); ATTACH '{second}' AS other (READ_ONLY)")
        names = database.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'one' UNION ALL"
            " SELECT view_name FROM duckdb_views() WHERE NOT internal AND database_name = 'one'"
        ).fetchall()
        assert len(names) > 30
        for used in ("one", "other"):
            database.execute(f"USE {used}")
            assert_kept(database)
        for (name,) in names:
            if name == "_snapshots":
                continue
            shown = "* EXCLUDE (snapshots, snapshot_bytes)" if name == "freshness" else "*"
            one, other = (f"(FROM {side}.{name} SELECT {shown})" for side in ("one", "other"))
            for query in (f"{one} EXCEPT ALL {other}", f"{other} EXCEPT ALL {one}"):
                assert database.execute(query).fetchall() == [], name


def assert_same_words(first: Path, second: Path) -> None:
    """What two snapshots of the words show and find, both ways; which words have which number in them is their own."""
    shown = []
    for path in (first, second):
        with duckdb.connect(path, read_only=True) as database:
            shown.append(
                [
                    database.execute(f"FROM {relation} ORDER BY ALL").fetchall()
                    for relation in ("transcripts", "segments", "search('sell')", "_positions")
                ]
            )
    assert shown[0] == shown[1]
    assert all(shown[0])

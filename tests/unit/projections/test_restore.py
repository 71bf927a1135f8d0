"""A model that a kill tore is made anew of the newest snapshot, where that is whole."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import duckdb
import pytest

from projections import model
from projections.rebuild import alone, restore
from projections.snapshots import LINK
from tests.builders.read_model_world import PROMPTS, completed, video
from tests.builders.snapshot import publish, tear


@pytest.fixture
def torn(tmp_path: Path) -> Path:
    """A home whose model is torn, and whose newest snapshot is whole and not to be written."""
    publish(tmp_path, completed(video(1), PROMPTS[0], UUID(int=1)))
    tear(model.generation_file(tmp_path, 1))
    assert isinstance(model.to_replace(tmp_path), model.DamagedError)
    return tmp_path


def test_the_next_generation_holds_what_readers_see(torn: Path) -> None:
    seen = (torn / LINK).read_bytes()
    assert restore(torn)
    assert model.to_replace(torn) is None
    assert (torn / LINK).read_bytes() == seen
    database = model.open_model(model.generation_file(torn, 2))
    with duckdb.connect(torn / LINK, read_only=True) as snapshot:
        for table in ("analyses", "all_mentions", "videos", "_positions"):
            assert database.table(table).fetchall() == snapshot.table(table).fetchall()
    database.execute("UPDATE videos SET mentions = 0")
    database.close()


def other_tables(snapshot: Path) -> None:
    snapshot.chmod(0o600)
    with duckdb.connect(snapshot) as database:
        database.execute("UPDATE _schema SET hash = 'older'")


def torn_too(snapshot: Path) -> None:
    snapshot.chmod(0o600)
    tear(snapshot)


def no_database(snapshot: Path) -> None:
    snapshot.chmod(0o600)
    snapshot.write_bytes(b"no database" * 999)


@pytest.mark.parametrize("spoil", [Path.unlink, other_tables, torn_too, no_database])
def test_a_snapshot_that_cannot_be_gone_on_with_is_none(torn: Path, spoil: Callable[[Path], object]) -> None:
    """Nothing is left of the try, and the model stays what it was, for the log to mend."""
    spoil((torn / LINK).resolve())
    assert not restore(torn)
    assert isinstance(model.to_replace(torn), model.DamagedError)
    assert {file.name for file in (torn / "model").iterdir()} == {"rebuild.lock", "rm-1.duckdb"}


def test_it_is_refused_while_a_rebuild_is_under_way(torn: Path) -> None:
    with alone(torn), pytest.raises(model.LockedError):
        restore(torn)

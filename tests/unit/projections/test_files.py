"""The model's files and the snapshots that readers open."""

import os
from pathlib import Path

import duckdb
import pytest

from projections import model
from projections.ingest import apply
from projections.snapshots import LINK, Snapshots
from streams.events.videos import VideoDiscovered
from tests.builders.read_model_world import at, record, video


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return tmp_path


def discover(database: duckdb.DuckDBPyConnection, number: int) -> None:
    apply(database, [record(VideoDiscovered(at=at(0), video=video(number)), number)])


def count(path: Path) -> int:
    with duckdb.connect(path, read_only=True) as reader:
        return int(reader.execute("SELECT count(*) FROM videos").fetchall()[0][0])


def test_a_finished_model_is_one_file_and_opens_with_all_that_was_in_it(home: Path) -> None:
    path = home / "model" / "new"
    database = model.create(path)
    discover(database, 1)
    model.finish(database)
    assert [file.name for file in path.parent.iterdir()] == ["new"]

    database = model.open_model(path)
    assert database.execute("SELECT video_id FROM videos").fetchall() == [("video-1",)]
    database.close()


def test_a_file_of_other_tables_names_the_fix(home: Path) -> None:
    path = home / "model" / "new"
    database = model.create(path)
    database.execute("UPDATE _schema SET hash = 'older'")
    model.finish(database)
    with pytest.raises(model.ModelError, match="another version of Earmark: run `earmark rebuild`"):
        model.open_model(path)


def test_a_damaged_file_names_the_fix(home: Path) -> None:
    path = home / "model" / "new"
    path.write_bytes(b"not a database" * 999)
    with pytest.raises(model.ModelError, match="`earmark rebuild`"):
        model.open_model(path)


def test_the_highest_generation_is_the_model(home: Path) -> None:
    assert model.newest_generation(home) == 0
    for generation in (2, 10, 9):
        model.generation_file(home, generation).touch()
    (home / "model" / "rebuild.unfinished").touch()
    assert model.newest_generation(home) == 10
    model.remove_older(home, 10)
    assert sorted(path.name for path in (home / "model").iterdir()) == ["rebuild.unfinished", "rm-10.duckdb"]


def test_a_second_holder_of_a_lock_is_refused_in_a_sentence(home: Path) -> None:
    with (
        model.lock(home, "projector", "one is enough"),
        pytest.raises(model.LockedError, match="one is enough"),
        model.lock(home, "projector", "one is enough"),
    ):
        pass
    with model.lock(home, "projector", "free again"):
        pass


def test_a_reader_keeps_its_snapshot_and_the_next_one_sees_what_is_new(home: Path) -> None:
    path = home / "model" / "new"
    database, snapshots = model.create(path), Snapshots(home)
    discover(database, 1)
    first = snapshots.publish(database, path)
    with duckdb.connect(home / LINK, read_only=True) as reader:
        discover(database, 2)
        assert count(home / LINK) == 1
        snapshots.publish(database, path)
        assert reader.execute("SELECT count(*) FROM videos").fetchall() == [(1,)]
    assert count(home / LINK) == 2
    assert first.stat().st_mode & 0o222 == 0
    database.close()


def test_a_snapshot_goes_once_another_has_stood_in_its_place_for_long_enough(home: Path) -> None:
    path = home / "model" / "new"
    database, snapshots = model.create(path), Snapshots(home)
    first = snapshots.publish(database, path)
    second = snapshots.publish(database, path)
    assert first.exists()
    os.utime(second, (0, 0))
    third = snapshots.publish(database, path)
    assert [first.exists(), second.exists(), third.exists()] == [False, True, True]
    database.close()


def test_what_a_killed_writer_left_is_cleared_and_does_not_count(home: Path) -> None:
    path = home / "model" / "new"
    database, snapshots = model.create(path), Snapshots(home)
    snapshots.publish(database, path)
    (home / "snap" / "2-77.unfinished").write_bytes(b"half a copy")
    (home / "snap" / "link.unfinished").symlink_to("nowhere")
    assert count(home / LINK) == 0

    discover(database, 1)
    Snapshots(home).publish(database, path)
    assert count(home / LINK) == 1
    assert sorted(file.name for file in (home / "snap").iterdir()) == ["rm-1.duckdb", "rm-2.duckdb"]
    database.close()


def test_a_snapshot_needs_no_attached_name_to_be_read(home: Path) -> None:
    path = home / "model" / "new"
    database = model.create(path)
    Snapshots(home).publish(database, path)
    database.close()
    with duckdb.connect() as reader:
        reader.execute(f"ATTACH '{home / LINK}' AS earmark (READ_ONLY)")
        views = reader.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        for (view,) in views:
            assert reader.execute(f"FROM earmark.{view}").fetchall() == []

"""The model's own files."""

from pathlib import Path

import duckdb
import pytest

from projections import model
from projections.describe import describe
from projections.ingest import apply
from streams.events.videos import VideoDiscovered
from tests.builders.read_model_world import at, record, video


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return tmp_path


def discover(database: duckdb.DuckDBPyConnection, number: int) -> None:
    apply(database, [record(VideoDiscovered(at=at(0), video=video(number)), number)])


def test_a_finished_model_is_one_file_and_opens_with_all_that_was_in_it(home: Path) -> None:
    path = home / "model" / "new"
    database = model.create(path)
    discover(database, 1)
    model.finish(database)
    assert [file.name for file in path.parent.iterdir()] == ["new"]

    database = model.open_model(path)
    assert database.execute("SELECT video_id FROM videos").fetchall() == [("video-1",)]
    database.close()


def test_views_of_another_version_are_made_anew_with_their_words_and_others_are_left(home: Path) -> None:
    path = home / "model" / "new"
    database = model.create(path)
    database.execute("CREATE OR REPLACE VIEW mentions AS SELECT 1 AS older")
    model.finish(database)
    database = model.open_model(path)
    assert [column.name for column in describe(database, "mentions").columns] == ["older"]
    database.execute("UPDATE _schema SET views = 'older'")
    model.finish(database)
    for _ in range(2):
        database = model.open_model(path)
        assert describe(database, "mentions").columns[0].meaning
        assert database.execute("SELECT count(*) FROM mentions").fetchall() == [(0,)]
        assert database.execute("SELECT views <> 'older' FROM _schema").fetchall() == [(True,)]
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

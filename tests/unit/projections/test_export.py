"""The read model as files: whole, of one snapshot, and what other engines make of them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from projections.export import FORMATS, MANIFEST, _made_whole, export
from projections.snapshots import LINK
from projections.sql import SqlError
from projections.transcripts_file import Transcripts
from streams.cli.export import export_
from tests.builders.said import logged, said
from tests.builders.snapshot import publish
from tests.unit.projections.test_overview_picture import ANSWER, world

NOW = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home")
    publish(path, *world())
    return path


@pytest.fixture(scope="module")
def exported(home: Path) -> Mapping[str, Path]:
    """An export in each format."""
    folders = {file_format: home / f"as {file_format}'s" for file_format in FORMATS}
    for file_format, folder in folders.items():
        export(home, folder, file_format, NOW)
    return folders


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_manifest_says_what_each_file_holds(
    exported: Mapping[str, Path], file_format: str, home: Path
) -> None:
    folder = exported[file_format]
    manifest = json.loads((folder / MANIFEST).read_text())
    assert (manifest["format"], manifest["exported_at"]) == (file_format, NOW.isoformat())
    with duckdb.connect(home / LINK, read_only=True) as model:
        names = model.execute(
            "SELECT name FROM (FROM (SHOW TABLES)) WHERE NOT starts_with(name, '_')"
        ).fetchall()
        assert [(file["relation"],) for file in manifest["files"]] == names
        for file in manifest["files"]:
            path = folder / file["file"]
            assert file["rows"] == len(model.execute(f"FROM {file['relation']}").fetchall())
            assert file["bytes"] == path.stat().st_size
            assert file["sha256"] == sha256(path.read_bytes()).hexdigest()
            read = model.execute(f'DESCRIBE FROM "{path}"').fetchall()
            assert [column["name"] for column in file["columns"]] == [name for name, *_ in read]
        positions = model.execute("SELECT topic, log_partition, next_offset FROM _positions").fetchall()
    assert sorted(positions) == sorted(tuple(position.values()) for position in manifest["positions"])
    assert {path.name for path in folder.iterdir()} == {
        MANIFEST,
        *(file["file"] for file in manifest["files"]),
    }
    [analyses] = [file for file in manifest["files"] if file["relation"] == "analyses"]
    assert (analyses["columns"][0]["name"], analyses["columns"][0]["type"]) == ("analysis_id", "UUID")


def test_parquet_keeps_ids_money_times_and_lists(exported: Mapping[str, Path]) -> None:
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        [found] = database.execute(
            "SELECT analysis_id, usd, happened_at, themes FROM read_parquet(?)",
            [str(exported["parquet"] / "analyses.parquet")],
        ).fetchall()
    assert found == (str(ANSWER.analysis_id), ANSWER.usd, ANSWER.at, list(ANSWER.themes))


def test_a_folder_that_holds_something_is_left_alone(home: Path, tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    (tmp_path / "calls" / "mine").touch()
    with pytest.raises(SqlError, match="calls is there already and is not empty: name another folder"):
        export(home, tmp_path / "calls", "csv", NOW)
    with pytest.raises(SqlError, match="mine is there already"):
        export(home, tmp_path / "calls" / "mine", "csv", NOW)
    assert [path.name for path in tmp_path.rglob("*")] == ["calls", "mine"]


def test_an_empty_folder_is_filled_and_the_verb_says_with_what(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    Path("calls").mkdir()
    printed = CliRunner().invoke(export_, ["calls", "--format", "csv"]).output
    files = list(Path("calls").glob("*.csv"))
    assert printed.startswith(f"calls: {len(files)} files, ")
    assert f"{sum(file.stat().st_size for file in files):,} bytes" in printed


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_words_are_among_them_where_they_are_asked_for(
    tmp_path: Path, file_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put together a few at a time, the latest of each video."""
    monkeypatch.setattr("projections.export._AT_ONCE", 2)
    publish(tmp_path, *world())
    with pytest.raises(SqlError, match=r"no transcripts yet.*leave out --words"):
        export(tmp_path, tmp_path / "none", file_format, NOW, words=True)
    words = Transcripts(tmp_path)
    gold = [said(number, "gold", f"and {number}") for number in range(5)]
    words.take(logged([*gold, said(4, "silver", revision=2)]))
    words.publish(at_once=True)
    words.close()
    manifest = export(tmp_path, tmp_path / "all", file_format, NOW, words=True)
    without = export(tmp_path, tmp_path / "few", file_format, NOW)
    named = {file.relation for file in manifest.files} - {file.relation for file in without.files}
    assert named == {"segments", "transcripts"}
    found = {}
    with duckdb.connect() as database:
        for relation in named:
            path = tmp_path / "all" / f"{relation}.{file_format}"
            found[relation] = database.execute(
                "SELECT video_id, text FROM query_table(?) ORDER BY ALL", [str(path)]
            ).fetchall()
    assert found["transcripts"] == [
        *((f"video-{number}", f"gold and {number}") for number in range(4)),
        ("video-4", "silver"),
    ]
    assert found["segments"] == [
        *((f"video-{number}", text) for number in range(4) for text in (f"and {number}", "gold")),
        ("video-4", "silver"),
    ]
    assert sum(position.next_offset for position in manifest.words_positions) == 6
    assert without.words_positions == []


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "calls"

    def write_half() -> None:
        with _made_whole(folder) as unfinished:
            (unfinished / "videos.csv").write_text("half a")
            assert not folder.exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_what_another_one_put_there_meanwhile_stays(tmp_path: Path) -> None:
    folder = tmp_path / "calls"

    def write_both() -> None:
        with _made_whole(folder) as unfinished:
            (unfinished / "videos.csv").touch()
            folder.mkdir()
            (folder / "theirs").touch()

    with pytest.raises(OSError, match="not empty"):
        write_both()
    assert sorted(tmp_path.rglob("*")) == [folder, folder / "theirs"]


def test_where_nothing_can_be_written_it_says_so(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SqlError, match="file/calls cannot be written: Not a directory"):
        export(home, tmp_path / "file" / "calls", "csv", NOW)

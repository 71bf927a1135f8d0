"""`earmark sql` as a person meets it."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from projections import model
from projections.ingest import apply
from projections.snapshots import Snapshots
from streams.cli.sql import sql
from streams.events.videos import VideoDiscovered
from tests.builders.read_model_world import at, record, video


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    path = tmp_path / "model" / "rm-1.duckdb"
    database = model.create(path)
    events = [VideoDiscovered(at=at(number), video=video(number, title="[Music] buy")) for number in (1, 2)]
    apply(database, [record(event, offset) for offset, event in enumerate(events)])
    Snapshots(tmp_path).publish(database, path)
    database.close()
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(sql, arguments)


@pytest.mark.usefixtures("home")
def test_without_a_query_it_says_what_can_be_asked() -> None:
    output = run().output
    assert "mentions" in output
    assert "stock calls that stand" in output
    assert "_claims" not in output


@pytest.mark.usefixtures("home")
def test_a_table_shows_each_row_on_a_line_with_its_brackets() -> None:
    output = run("SELECT video_id, title, discovered_at FROM videos ORDER BY ALL -- all").output
    assert output.splitlines() == [
        "video_id  title        discovered_at",
        "────────  ───────────  ───────────────────",
        "video-1   [Music] buy  2026-03-02 09:01:00",
        "video-2   [Music] buy  2026-03-02 09:02:00",
    ]


@pytest.mark.usefixtures("home")
def test_csv_and_json_go_to_standard_output() -> None:
    query = "SELECT video_id, [1, 2] AS l FROM videos ORDER BY ALL"
    assert run(query, "--format", "csv").output == 'video_id,l\nvideo-1,"[1, 2]"\nvideo-2,"[1, 2]"\n'
    assert json.loads(run(query, "--format", "json").output) == [
        {"video_id": "video-1", "l": [1, 2]},
        {"video_id": "video-2", "l": [1, 2]},
    ]


def test_the_name_of_the_output_says_the_format(home: Path) -> None:
    query = home / "query.sql"
    query.write_text(
        "SET threads = 1;\nSELECT video_id, 'é;' AS é FROM videos ORDER BY ALL; -- that is all;\n"
    )
    assert run("--query-file", str(query), "--output", str(home / "it's.parquet")).exit_code == 0
    rows = pyarrow.parquet.read_table(home / "it's.parquet").to_pylist()
    assert rows == [{"video_id": "video-1", "é": "é;"}, {"video_id": "video-2", "é": "é;"}]


def test_statements_that_are_no_query_run_too(home: Path) -> None:
    assert run(f"COPY (FROM videos) TO '{home}/videos.csv'").exit_code == 0
    assert len((home / "videos.csv").read_text().splitlines()) == 3
    assert "video_id" in run("DESCRIBE videos").output


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("FROM mentoins", "mentoins does not exist"),
        ("SELEC 1", "syntax error"),
        ("DROP VIEW mentions", "read-only"),
        ("  ", "no statement"),
    ],
)
def test_what_cannot_be_run_is_a_sentence(query: str, sentence: str) -> None:
    assert sentence in str(run(query).exception)


def test_without_a_read_model_it_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path))
    assert "`earmark up`" in str(run("FROM mentions").exception)


def test_the_snapshot_opens_in_duckdb_itself(home: Path) -> None:
    with duckdb.connect(home / "earmark.duckdb", read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM videos").fetchall() == [(2,)]

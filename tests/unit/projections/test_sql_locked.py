"""What a reader types reads the read model and nothing else, and ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from projections.sql import SqlError
from streams.cli.sql import sql
from streams.events.videos import VideoDiscovered
from tests.builders.read_model_world import at, video
from tests.builders.snapshot import publish

FILES = (
    "COPY videos TO '{folder}/out.csv'",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "COPY (FROM videos) TO '{folder}/out' (FORMAT parquet, PARTITION_BY video_id)",
    "EXPORT DATABASE '{folder}/out'",
    "IMPORT DATABASE '{folder}/secret'",
    "ATTACH '{folder}/other.duckdb'",
    "ATTACH '{folder}/other.duckdb' AS other (READ_ONLY)",
    "COPY analyses FROM '{folder}/secret'",
    "CREATE TEMP TABLE t (line VARCHAR); COPY t FROM '{folder}/secret'",
    "FROM read_csv('{folder}/secret')",
    "FROM read_text('{folder}/secret')",
    "FROM read_blob('{folder}/secret')",
    "FROM read_json('{folder}/secret')",
    "FROM read_parquet('{folder}/secret')",
    "FROM '{folder}/secret.csv'",
    "FROM sniff_csv('{folder}/secret')",
    "FROM query('FROM read_text(''{folder}/secret'')')",
    "FROM glob('{folder}/*')",
    "FROM read_csv('https://example.com/a.csv')",
    "FROM 's3://bucket/a.parquet'",
    "INSTALL httpfs",
    "INSTALL httpfs FROM 'https://example.com'",
    "FORCE INSTALL fts",
    "LOAD httpfs",
    "LOAD '{folder}/secret'",
    "CREATE SECRET s (TYPE s3)",
    "FROM duckdb_secrets()",
)
SETTINGS = (
    "SET threads = 64",
    "SET enable_external_access = true",
    "SET GLOBAL memory_limit = '100GB'",
    "RESET memory_limit",
    "SET temp_directory = '{folder}'",
    "SET lock_configuration = false",
    "SET python_enable_replacements = true",
    "PRAGMA memory_limit = '100GB'",
    "PRAGMA enable_profiling = 'json'",
    "PRAGMA profile_output = '{folder}/out'",
    "SET log_query_path = '{folder}/out'",
    "CALL enable_logging(storage = 'file')",
)
WRITES = (
    "CREATE TABLE t AS SELECT 1",
    "DELETE FROM analyses",
    "DROP VIEW mentions",
    "COMMENT ON VIEW mentions IS 'mine'",
)
UNKNOWN = ("SELECT getenv('HOME')", "FROM rows", "FROM found", "ATTACH ':memory:' AS m", "UPDATE EXTENSIONS")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    publish(home, *(VideoDiscovered(at=at(n), video=video(n, title="[Music] buy")) for n in (1, 2)))
    return home


@pytest.fixture(autouse=True)
def folder(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where a file holds what no query may see."""
    monkeypatch.setenv("EARMARK_HOME", str(published))
    monkeypatch.chdir(tmp_path)
    for name in ("secret", "secret.csv"):
        (tmp_path / name).write_text("hunter2\n")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(sql, arguments)


def refusal(*arguments: str) -> str:
    """The sentence with which a query is refused or ended."""
    result = run(*arguments)
    assert isinstance(result.exception, SqlError), result.output
    assert result.output == ""
    return str(result.exception)


@pytest.mark.parametrize("query", FILES)
def test_no_query_reaches_a_file_an_address_or_an_extension(query: str, folder: Path) -> None:
    sentence = refusal(query.format(folder=folder))
    assert sentence.startswith("a query reads the read model and nothing else")
    assert "\n" not in sentence
    assert "hunter2" not in sentence
    assert sorted(file.name for file in folder.iterdir()) == ["secret", "secret.csv"]


@pytest.mark.parametrize("query", SETTINGS)
def test_no_query_changes_a_setting(query: str, folder: Path) -> None:
    sentence = refusal("SELECT 1; " + query.format(folder=folder))
    assert sentence.startswith("a query reads the read model and nothing else")
    assert "\n" not in sentence


@pytest.mark.parametrize("query", WRITES)
def test_no_query_writes_to_the_read_model(query: str, folder: Path) -> None:
    assert "read-only" in refusal(query.format(folder=folder))


@pytest.mark.parametrize("query", UNKNOWN)
def test_no_query_sees_this_program(query: str) -> None:
    """Neither its environment nor its variables."""
    assert refusal(query)


def test_what_the_engine_says_of_itself_holds_nothing_of_the_machine() -> None:
    for query in (
        "FROM duckdb_logs",
        "FROM duckdb_temporary_files()",
        "SELECT current_setting('home_directory')",
    ):
        printed = run(query, "--format", "csv").output
        assert len(printed.splitlines()) <= 2
        assert str(Path.home()) not in printed


@pytest.mark.parametrize(
    "query",
    [
        "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r",
        "SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c, videos",
        "SELECT count(*) FROM range(1000000000000); " * 3 + "SELECT 1",
        "FROM range(1000000000000) LIMIT 1 OFFSET 999999999999",
    ],
)
@pytest.mark.parametrize("form", ["table", "csv"])
def test_a_query_without_end_is_ended(query: str, form: str, folder: Path) -> None:
    sentence = refusal(query, "--timeout", "100ms", "--format", form, "--output", str(folder / "out"))
    assert sentence == "the query was ended after 0.1 s: narrow it, or give it longer with --timeout"
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT string_agg(repeat('x', 1000000), '') FROM range(100000)",
        # Past the engine's own limit, which does not count this.
        "SELECT list_sum(range(3000000000))",
    ],
)
def test_a_query_without_measure_is_ended(query: str) -> None:
    sentence = refusal(query)
    assert sentence.startswith("the query was ended because it needs more than 1GB of memory: narrow it")
    assert "\n" not in sentence


def test_a_query_that_the_engine_cannot_end_ends_with_its_process(published: Path) -> None:
    """One call of one function never looks up."""
    ended = subprocess.run(
        [
            *(Path(sys.executable).with_name("earmark"), "sql", "--timeout", "100ms"),
            "SELECT levenshtein(repeat('a', 1000000), repeat('b', 1000000))",
        ],
        env={**os.environ, "EARMARK_HOME": str(published)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("earmark: the query was ended after 0.1 s")


@pytest.mark.parametrize("duration", ["0", "soon"])
def test_a_time_limit_is_a_duration(duration: str) -> None:
    result = run("--timeout", duration, "SELECT 1")
    assert result.exit_code == 2
    assert "like 90s" in result.output

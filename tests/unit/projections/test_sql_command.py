"""`earmark sql` as a person meets it."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from projections.snapshots import LINK
from projections.sql import snapshot
from streams.cli.sql import kind_of, sql
from streams.events.videos import VideoDiscovered
from tests.builders.read_model_world import at, video
from tests.builders.snapshot import publish


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    publish(home, *(VideoDiscovered(at=at(n), video=video(n, title="[Music] buy")) for n in (1, 2)))
    return home


@pytest.fixture
def home(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the read model is. What a test writes goes into a folder of its own."""
    monkeypatch.setenv("EARMARK_HOME", str(published))
    monkeypatch.chdir(tmp_path)
    return published


def run(*arguments: str) -> Result:
    return CliRunner().invoke(sql, arguments)


@pytest.mark.usefixtures("home")
def test_without_a_query_it_says_what_can_be_asked() -> None:
    output = run().output
    assert re.search(r"^mentions +stock calls that stand", output, re.MULTILINE)
    assert "compare_channels(a, b)" in output
    assert "_claims" not in output


@pytest.mark.usefixtures("home")
def test_it_says_what_a_relation_holds() -> None:
    title, head, _, *columns = run("--describe", "Mentions").output.splitlines()
    assert title.startswith("mentions, a view: stock calls that stand")
    assert head.split("  ")[0] == "column"
    assert ["symbol", "VARCHAR"] in [line.split()[:2] for line in columns]
    assert ["published_at", "TIMESTAMPTZ"] in [line.split()[:2] for line in columns]

    title, _, _, first, *_ = run("--describe", "compare_videos(a, b)").output.splitlines()
    assert title.startswith("compare_videos(a, b), a table macro")
    assert first.split()[:2] == ["video_id", "VARCHAR"]
    assert run("--describe", "url_at").output.startswith("url_at(url, start_ms), a macro")
    assert run("--describe", "_claims").output.startswith("_claims, a table")


@pytest.mark.usefixtures("home")
def test_a_name_that_there_is_not_gets_its_nearest() -> None:
    assert "no table, view or macro mentoins: did you mean mentions" in str(
        run("--describe", "mentoins").exception
    )
    assert "`earmark sql` lists" in str(run("--describe", "xyz").exception)
    assert "one of them" in run("--describe", "mentions", "FROM mentions").output


@pytest.mark.usefixtures("home")
def test_a_table_shows_each_row_on_a_line_with_its_brackets() -> None:
    output = run("SELECT video_id, video_title, discovered_at FROM videos ORDER BY ALL -- all").output
    assert output.splitlines() == [
        "video_id  video_title  discovered_at",
        "────────  ───────────  ────────────────────",
        "video-1   [Music] buy  2026-03-02 09:01:00Z",
        "video-2   [Music] buy  2026-03-02 09:02:00Z",
    ]


@pytest.mark.usefixtures("home")
def test_csv_and_json_go_to_standard_output() -> None:
    query = "SELECT video_id, [1, 2] AS l FROM videos ORDER BY ALL"
    assert run(query, "--format", "csv").output == 'video_id,l\nvideo-1,"[1, 2]"\nvideo-2,"[1, 2]"\n'
    assert json.loads(run(query, "--format", "json").output) == [
        {"video_id": "video-1", "l": [1, 2]},
        {"video_id": "video-2", "l": [1, 2]},
    ]


@pytest.mark.usefixtures("home")
def test_the_name_of_the_output_says_the_format(tmp_path: Path) -> None:
    query = tmp_path / "query.sql"
    query.write_text(
        "SET VARIABLE n = 1;\nSELECT video_id, 'é;' AS é FROM videos ORDER BY ALL; -- that is all;\n"
    )
    assert run("--query-file", str(query), "--output", str(tmp_path / "it's.parquet")).exit_code == 0
    rows = pyarrow.parquet.read_table(tmp_path / "it's.parquet").to_pylist()
    assert rows == [{"video_id": "video-1", "é": "é;"}, {"video_id": "video-2", "é": "é;"}]


@pytest.mark.usefixtures("home")
def test_statements_that_are_no_query_run_too() -> None:
    assert "video_id" in run("DESCRIBE videos").output
    assert "2" in run("CREATE TEMP TABLE t AS FROM videos; SELECT count(*) AS n FROM t").output


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


CASTS_ERROR = """\
Conversion Error: Could not convert string '[Music] buy' to INT32 when casting from source column video_title

LINE 2:   video_title::INT AS number
                     ^^^^^"""
CASTS = "SELECT video_title,\n  video_title::INT AS number\nFROM videos"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet"])
@pytest.mark.parametrize(
    ("query", "error"),
    [
        (CASTS, CASTS_ERROR),
        ("SELECT 1,\n  2 +", 'Parser Error: syntax error at or near "+"\n\nLINE 2:   2 +\n            ^'),
    ],
)
def test_an_error_shows_the_query_as_it_was_typed(query: str, error: str, form: str, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("what was there before")
    said = str(run(query, "--format", form, "--output", str(tmp_path / "out")).exception)
    assert said == error
    assert (tmp_path / "out").read_text() == "what was there before"


@pytest.mark.usefixtures("home")
def test_an_error_far_down_in_the_rows_shows_it_too() -> None:
    """The rows before it are on their way by then."""
    query = "SELECT (CASE WHEN i < 200000 THEN '1' ELSE 'x' END)::INT FROM range(200001) t(i)"
    said = str(run(query, "--format", "csv").exception)
    assert said.startswith("Conversion Error: Could not convert string 'x' to INT32\n\nLINE 1: SELECT (CASE")


@pytest.mark.usefixtures("home")
def test_rows_come_in_their_order_and_exactly() -> None:
    rows = run(
        "SELECT i, 0.004308095::DECIMAL(18, 9) AS usd, '2026-03-02 09:01:00.123456+00'::TIMESTAMPTZ AS at"
        " FROM range(50000) t(i) ORDER BY i DESC",
        *("--format", "csv"),
    ).output.splitlines()
    assert rows == [
        "i,usd,at",
        *(f"{number},0.004308095,2026-03-02 09:01:00.123456+00" for number in reversed(range(50000))),
    ]


@pytest.mark.usefixtures("home")
def test_every_type_of_duckdb_reads_as_it_writes_it() -> None:
    """`found` in a query is the query's own."""
    query = (
        "WITH found AS (SELECT 1::HUGEINT AS a, '{\"b\":1}'::JSON AS j, 'x'::ENUM('x') AS e, MAP {'k': 1} AS m,"
        " INTERVAL 1 MONTH AS i, '101'::BIT AS b, 'a'::BLOB AS o, 1 AS a, NULL AS n) FROM found"
    )
    assert run(query, "--format", "csv").output.splitlines() == [
        "a,j,e,m,i,b,o,a_1,n",
        '1,"{""b"":1}",x,{k=1},1 month,101,a,1,',
    ]
    assert run("PIVOT videos ON video_title USING count(*)", "--format", "csv").exit_code == 0
    assert "physical_plan" in run("EXPLAIN FROM videos").output


@pytest.mark.usefixtures("home")
def test_a_row_is_a_block_where_that_is_asked_for() -> None:
    query = "SELECT video_id, 12.3456::DECIMAL(9, 4) AS usd, url FROM videos ORDER BY ALL LIMIT 1"
    assert run(query, "--vertical").output.splitlines() == [
        "video_id  video-1",
        "usd       12.35",
        "url       https://youtube.example/watch?v=video-1",
    ]
    refused = run(query, "--vertical", "--format", "csv")
    assert "for tables" in refused.output


@pytest.mark.parametrize(
    ("name", "sql_type", "values", "kind"),
    [
        ("a_usd_per_video", "DECIMAL(18,9)", ["1"], "money"),
        ("sum(charged_usd)", "DOUBLE", ["1"], "money"),
        ("videos", "UBIGINT", ["1"], "count"),
        ("conviction", "DOUBLE", ["1"], "number"),
        ("at", "TIMESTAMP WITH TIME ZONE", ["1"], "moment"),
        ("any", "UUID", ["1"], "id"),
        ("video_id", "VARCHAR", ["abc", None], "id"),
        ("candid", "VARCHAR", ["said so"], "text"),
        ("where", "VARCHAR", ["https://a.example/b", None], "link"),
        ("where", "VARCHAR", ["https://a.example/b", "c"], "text"),
        ("where", "VARCHAR", [None], "text"),
        ("themes", "VARCHAR[]", ["[a]"], "json"),
        ("usage", "JSON", ["{}"], "json"),
        ("day", "DATE", ["2026-01-01"], "text"),
    ],
)
def test_a_columns_kind_is_known_by_type_name_and_values(
    name: str, sql_type: str, values: list[str | None], kind: str
) -> None:
    assert kind_of(name, sql_type, values) == kind


def test_without_a_read_model_it_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path))
    assert "`earmark up`" in str(run("FROM mentions").exception)


def test_a_snapshot_that_is_gone_before_it_is_opened_is_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, VideoDiscovered(at=at(1), video=video(1)))
    link = tmp_path / LINK
    newest = link.readlink()
    link.unlink()
    link.symlink_to("snap/rm-0.duckdb")
    (tmp_path / "snap" / "rm-0.duckdb").touch()
    connect = duckdb.connect

    def slow(*arguments: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        """One that another process kept waiting."""
        monkeypatch.undo()
        (tmp_path / "snap" / "rm-0.duckdb").unlink()
        with pytest.raises(duckdb.IOException) as gone:
            connect(*arguments, **options)
        link.unlink()
        link.symlink_to(newest)
        raise gone.value

    monkeypatch.setattr("duckdb.connect", slow)
    with snapshot(tmp_path) as database:
        assert database.execute("SELECT count(*) FROM videos").fetchall() == [(1,)]


def test_the_snapshot_opens_in_duckdb_itself(home: Path) -> None:
    with duckdb.connect(home / "earmark.duckdb", read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM videos").fetchall() == [(2,)]

"""The calls of a filter as a file: exactly those that the page counts, or no whole file."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import MultiDict

from projections.web import calls_files
from projections.web.page import Asked
from projections.web.pages import calls
from projections.web.reader import TooSlowError
from tests.builders.pages_asked import NOW, asked, filled, rows
from tests.builders.site import publish_large, serving

QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "symbol": st.sampled_from(["", "S1", "s2", "NONE"]),
        "action": st.sampled_from(calls.ACTIONS),
        "conviction": st.sampled_from(["0", "0.5", "0.9", "1"]),
        "horizon": st.sampled_from(calls.HORIZONS),
        "window": st.sampled_from(["", "7d", "90d"]),
        "words": st.sampled_from(["", "script", "a", "%", "no such words"]),
        "rejected": st.sampled_from(["", "1"]),
    },
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("files")
    publish_large(home, 500)
    return home


def written(name: str, question: Asked) -> list[dict[str, Any]]:
    """The rows of a file, read by others' readers."""
    query, named = calls.select(calls.asked_for(question.query), question.now)
    found = question.database.execute(query, named)
    columns = [column[0] for column in found.description]
    text = b"".join(calls_files.FILES[name][1](columns, calls_files._rows(found))).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""))) if name.endswith("csv") else json.loads(text)


@settings(max_examples=20, deadline=None)
@given(QUERIES)
def test_the_page_counts_what_each_file_holds_and_sql_finds(query: dict[str, str]) -> None:
    question = asked(filled().cursor(), query="&".join(f"{name}={value}" for name, value in query.items()))
    page = calls.show(question)
    as_csv, as_json = (written(name, question) for name in ("calls.csv", "calls.json"))
    wanted = calls.asked_for(MultiDict(query))
    kept = [
        "is_current",
        "true" if wanted.rejected else "rejected IS NULL AND paid IS NOT true",
        f"symbol = upper('{wanted.symbol}')" if wanted.symbol else "true",
        f"action = '{wanted.action[0]}'" if wanted.action else "true",
        f"conviction >= {wanted.conviction}" if wanted.conviction is not None else "true",
        f"time_horizon = '{wanted.horizon[0]}'" if wanted.horizon else "true",
        f"contains(lower(quote || ' / ' || coalesce(video_title, '')), '{wanted.words}')",
        f"published_at >= TIMESTAMPTZ '{NOW:%Y-%m-%d}' - INTERVAL {int(wanted.window[:-1]) - 1} DAY"
        if wanted.window
        else "true",
    ]
    expected = rows(question.database, f"SELECT video_id, quote FROM all_mentions WHERE {' AND '.join(kept)}")  # noqa: S608
    assert page["found"] == len(expected)
    assert sorted(said(as_json)) == sorted(expected)
    assert said(as_csv) == said(as_json)
    assert said(page["calls"]) == said(as_json)[: calls.ROWS]


def said(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["video_id"], row["quote"]) for row in found]


@pytest.mark.parametrize("name", calls_files.FILES)
async def test_a_file_comes_whole_under_its_name(home: Path, name: str) -> None:
    """In several pieces; HEAD has the same headers."""
    async with serving(home) as client:
        async with client.get(f"/{name}?rejected=1") as answer:
            body = await answer.text()
            assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
            assert answer.content_type == calls_files.FILES[name][0]
        async with client.head(f"/{name}?rejected=1") as head:
            assert head.headers["Content-Disposition"] == answer.headers["Content-Disposition"]
        async with client.get(f"/{name}?symbol=NONE") as answer:
            none = await answer.text()
    with duckdb.connect(home / "earmark.duckdb", read_only=True) as database:
        [(expected,)] = database.execute("SELECT count(*) FROM all_mentions WHERE is_current").fetchall()
    assert expected > 2 * calls_files._ROWS
    if name.endswith("json"):
        assert len(json.loads(body)) == expected
        assert json.loads(none) == []
    else:
        assert len(list(csv.DictReader(io.StringIO(body, newline="")))) == expected
        assert list(csv.DictReader(io.StringIO(none, newline=""))) == []
        assert none.startswith("symbol,")


@pytest.mark.parametrize("name", calls_files.FILES)
@pytest.mark.parametrize(
    "error", [TooSlowError("slow"), duckdb.Error("broken"), ValueError("other")], ids=repr
)
async def test_a_file_that_is_broken_off_is_not_taken_for_a_whole_one(
    home: Path, name: str, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = calls_files._rows

    def breaking(found: Any) -> Iterator[Sequence[Any]]:
        for number, row in enumerate(read(found)):
            if number == 3 * calls_files._ROWS // 2:
                raise error
            yield row

    monkeypatch.setattr(calls_files, "_rows", breaking)
    async with serving(home) as client:
        async with client.get(f"/{name}?rejected=1") as answer:
            assert answer.status == 200
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
        assert "a file of calls was broken off" in caplog.text
        async with client.get("/consensus") as answer:
            assert answer.status == 200


async def test_who_goes_away_in_the_middle_is_no_failure(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(home) as client:
        async with client.get("/calls.csv?rejected=1") as answer:
            await answer.content.readany()
            answer.close()
        async with client.get("/") as answer:
            assert answer.status == 200
    assert caplog.records == []

"""The page of what was said: the hits are those of the search, each word of them that was looked for is marked."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from multidict import MultiDict

from projections.model import define
from projections.web.page import Asked, WrongFilterError
from projections.web.pages import search
from tests.builders.pages_asked import page_of
from tests.builders.said import put_words_beside, said

NOW = datetime(2026, 3, 9, tzinfo=UTC)
SAID = (
    said(1, "the market is up", "Gold, and GOLD again", channel_id="channel-1", published_at=NOW),
    said(2, "I keep my gold <b>here</b>", channel_id="channel-2", title="Two"),
    said(3, "nothing of that kind"),
)


@pytest.fixture(scope="module")
def model() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as database:
        database.execute("SET TimeZone = 'UTC'")
        define(database)
        put_words_beside(database, SAID)
        yield database


def shown(database: duckdb.DuckDBPyConnection, **query: str) -> Any:
    return search.show(Asked(database, {}, MultiDict(query), NOW, Decimal(5)))


def rendered(values: Any) -> str:
    return page_of("search.html", values, "/search")


def test_the_hits_are_those_of_the_search(model: duckdb.DuckDBPyConnection) -> None:
    by_sql = model.execute(
        "SELECT rank, video_id, line, start_ms FROM search('gold') ORDER BY rank"
    ).fetchall()
    values = shown(model, q="gold")
    assert [(hit["rank"], hit["video_id"], hit["line"], hit["start_ms"]) for hit in values["hits"]] == by_sql
    assert len(by_sql) == 2
    assert values["transcripts"] == len(SAID)


def test_a_channel_and_a_day_leave_those_of_theirs(model: duckdb.DuckDBPyConnection) -> None:
    of_channel = shown(model, q="gold", channel="channel-2")["hits"]
    assert [hit["video_id"] for hit in of_channel] == ["video-2"]
    since = shown(model, q="gold", since="2026-03-09")["hits"]
    assert [hit["video_id"] for hit in since] == ["video-1"]


def test_every_word_that_was_looked_for_is_marked_and_the_line_is_whole(
    model: duckdb.DuckDBPyConnection,
) -> None:
    hits = {hit["video_id"]: hit for hit in shown(model, q="göld again")["hits"]}
    pieces = hits["video-1"]["pieces"]
    assert [piece for piece, is_hit in pieces if is_hit] == ["Gold,", "GOLD", "again"]
    assert "".join(piece for piece, _ in pieces) == "Gold, and GOLD again"


def test_a_hit_links_to_its_second_and_to_its_lines(model: duckdb.DuckDBPyConnection) -> None:
    page = rendered(shown(model, q="gold"))
    assert 'href="/video/video-1?at=11500#place"' in page
    assert "I keep my <mark>gold</mark> &lt;b&gt;here&lt;/b&gt;" in page
    assert "2 transcripts of 3" in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({}, "Capitals and accents do not matter, endings do"),
        ({"q": "  "}, "3 transcripts."),
        ({"q": "platinum"}, "None of 3 transcripts has any of these words."),
        ({"q": "?!"}, "None of 3 transcripts has any of these words."),
        ({"q": "gold", "since": "2027-01-01"}, '<a href="/search?q=gold">search in all</a>'),
    ],
)
def test_where_there_is_no_hit_the_page_says_what_to_do(
    model: duckdb.DuckDBPyConnection, query: dict[str, str], sentence: str
) -> None:
    values = shown(model, **query)
    assert values["hits"] == []
    assert sentence in rendered(values)


def test_without_a_file_of_words_the_page_says_what_to_type() -> None:
    with duckdb.connect() as database:
        define(database)
        page = rendered(shown(database, q="gold"))
    assert "<code>earmark up</code> keeps a file of them" in page


def test_a_day_that_is_none_is_named(model: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(WrongFilterError, match="since is 'soon': write a day as"):
        shown(model, q="gold", since="soon")

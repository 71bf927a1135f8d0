"""The page of what most channels say, its figures beside plain SQL over the same read model."""

import pytest
from duckdb import DuckDBPyConnection

from projections.web import forms
from projections.web.page import WrongFilterError
from projections.web.pages import consensus as page
from tests.builders.pages_asked import NOW, asked, filled, page_of, rows


@pytest.fixture
def database() -> DuckDBPyConnection:
    return filled().cursor()


@pytest.mark.parametrize("window", ["7d", "30d"])
@pytest.mark.parametrize("least", [1, 2])
def test_the_figures_are_those_of_the_windows(database: DuckDBPyConnection, window: str, least: int) -> None:
    shown = page.show(asked(database, query=f"window={window}&channels={least}"))
    counted = (
        "SELECT symbol, count(DISTINCT channel_id) AS channels, count(*) AS calls, count(*) FILTER (action = 'buy') AS buy,"
        " count(*) FILTER (action IN ('sell', 'avoid')) AS leave, count(*) FILTER (action IN ('hold', 'watch')) AS stay"
        " FROM mentions WHERE said_at >= ? GROUP BY symbol"
    )
    expected = rows(
        database,
        f"{counted} HAVING channels >= {least} ORDER BY channels DESC, calls DESC, symbol",
        forms.since(window, NOW),
    )
    names = ("symbol", "channels", "calls", "buy", "leave", "stay")
    assert [tuple(row[name] for name in names) for row in shown["symbols"]] == expected[:50]
    assert shown["found"] == len(expected)
    other = {row[0]: row for row in rows(database, counted, forms.since(shown["other"], NOW))}
    for row in shown["symbols"]:
        sides = {side: row[side] for side in ("buy", "leave", "stay")}
        largest = [side for side, calls in sides.items() if calls == max(sides.values())]
        assert row["side"] == (largest[0] if len(largest) == 1 else "mixed")
        assert row["agreement"] == pytest.approx(max(sides.values()) / row["calls"])
        _, _, calls, buy, *_ = other.get(row["symbol"], (None, None, 0, 0))
        assert (row["other_calls"], row["other_buy"]) == (calls, buy)


@pytest.mark.parametrize("window", ["7d", "30d"])
def test_who_contradicts_whom_is_what_disagreements_says(database: DuckDBPyConnection, window: str) -> None:
    shown = page.show(asked(database, query=f"window={window}"))
    found = rows(
        database, "SELECT symbol, for_it, against_it FROM disagreements(?) LIMIT 20", forms.since(window, NOW)
    )
    assert [(row["symbol"], row["for_it"], row["against_it"]) for row in shown["contradictions"]] == found
    assert found
    last = (
        "SELECT video_id, start_ms FROM (FROM mentions WHERE said_at >= ? AND symbol = ? AND channel_id IS NOT NULL"
        " QUALIFY row_number() OVER (PARTITION BY channel_id ORDER BY said_at DESC, video_id DESC, start_ms DESC) = 1)"
        " WHERE _side(action) = ? ORDER BY said_at DESC, video_id DESC, start_ms DESC LIMIT 1"
    )
    for row in shown["contradictions"]:
        assert [(call["video_id"], call["start_ms"]) for call in row["calls"]] == [
            rows(database, last, forms.since(window, NOW), row["symbol"], side)[0] for side in (1, -1)
        ]


def test_the_next_page_goes_on_where_the_first_ends(database: DuckDBPyConnection) -> None:
    first = page.show(asked(database))
    second = page.show(asked(database, query="number=2"))
    assert (first["window"], first["pages"]) == ("30d", -(-first["found"] // page.ROWS))
    assert first["pages"] > 1
    assert len(first["symbols"]) == page.ROWS
    assert not {row["symbol"] for row in first["symbols"]} & {row["symbol"] for row in second["symbols"]}


@pytest.mark.parametrize("query", ["window=90d", "channels=0", "channels=many", "number=0"])
def test_a_filter_that_is_none_is_refused(database: DuckDBPyConnection, query: str) -> None:
    with pytest.raises(WrongFilterError, match=query.split("=", maxsplit=1)[0]):
        page.show(asked(database, query=query))


def test_the_page_shows_both_sides_with_the_second(database: DuckDBPyConnection) -> None:
    shown = page.show(asked(database))
    html = page_of("consensus.html", shown)
    assert "<script" not in html
    assert "None" not in html
    for call in shown["contradictions"][0]["calls"]:
        assert f"watch?v={call['video_id']}&amp;t={call['start_ms'] // 1000}s" in html


def test_where_no_symbol_is_named_by_so_many_the_page_says_so(database: DuckDBPyConnection) -> None:
    html = page_of("consensus.html", page.show(asked(database, query="channels=1000")))
    assert "No symbol is named by so many channels" in html


def test_behind_the_last_page_there_is_the_way_to_it(database: DuckDBPyConnection) -> None:
    shown = page.show(asked(database, query="number=200"))
    assert f"There are {shown['pages']} pages" in page_of("consensus.html", shown)

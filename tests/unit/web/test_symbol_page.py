"""The page of a symbol, its figures beside plain SQL over the same read model."""

import re
from datetime import timedelta

import pytest
from duckdb import DuckDBPyConnection

from projections.web import forms
from projections.web.page import NothingThereError, WrongFilterError
from projections.web.pages import symbol as page
from tests.builders.pages_asked import HOSTILE, NOW, asked, filled, page_of, rows

ACTIONS = ("buy", "hold", "watch", "sell", "avoid")


@pytest.fixture
def database() -> DuckDBPyConnection:
    return filled().cursor()


def most_named(database: DuckDBPyConnection) -> str:
    [(symbol,)] = rows(database, "SELECT symbol FROM mentions GROUP BY symbol ORDER BY count(*) DESC LIMIT 1")
    return str(symbol)


@pytest.mark.parametrize("window", ["", "90d", "7d"])
@pytest.mark.parametrize("of_channel", [False, True])
def test_the_figures_are_those_of_the_calls(
    database: DuckDBPyConnection, window: str, *, of_channel: bool
) -> None:
    symbol = most_named(database)
    channel = (
        rows(database, "SELECT min(channel_id) FROM mentions WHERE symbol = ?", symbol)[0][0]
        if of_channel
        else ""
    )
    shown = page.show(asked(database, query=f"window={window}&channel={channel}", symbol=symbol.lower()))
    database.execute(
        "CREATE OR REPLACE TEMP TABLE chosen AS FROM mentions WHERE symbol = ?"
        " AND said_at >= coalesce(?::TIMESTAMPTZ, said_at) AND (? = '' OR channel_id = ?)",
        [symbol, forms.since(window, NOW), channel, channel],
    )
    assert shown["symbol"] == symbol
    assert [(shown["stands"],)] == rows(database, "SELECT count(*) FROM mentions WHERE symbol = ?", symbol)
    assert [shown["total"][action] for action in ACTIONS] == [
        rows(database, "SELECT count(*) FROM chosen WHERE action = ?", action)[0][0] for action in ACTIONS
    ]
    assert [(row["week"], row["calls"], row["buy"]) for row in shown["weeks"]] == rows(
        database,
        "SELECT date_trunc('week', said_at)::DATE AS week, count(*), count(*) FILTER (action = 'buy') FROM chosen"
        " GROUP BY week ORDER BY week DESC",
    )
    assert [(row["channel_id"], row["calls"], row["call"]["quote"]) for row in shown["by_channel"]] == rows(
        database,
        "SELECT channel_id, count(*) OVER (PARTITION BY channel_id), quote FROM chosen"
        " QUALIFY row_number() OVER (PARTITION BY channel_id ORDER BY said_at DESC, video_id DESC, start_ms DESC) = 1"
        " ORDER BY said_at DESC, video_id DESC, start_ms DESC",
    )
    for name, actions in (("buying", ["buy"]), ("leaving", ["sell", "avoid"])):
        assert [(call["video_id"], call["start_ms"], call["action"]) for call in shown[name]] == rows(
            database,
            "SELECT video_id, start_ms, action FROM chosen WHERE action IN (SELECT unnest(?::VARCHAR[]))"
            " ORDER BY said_at DESC, video_id DESC, start_ms DESC LIMIT 5",
            actions,
        )
    assert [(row["said_as"], row["calls"]) for row in shown["names"]] == rows(
        database,
        "SELECT said_as, count(*) AS calls FROM chosen GROUP BY said_as ORDER BY calls DESC, said_as LIMIT 8",
    )


@pytest.mark.parametrize("window", ["", "90d"])
def test_who_changed_sides_is_what_call_series_says(database: DuckDBPyConnection, window: str) -> None:
    symbol = most_named(database)
    # So few videos are said months apart by a channel that nothing would be repeated.
    database.begin()
    database.execute(
        "UPDATE all_mentions SET channel_id = 'one' WHERE symbol = ? AND channel_id IS NOT NULL AND ordinal % 2 = 0",
        [symbol],
    )
    shown = page.show(asked(database, query=f"window={window}", symbol=symbol))
    series = rows(
        database,
        "SELECT series, video_id, quote FROM call_series WHERE symbol = ? AND said_at >= coalesce(?::TIMESTAMPTZ, said_at)"
        " ORDER BY said_at DESC, video_id DESC, mention_id DESC",
        symbol,
        forms.since(window, NOW),
    )
    database.rollback()
    names = [row[0] for row in series]
    for name in ("first", "repeat", "reversal"):
        assert shown["series"][name] == names.count(name) > 0
    assert [(call["video_id"], call["quote"]) for call in shown["reversals"]] == [
        row[1:] for row in series if row[0] == "reversal"
    ][:3]


def test_the_chart_has_the_weeks_of_the_window_and_the_calls_of_the_table(
    database: DuckDBPyConnection,
) -> None:
    shown = page.show(asked(database, query="window=90d", symbol=most_named(database)))
    drawn = {(bar.at, bar.side): bar.value for bar in shown["chart"].bars}
    assert drawn == {
        (week["week"], side): value
        for week in shown["weeks"]
        for side, value in (("up", week["buy"]), ("down", week["sell"] + week["avoid"]))
        if value
    }
    assert shown["chart"].ticks[-1].at == NOW.date() - timedelta(days=NOW.weekday())


def test_a_symbol_that_nobody_named_is_not_there(database: DuckDBPyConnection) -> None:
    with pytest.raises(NothingThereError, match="no video names NOBODY"):
        page.show(asked(database, symbol="NOBODY"))


def test_a_window_that_is_none_is_refused(database: DuckDBPyConnection) -> None:
    with pytest.raises(WrongFilterError, match="window"):
        page.show(asked(database, query="window=2y", symbol=most_named(database)))


def test_a_symbol_of_which_every_call_was_rejected_has_a_page(database: DuckDBPyConnection) -> None:
    database.begin()
    database.execute("UPDATE all_mentions SET symbol = 'nosymbol/x' WHERE rejected IS NOT NULL")
    shown = page.show(asked(database, symbol="nosymbol/x"))
    database.rollback()
    html = page_of("symbol.html", shown)
    assert "No call of nosymbol/x stands" in html
    assert "/?symbol=nosymbol%2Fx&amp;rejected=1" in html


def test_the_page_shows_what_strangers_said_as_text_with_its_second(database: DuckDBPyConnection) -> None:
    symbol = most_named(database)
    shown = page.show(asked(database, symbol=symbol))
    html = page_of("symbol.html", shown)
    assert HOSTILE not in html
    assert "<script" not in html
    assert "None" not in html
    assert html.count("<rect ") == len(shown["chart"].bars)
    call = shown["buying"][0]
    assert f"https://www.youtube.com/watch?v={call['video_id']}&amp;t={call['start_ms'] // 1000}s" in html
    assert "if: the next quarter is good" in html
    assert re.search(r'<span class="note">guest</span>', html)
    assert f'href="/?symbol={symbol}"' in html


def test_a_filter_that_leaves_nothing_says_so(database: DuckDBPyConnection) -> None:
    symbol = most_named(database)
    shown = page.show(asked(database, query="channel=nobody", symbol=symbol))
    assert shown["total"]["calls"] == 0
    assert f'No call is left by this filter: <a href="/symbol/{symbol}">show all' in page_of(
        "symbol.html", shown
    )

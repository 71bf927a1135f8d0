"""A time of which only the day is known is shown as a day, on every page that says when a call was made."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from projections.web.page import Asked
from projections.web.pages import calls, channel, symbol
from tests.builders.pages_asked import asked, filled, page_of, rows

WHEN = re.compile(r'<td>\s*<time datetime="([^"]+)"')
PAGES: dict[str, Callable[[Asked], Mapping[str, Any]]] = {
    "calls": calls.show,
    "channel": channel.show,
    "symbol": symbol.show,
}


@pytest.mark.parametrize("precision", ["second", "day"])
@pytest.mark.parametrize("name", PAGES)
def test_a_call_has_an_hour_where_one_is_known(name: str, precision: str) -> None:
    database = filled().cursor()
    [(heard, named)] = rows(database, "SELECT channel_id, symbol FROM mentions ORDER BY ALL LIMIT 1")
    database.begin()
    for table in ("all_mentions", "videos"):
        database.execute(f"UPDATE {table} SET published_precision = ?", [precision])  # noqa: S608  our own words
    shown = PAGES[name](asked(database, channel_id=heard, symbol=named))
    html = page_of(f"{name}.html", shown)
    database.rollback()
    told = WHEN.findall(html)
    assert told
    assert {len(moment) > len("2025-11-26") for moment in told} == {precision == "second"}

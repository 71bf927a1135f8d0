"""Any filter of calls: the page's count, both files and a plain look at every row say the same."""

import csv
import io
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
import pytest_asyncio
from aiohttp import ClientSession
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.snapshots import LINK
from projections.web.forms import WINDOWS, address
from projections.web.page import Outside
from projections.web.pages.calls import ACTIONS, HORIZONS
from projections.web.server import Site, serve
from tests.builders.dashboard_home import CHANNEL, HOSTILE, NOW, SYMBOL, dashboard_home, outside

SHOWN = re.compile(r'<p class="count">([\d,]+) calls?(?:, ([\d,]+) hidden by the filter)?\.')
SAID = (
    "stock",
    "THE",
    "I am buying",
    "more than 39",
    "a",
    "nobody said this",
    *(word[:30] for word in HOSTILE),
)
# Somewhere in the model's two years, so that each window lets some rows in and keeps others out.
NOWS = [NOW, datetime(2024, 9, 1, 12, tzinfo=UTC), datetime(2025, 11, 20, 0, 30, tzinfo=UTC)]

Row = dict[str, Any]


class Clock:
    """The time that the site is told."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[ClientSession, Clock, list[Row]]]:
    """A site, its clock, and every mention that the snapshot has."""
    home: Path = tmp_path_factory.mktemp("dashboard") / "home"
    dashboard_home(home)
    with duckdb.connect(home / LINK, read_only=True) as database:
        database.execute("SET TimeZone = 'UTC'")
        found = database.execute("SELECT * FROM all_mentions")
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    async def look() -> Outside:
        return outside()

    clock = Clock()
    runner = await serve(Site(home, Decimal(5), look, clock).app(), "127.0.0.1", 0)
    async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        yield session, clock, rows
    await runner.cleanup()


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "symbol": st.sampled_from([SYMBOL, SYMBOL.lower(), "PLTR", "SYM39", "NONE"]),
    "channel": st.sampled_from([CHANNEL, "hostile-channel-{{7*7}}{% raw %}${7*7}#{7*7}", "UC-none"]),
    "action": st.lists(st.sampled_from(ACTIONS), min_size=1, unique=True),
    "conviction": st.integers(0, 20).map(lambda steps: f"{steps / 20:g}"),
    "horizon": st.lists(st.sampled_from(HORIZONS), min_size=1, unique=True),
    "window": st.sampled_from(tuple(WINDOWS)),
    "words": st.sampled_from(SAID),
    "rejected": st.just("1"),
}
# Of more at once hardly a row is left.
FILTERS = st.sets(st.sampled_from(tuple(VALUES)), max_size=3).flatmap(
    lambda names: st.fixed_dictionaries({name: VALUES[name] for name in sorted(names)})
)


@pytest.mark.asyncio(loop_scope="module")
@settings(max_examples=40, deadline=None)
@given(wanted=FILTERS, now=st.sampled_from(NOWS))
async def test_a_filter_counts_what_it_lets_through(
    wanted: Row, now: datetime, asked: tuple[ClientSession, Clock, list[Row]]
) -> None:
    session, clock, rows = asked
    clock.now = now
    open_to = [row for row in rows if row["is_current"] and ("rejected" in wanted or stands(row))]
    expected = [row for row in open_to if lets_through(wanted, row, now)]

    match = SHOWN.search(await get(session, "/", wanted))
    assert match is not None
    count, hidden = (int((number or "0").replace(",", "")) for number in match.groups())
    assert (count, hidden) == (len(expected), len(open_to) - len(expected))

    as_csv = list(csv.DictReader(io.StringIO(await get(session, "/calls.csv", wanted), newline="")))
    as_json = orjson.loads(await get(session, "/calls.json", wanted))
    said = Counter((row["video_id"], row["symbol"], row["quote"]) for row in expected)
    for file in (as_csv, as_json):
        assert Counter((row["video_id"], row["symbol"], row["quote"]) for row in file) == said
    assert [row["said_at"][:19] for row in as_csv] == [row["said_at"][:19] for row in as_json]
    times = [row["said_at"][:19] for row in as_csv]
    assert times == sorted(times, reverse=True)


async def get(session: ClientSession, path: str, wanted: Row) -> str:
    async with session.get(address(path, **wanted)) as response:
        assert response.status == 200
        return await response.text()


def stands(row: Row) -> bool:
    return row["rejected"] is None and row["paid"] is not True


def is_at_least(conviction: float | None, least: str) -> bool:
    return conviction is not None and conviction >= float(least)


def lets_through(wanted: Row, row: Row, now: datetime) -> bool:
    """The filter as a person would say it."""
    first_day = now.date() - timedelta(days=WINDOWS.get(wanted.get("window", ""), 10_000) - 1)
    words = wanted.get("words", "").strip().lower()
    return all(
        (
            "symbol" not in wanted or row["symbol"] == wanted["symbol"].upper(),
            row["channel_id"] == wanted.get("channel", row["channel_id"]),
            row["action"] in wanted.get("action", [row["action"]]),
            "conviction" not in wanted or is_at_least(row["conviction"], wanted["conviction"]),
            row["time_horizon"] in wanted.get("horizon", [row["time_horizon"]]),
            (row["published_at"] or row["analysed_at"]).astimezone(UTC).date() >= first_day,
            words in row["quote"].lower() or words in (row["video_title"] or "").lower(),
        )
    )

"""Where bars stand: inside the frame, as high as their values, one scale for both sides."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.web.charts import BOTTOM, MOST_WEEKS, TOP, Column, ceiling, draw, monday, weekly

VALUES = st.one_of(st.integers(0, 10**7), st.floats(0, 1))
MONDAYS = st.integers(-2000, 2000).map(lambda weeks: date(2026, 3, 2) + timedelta(weeks=weeks))
COLUMNS = st.lists(st.builds(Column, MONDAYS, VALUES, VALUES), max_size=30)


@given(COLUMNS)
def test_every_bar_stands_in_the_frame_and_is_as_high_as_its_value(columns: list[Column]) -> None:
    chart = draw(columns, str)
    assert [(bar.at, bar.side, bar.value) for bar in chart.bars] == [
        (column.at, side, value)
        for column in columns
        for side, value in (("up", column.up), ("down", column.down))
        if value
    ]
    for bar in chart.bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= 100 + 1e-9
        assert bar.y >= TOP - 1e-9
        assert bar.y + bar.height <= BOTTOM + 1e-9
    highest = max(chart.bars, key=lambda bar: bar.value, default=None)
    for bar in chart.bars:
        assert highest is not None
        assert bar.height / highest.height == pytest.approx(bar.value / highest.value)
    for level in chart.levels:
        assert TOP <= level.y <= BOTTOM


@given(COLUMNS)
def test_bars_of_a_side_do_not_cover_each_other_and_both_sides_meet_at_nothing(columns: list[Column]) -> None:
    chart = draw(columns, str)
    [nothing] = [level.y for level in chart.levels if not level.words]
    for side in ("up", "down"):
        bars = [bar for bar in chart.bars if bar.side == side]
        for left, right in itertools.pairwise(bars):
            assert left.x + left.width <= right.x + 1e-9
        for bar in bars:
            assert (bar.y + bar.height if side == "up" else bar.y) == pytest.approx(nothing)


@given(COLUMNS)
def test_the_words_below_name_their_weeks_from_left_to_right_and_have_room(columns: list[Column]) -> None:
    ticks = draw(columns, str).ticks
    assert len(ticks) <= 3
    assert [tick.x for tick in ticks] == sorted(tick.x for tick in ticks)
    assert {tick.at for tick in ticks} <= {column.at for column in columns}
    assert all(0 <= tick.x <= 100 for tick in ticks)
    assert bool(ticks) == bool(columns)


def test_of_nothing_there_is_a_frame_without_bars() -> None:
    chart = draw([], str)
    assert (chart.bars, chart.ticks) == ([], [])
    assert [level.words for level in chart.levels] == ["1", ""]


def test_a_scale_that_is_given_stays() -> None:
    chart = draw([Column(date(2026, 3, 2), 0.25)], str, most=1)
    [bar] = chart.bars
    assert bar.height == pytest.approx((BOTTOM - TOP) / 4)


@given(st.floats(0, 1e12))
def test_a_scale_ends_at_the_next_round_number(value: float) -> None:
    end = ceiling(value)
    assert end >= max(value, 1)
    assert end == 1 or end / 2.5 <= value
    assert str(end).rstrip("0") in {"1", "2", "5"}


@given(st.lists(MONDAYS, unique=True), MONDAYS, st.none() | MONDAYS, st.integers(0, 6))
def test_each_week_up_to_the_last_has_a_column_whether_or_not_something_was_found(
    mondays: list[date], end: date, first: date | None, day: int
) -> None:
    found = [Column(at, number + 1) for number, at in enumerate(mondays)]
    columns = weekly(found, first, end + timedelta(days=day))
    if not mondays:
        assert columns == []
        return
    begin = max(min(mondays) if first is None else first, end - timedelta(weeks=MOST_WEEKS - 1))
    assert [column.at for column in columns] == [
        begin + timedelta(weeks=number) for number in range(len(columns))
    ]
    assert len(columns) == max(0, (end - begin).days // 7 + 1)
    assert [column for column in columns if column.up] == sorted(
        column for column in found if begin <= column.at <= end
    )


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)))
def test_a_week_begins_on_its_monday(day: date) -> None:
    assert monday(day).isocalendar() == (*day.isocalendar()[:2], 1)

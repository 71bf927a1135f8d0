"""Where the bars of a chart stand, in percent of its frame: letters keep their size however wide the frame is."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

MOST_WEEKS = 260
"""Five years; what is older stands in the table."""
ALL_WEEKS = 2000
"""More than any video is old: a bound for questions, never reached."""
TOP, BOTTOM = 10.0, 86.0
"""Between them stand the bars; above is room for the scale's words, below for the weeks'."""
_WIDEST = 8.0
_FILLED = 0.8
_TICKS = 3
_WEEK = timedelta(weeks=1)


class Column(NamedTuple):
    """What is drawn of a week, which begins on the Monday `at`; neither value is below 0."""

    at: date
    up: float
    down: float = 0


class Bar(NamedTuple):
    """A rectangle, `value` in the chart's own unit."""

    side: Literal["up", "down"]
    at: date
    value: float
    x: float
    y: float
    width: float
    height: float


class Level(NamedTuple):
    """A line across the chart, and what it stands for; the line at nothing has no words, for bars stand there."""

    y: float
    words: str


class Tick(NamedTuple):
    """A week's name below the bars."""

    x: float
    at: date
    anchor: Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Chart:
    """Bars up and down from a line at nothing; `write` is how a value is written."""

    bars: Sequence[Bar]
    levels: Sequence[Level]
    ticks: Sequence[Tick]
    write: Callable[[float], str]


def monday(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


def weekly(found: Iterable[Column], first: date | None, last: date) -> list[Column]:
    """A column a week from that of `first` (None: from the first that is found) to that of `last`, at most MOST_WEEKS.

    Where nothing was found there is no column.
    """
    by_week = {column.at: column for column in found}
    if not by_week:
        return []
    end = monday(last)
    begin = max(monday(first or min(by_week)), end - (MOST_WEEKS - 1) * _WEEK)
    weeks = (begin + number * _WEEK for number in range((end - begin) // _WEEK + 1))
    return [by_week.get(week, Column(week, 0)) for week in weeks]


def draw(columns: Sequence[Column], write: Callable[[float], str], most: float | None = None) -> Chart:
    """The bars of `columns`, side by side, both sides on one scale, which ends at `most` (None: at a round number)."""
    if most is None:
        most = ceiling(max((value for column in columns for value in column[1:]), default=0))
    is_both = any(column.down for column in columns)
    zero = (TOP + BOTTOM) / 2 if is_both else BOTTOM
    unit = (zero - TOP) / most
    slot = 100 / max(len(columns), 1)
    width = min(slot * _FILLED, _WIDEST)
    bars = []
    for number, column in enumerate(columns):
        x = number * slot + (slot - width) / 2
        if column.up:
            height = column.up * unit
            bars.append(Bar("up", column.at, column.up, x, zero - height, width, height))
        if column.down:
            bars.append(Bar("down", column.at, column.down, x, zero, width, column.down * unit))
    levels = [Level(TOP, write(most)), Level(zero, ""), Level(BOTTOM, write(most))]
    return Chart(bars, levels if is_both else levels[:2], _ticks(columns, slot), write)


def ceiling(value: float) -> float:
    """The least of 1, 2, 5, 10, 20, 50 … that is not below `value`."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power >= value:
                return digit * power
        power *= 10


def _ticks(columns: Sequence[Column], slot: float) -> list[Tick]:
    """So few that their words have room where the frame is narrow."""
    last = len(columns) - 1
    if last < _TICKS:
        return [Tick((number + 0.5) * slot, column.at, "middle") for number, column in enumerate(columns)]
    numbers = [round(number * last / (_TICKS - 1)) for number in range(1, _TICKS - 1)]
    between = [Tick((number + 0.5) * slot, columns[number].at, "middle") for number in numbers]
    return [Tick(0, columns[0].at, "start"), *between, Tick(100, columns[last].at, "end")]

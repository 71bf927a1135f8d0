"""What is shown of any rows in any window: within it, in order, never nothing, no link broken, no word lost."""

import re
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from streams.cli.tables import Column, Kind, choose, fit, fitted, grid, measure, shown
from streams.cli.terminal import fold

LINKS = st.integers(0, 10**9).map(lambda number: f"https://example.org/watch?v={number}")
IDS = st.uuids().map(str)
WORDS = st.text("ab日e\u0301 .\n", max_size=40) | st.builds("see {} there".format, LINKS)
OF_KIND = {
    "text": WORDS,
    "json": WORDS,
    "id": IDS,
    "link": LINKS,
    "count": st.integers(-(10**9), 10**9),
    "number": st.floats(),
    "money": st.decimals(allow_nan=False, places=9, min_value=-(10**6), max_value=10**6),
    "share": st.floats(0, 1),
    "moment": st.datetimes(),
    "minute": st.datetimes(),
}
NAMES = st.from_regex(r"[a-z]{1,9}(_[a-z]{1,9}){0,3}", fullmatch=True)
WINDOWS = st.integers(2, 220)
Table = tuple[list[Column], list[list[str]]]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    kinds: list[Kind] = draw(st.lists(st.sampled_from(get_args(Kind)), min_size=1, max_size=8))
    columns = [Column(draw(NAMES), kind) for kind in kinds]
    row = st.tuples(*(st.none() | OF_KIND[kind] for kind in kinds))
    return columns, [shown(columns, values) for values in draw(st.lists(row, max_size=3))]


def test_every_kind_is_drawn() -> None:
    assert set(OF_KIND) == set(get_args(Kind))


@given(tables(), WINDOWS, st.data())
def test_what_is_chosen_fits_and_is_never_nothing(table: Table, wide: int, data: st.DataObject) -> None:
    columns, cells = table
    named = data.draw(st.sets(st.sampled_from([column.name for column in columns])))
    choice = choose(columns, cells, wide, named)
    assert choice.beside
    seen = choice.beside + choice.below
    assert (choice.beside, choice.below) == (sorted(choice.beside), sorted(choice.below))
    assert len(seen) == len(set(seen))
    assert all(columns[at].kind == "link" and columns[at].name in named for at in choice.below)
    order = sorted(seen)
    lines = list(
        grid(
            [columns[at] for at in order],
            [[row[at] for at in order] for row in cells],
            wide,
            [order.index(at) for at in choice.below],
        )
    )
    sizes = measure(columns, cells)
    if fit([sizes[at] for at in choice.beside], wide) is None:
        # Nothing fits: the narrowest column is shown alone, and a value in it is not broken for that.
        assert len(seen) == 1
        assert all(sizes[at].least >= sizes[seen[0]].least for at in range(len(columns)))
    else:
        assert max(map(cell_len, lines)) <= wide
    links = [row[at] for row in cells for at in order if columns[at].kind == "link"]
    assert all(any(link in line for line in lines) for link in links)


@given(tables(), WINDOWS)
def test_all_of_it_is_shown_within_the_window_or_in_one_piece(table: Table, wide: int) -> None:
    columns, cells = table
    lines = fitted(columns, cells, wide)
    whole = {
        value
        for row in cells
        for column, value in zip(columns, row, strict=True)
        if column.kind not in {"text", "json"}
    }
    assert all(
        cell_len(line) <= wide or line in whole or re.fullmatch(r"https?://\S+", line) for line in lines
    )
    values = [value for row in cells for value in row]
    assert all(
        any(link in line for line in lines) for value in values for link in re.findall(r"https?://\S+", value)
    )


@given(WORDS, WINDOWS)
def test_folding_loses_nothing_but_blanks(text: str, wide: int) -> None:
    folded = fold(text, wide)
    assert "".join("".join(folded).split()) == "".join(text.split())
    assert all(cell_len(line) <= wide or re.fullmatch(r"https?://\S+", line) for line in folded)

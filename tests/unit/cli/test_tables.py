"""Tables for people: what each kind looks like, what folds, and what becomes of a row that is too wide."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

import streams
from streams.budget.money import usd
from streams.cli.tables import Column, Kind, blocks, choose, fitted, grid, shown
from streams.cli.terminal import fold

URL = "https://www.youtube.com/watch?v=KTape000001&t=90s"


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("0", "0.00"),
        ("12.345", "12.34"),
        ("1", "1.00"),
        ("0.99994", "0.9999"),
        ("0.004308095", "0.0043"),
        ("0.0001", "0.0001"),
        ("0.00005", "<0.0001"),
        ("-0.5", "-0.5000"),
        ("-0.00000305", ">-0.0001"),
        ("Infinity", "Infinity"),
    ],
)
def test_money_has_two_digits_from_a_dollar_up_and_four_below(amount: str, said: str) -> None:
    assert usd(Decimal(amount)) == usd(amount) == said


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("text", None, ""),
        ("text", "[red]a\x1b[2Jb\r\nc\td", "[red]a [2Jb\nc    d"),
        ("id", "a\nb", "a b"),
        ("count", 1234567, "1234567"),
        ("number", 0.8500000238418579, "0.85"),
        ("number", "3.000", "3.000"),
        ("number", 3.0, "3"),
        ("number", 0.000012345, "1.2e-5"),
        ("number", "nan", "nan"),
        ("number", "many", "many"),
        ("money", "0.004308095", "0.0043"),
        ("money", "free", "free"),
        ("share", 0.4, "40%"),
        ("share", 0.004, "<1%"),
        ("share", 0, "0%"),
        ("moment", datetime(2026, 3, 2, 10, 1, 0, 5, timezone(timedelta(hours=1))), "2026-03-02 09:01:00Z"),
        ("moment", "2026-03-02 09:01:00.123+00", "2026-03-02 09:01:00Z"),
        ("moment", "2026-03-02 09:01:00", "2026-03-02 09:01:00"),
        ("moment", "2026-03-02 09:01:00+01", "2026-03-02 09:01:00+01"),
        ("moment", "infinity", "infinity"),
        ("minute", datetime(2026, 3, 2, 9, 1, 59, tzinfo=UTC), "2026-03-02 09:01"),
    ],
)
def test_a_value_reads_as_its_kind_says(kind: Kind, value: object, said: str) -> None:
    assert shown([Column("a", kind)], [value]) == [said]


@pytest.mark.parametrize(
    ("text", "wide", "folded"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("one two", None, ["one two"]),
        ("one\ntwo three", 5, ["one", "two", "three"]),
        ("abcdefgh ij", 3, ["abc", "def", "gh", "ij"]),
        ("日本語テキスト", 5, ["日本", "語テ", "キス", "ト"]),
        (f"see {URL} there", 10, ["see", URL, "there"]),
        ("", 5, [""]),
    ],
)
def test_text_is_folded_at_blanks_and_a_link_never(text: str, wide: int | None, folded: list[str]) -> None:
    assert fold(text, wide) == folded


CALLS = [Column("symbol"), Column("usd", "money"), Column("quote"), Column("url", "link")]
SAID = [
    shown(CALLS, row)
    for row in (
        ("NVDA", "0.0043", "if it comes back to the low one twenties I would back up the truck", URL),
        ("F", 12, "hold", None),
    )
]


def test_texts_get_what_the_other_columns_leave() -> None:
    assert list(grid(CALLS, SAID, 95)) == [
        "symbol     usd  quote                         url",
        "──────  ──────  ────────────────────────────  " + "─" * 49,
        f"NVDA    0.0043  if it comes back to the low   {URL}",
        "                one twenties I would back up",
        "                the truck",
        "F        12.00  hold",
    ]


def test_into_a_pipe_each_row_is_a_line() -> None:
    assert [len(line) for line in fitted(CALLS, SAID, None)] == [133 - 46, 133, 133, 20]


def test_what_does_not_fit_becomes_a_block_with_its_link_on_a_line_of_its_own() -> None:
    assert fitted(CALLS, SAID, 50) == [
        "symbol  NVDA",
        "usd     0.0043",
        "quote   if it comes back to the low one twenties I",
        "        would back up the truck",
        "url",
        URL,
        "",
        "symbol  F",
        "usd     12.00",
        "quote   hold",
        "url",
    ]


def test_a_block_has_a_line_for_every_column() -> None:
    assert list(blocks([Column("a"), Column("long name")], [["1", "2"]], None)) == [
        "a          1",
        "long name  2",
    ]


def test_a_long_name_is_folded_behind_its_underscores() -> None:
    columns = [Column("charged_usd_per_video", "money"), Column("lane")]
    assert list(grid(columns, [shown(columns, (1, "live"))], 16)) == [
        "  charged_  lane",
        "  usd_per_",
        "     video",
        "──────────  ────",
        "      1.00  live",
    ]


def chosen(wide: int, *named: str) -> tuple[list[str], list[str]]:
    choice = choose(CALLS, SAID, wide, named)
    return [CALLS[at].name for at in choice.beside], [CALLS[at].name for at in choice.below]


@pytest.mark.parametrize(
    ("wide", "named", "beside", "below"),
    [
        (200, [], ["symbol", "usd", "quote", "url"], []),
        (60, [], ["symbol", "usd", "quote"], []),
        (60, ["url"], ["symbol", "url"], []),
        (60, ["quote", "url"], ["symbol", "usd", "quote"], ["url"]),
        (30, ["quote", "url"], ["quote"], []),
        (8, [], ["symbol"], []),
        (3, [], ["symbol"], []),
        (3, ["url"], ["symbol"], []),
    ],
)
def test_named_columns_come_first_and_a_named_link_may_stand_below(
    wide: int, named: list[str], beside: list[str], below: list[str]
) -> None:
    assert chosen(wide, *named) == (beside, below)


def test_what_differs_comes_before_what_does_not_and_ids_links_and_json_come_last() -> None:
    columns = [
        Column("id", "id"),
        Column("themes", "json"),
        Column("same"),
        Column("n", "count"),
        Column("other", "id"),
    ]
    cells = [["id-1", "[1]", "word", "1", "x"], ["id-2", "[2]", "word", "2", "y"]]
    order = []
    for wide in range(1, 40):
        names = [columns[at].name for at in choose(columns, cells, wide).beside]
        order += [name for name in names if name not in order]
    assert order == ["n", "same", "id", "other", "themes"]


def test_a_link_below_is_on_a_line_of_its_own_under_its_row() -> None:
    assert list(grid(CALLS, SAID, 60, [3]))[:6] == [
        "symbol     usd  quote",
        "  url",
        "──────  ──────  " + "─" * 44,
        "NVDA    0.0043  if it comes back to the low one twenties I",
        "                would back up the truck",
        f"  {URL}",
    ]


def test_every_table_goes_through_the_one_module() -> None:
    folder = Path(streams.__file__ or "").parent
    others = [
        f"{file}"
        for file in folder.rglob("*.py")
        if re.search(r"rich.*\bTable\b|rich\.table", file.read_text())
    ]
    assert others == [], "print with `show_table` of streams/cli/tables.py"

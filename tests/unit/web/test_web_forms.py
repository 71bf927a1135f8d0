"""What stands in an address: checked as it comes, and written so that it comes again."""

from datetime import UTC, date, datetime
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from projections.web import forms
from projections.web.page import WrongFilterError
from projections.web.render import PATHS, here_with

NOW = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)


def typed(*values: str) -> MultiDict[str]:
    return MultiDict(("x", value) for value in values)


def test_a_word_has_no_blanks_round_it_and_an_end() -> None:
    assert forms.text(typed("  two words "), "x") == "two words"
    assert forms.text(typed(), "x") == ""
    assert forms.text(typed("x" * forms.LONGEST), "x") == "x" * forms.LONGEST
    with pytest.raises(WrongFilterError, match="x is longer than 200 letters: shorten it"):
        forms.text(typed("x" * (forms.LONGEST + 1)), "x")


def test_a_choice_is_one_of_those_there_are() -> None:
    assert forms.choice(typed(" buy"), "x", ("buy", "sell")) == "buy"
    assert forms.choice(typed(""), "x", ("buy", "sell")) == ""
    with pytest.raises(WrongFilterError, match="x is 'hold': choose one of buy, sell"):
        forms.choice(typed("hold"), "x", ("buy", "sell"))


def test_several_are_in_the_order_in_which_they_are_known_and_each_once() -> None:
    """So that the same filter is the same address."""
    assert forms.choices(typed("sell", "", "buy", "sell "), "x", ("buy", "hold", "sell")) == ("buy", "sell")
    assert forms.choices(typed(), "x", ("buy",)) == ()
    with pytest.raises(WrongFilterError, match="choose one of buy"):
        forms.choices(typed("buy", "none"), "x", ("buy",))


@pytest.mark.parametrize(
    ("text", "value"), [("", None), (" 0.5", 0.5), ("0", 0.0), ("1", 1.0), ("1e-1", 0.1)]
)
def test_a_number_is_taken(text: str, value: float | None) -> None:
    assert forms.number(typed(text), "x", 0, 1) == value


@pytest.mark.parametrize("text", ["a lot", "nan", "inf", "-inf", "-0.1", "1.0001", "0,5", "1e999"])
def test_what_is_none_or_out_of_range_is_said(text: str) -> None:
    with pytest.raises(WrongFilterError, match="write a number from 0 to 1"):
        forms.number(typed(text), "x", 0, 1)


@pytest.mark.parametrize("text", ["1.0", "-1", "0", "201", "²", "٣", "9" * 150, "0x10", "1_0"])
def test_a_whole_number_is_one(text: str) -> None:
    assert forms.whole(typed("200"), "x", 1, 200, 7) == 200
    assert forms.whole(typed(), "x", 1, 200, 7) == 7
    with pytest.raises(WrongFilterError, match="write a whole number from 1 to 200"):
        forms.whole(typed(text), "x", 1, 200, 7)


@pytest.mark.parametrize("text", ["2026-02-29", "yesterday", "2026-3-1", "10000-01-01"])
def test_a_day_is_one(text: str) -> None:
    assert forms.day(typed("2026-03-31"), "x") == date(2026, 3, 31)
    assert forms.day(typed(), "x") is None
    with pytest.raises(WrongFilterError, match="write a day as"):
        forms.day(typed(text), "x")


@pytest.mark.parametrize(
    ("window", "begins"), [("1d", "2026-03-01"), ("7d", "2026-02-23"), ("30d", "2026-01-31")]
)
def test_a_window_of_so_many_days_ends_today_and_begins_at_a_midnight(window: str, begins: str) -> None:
    assert forms.since(window, NOW) == datetime.fromisoformat(f"{begins}T00:00:00+00:00")
    assert forms.since("", NOW) is None


@given(st.text(), st.dictionaries(st.text(min_size=1), st.lists(st.text(min_size=1), min_size=1)))
def test_an_address_holds_any_name_and_any_value(name: str, query: dict[str, list[str]]) -> None:
    """They come back as they were, and the path is as deep as it was."""
    written = urlsplit(here_with(forms.address(PATHS["symbol"], name), query)())
    assert written.path.count("/") == 2
    assert not written.fragment
    assert unquote(written.path.removeprefix("/symbol/")) == name
    expected = [(key, value) for key, values in query.items() for value in values]
    assert parse_qsl(written.query, keep_blank_values=True) == expected


def test_what_is_empty_is_left_out_and_a_zero_is_not() -> None:
    changed = here_with("/", {"symbol": ["A"], "live": ["10"], "path": ["p"]})
    assert changed(live="", number=0, channel=None, rejected=False) == "/?symbol=A&path=p&number=0"
    assert changed(symbol=("B", "C")) == "/?symbol=B&symbol=C&live=10&path=p"

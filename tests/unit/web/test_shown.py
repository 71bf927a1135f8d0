"""How values are written on a page, a stranger's words above all."""

import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup

from projections.web import shown
from projections.web.render import environment

ENVIRONMENT = environment()
PRINTED = ENVIRONMENT.from_string('<p title="{{ said }}">{{ said }}</p>{{ nothing }}')
# Without these, Persian, Indian scripts and emoji are not read.
STAY = "\t\n\u200c\u200d"


class Read(HTMLParser):
    """What a browser makes of a page: its elements and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text())
@example('<script>alert(1)</script>"><img src=x onerror=alert(1)>')
@example("{{ 7 * 7 }}{% raw %}&lt;&#60;' onload=")
@example("javascript:alert(1)\x00\x1b]0;title\x07")
def test_whatever_was_said_is_one_text(said: str) -> None:
    page = Read()
    page.feed(PRINTED.render(said=said, nothing=None))
    page.close()
    [(tag, [(name, value)])] = page.elements
    assert (tag, name) == ("p", "title")
    assert page.text == value == shown.visible(said)


@given(st.text(alphabet=st.characters(categories=["Cc", "Cf", "Zl", "Zp"]) | st.characters()))
def test_no_letter_hides_or_turns_round_what_stands_there(said: str) -> None:
    """As many letters as were said, and of the invisible ones only those that join or choose a form."""
    seen = shown.visible(said)
    assert isinstance(seen, str)
    assert len(seen) == len(said)
    for before, after in zip(said, seen, strict=True):
        if unicodedata.category(before) == "Cc" or unicodedata.bidirectional(before) in {
            *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        }:
            assert after == before if before in STAY else after != before
        assert after == before or unicodedata.category(after) == "So"


@pytest.mark.parametrize(
    "said", ["\u202e", "\u2067", "\u200b", "\ufeff", "\u2028", "\u3164", "\U000e0041", "\x00", "\r"]
)
def test_a_letter_that_draws_nothing_is_seen(said: str) -> None:
    assert shown.visible(f"a{said}b") != f"a{said}b"


@pytest.mark.parametrize(
    "said",
    [
        "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f468\u200d\U0001f33e",
        "❤\ufe0f",
        "a\u00a0b",
        "नमस्ते",
        "a\tb\nc",
    ],
)
def test_what_is_read_with_such_letters_keeps_them(said: str) -> None:
    assert shown.visible(said) == said


def test_what_is_no_text_is_what_it_is() -> None:
    assert shown.visible(None) == ""
    assert shown.visible(0) == 0
    assert shown.visible(Markup("<b>")) == "<b>"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, ""),
        (Decimal(0), "$0.00"),
        (Decimal("0.0001"), "$0.0001"),
        (Decimal("0.5"), "$0.5000"),
        (Decimal(1), "$1.00"),
        (1234.5, "$1,234.50"),
    ],
)
def test_money_has_four_places_below_a_dollar(amount: Decimal | float | None, text: str) -> None:
    assert shown.usd(amount) == text


@pytest.mark.parametrize(
    ("at", "machine", "person"),
    [
        (datetime(2026, 3, 1, 9, 5, 59, tzinfo=UTC), "2026-03-01T09:05:59+00:00", "2026-03-01 09:05 UTC"),
        (
            datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=9))),
            "2026-02-28T15:30:00+00:00",
            "2026-02-28 15:30 UTC",
        ),
        (date(2026, 3, 1), "2026-03-01", "2026-03-01"),
    ],
)
def test_a_time_is_utc_for_people_and_for_machines(at: date, machine: str, person: str) -> None:
    assert shown.moment(at) == f'<time datetime="{machine}">{person}</time>'
    assert shown.moment(None) == ""


@pytest.mark.parametrize(
    ("ms", "text"), [(None, ""), (0, "0:00"), (59_999, "0:59"), (600_000, "10:00"), (3_723_000, "1:02:03")]
)
def test_a_place_in_a_video_reads_as_a_player_shows_it(ms: int | None, text: str) -> None:
    assert shown.clock(ms) == text


@pytest.mark.parametrize(
    ("url", "start_ms", "address"),
    [
        ("https://www.youtube.com/watch?v=abc", None, "https://www.youtube.com/watch?v=abc"),
        ("https://www.youtube.com/watch?v=abc&t=9s", 61_999, "https://www.youtube.com/watch?v=abc&t=61s"),
        ("https://www.youtube.com/watch?v=abc", 0, "https://www.youtube.com/watch?v=abc&t=0s"),
        ('https://www.youtube.com/watch?v="><b>', 0, "https://www.youtube.com/watch?v=%22%3E%3Cb%3E&t=0s"),
        ("https://www.youtube.com/watch", 0, None),
        ("https://www.youtube.com/watch?x=1", 0, None),
        ("http://www.youtube.com/watch?v=abc", 0, None),
        ("https://www.youtube.com.example.org/watch?v=abc", 0, None),
        ("https://www.youtube.com@example.org/watch?v=abc", 0, None),
        ("https://example.org/https://www.youtube.com/watch?v=abc", 0, None),
        ("javascript:alert(1)//https://www.youtube.com/watch?v=abc", 0, None),
        ("https://[", 0, None),
        ("", 0, None),
        (None, 0, None),
    ],
)
def test_a_link_leads_to_a_video_of_youtubes_or_nowhere(
    url: str | None, start_ms: int | None, address: str | None
) -> None:
    assert shown.watch_at(url, start_ms) == address


@given(st.text())
def test_no_address_breaks_a_page(url: str) -> None:
    for said in (url, f"https://www.youtube.com/watch?{url}", f"https://www.youtube.com/watch?v={url}"):
        found = shown.watch_at(said, 5)
        assert found is None or found.startswith("https://www.youtube.com/watch?v=")

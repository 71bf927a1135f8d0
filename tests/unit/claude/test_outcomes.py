"""The table of outcomes, where a date matters more than how it travels."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.claude.outcomes import (
    LATER,
    SOON_S,
    Answered,
    Exhausted,
    Failed,
    Misconfigured,
    Refused,
    Said,
    of_status,
    retry_after_s,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def limited(message: str, now: datetime, status: int = 400) -> datetime:
    outcome = of_status(status, {}, Said("invalid_request_error", None, message), now)
    assert isinstance(outcome, Exhausted)
    return outcome.until


def test_a_limit_ends_on_the_date_it_states() -> None:
    words = (
        "You have reached your specified API usage limits. You will regain access on 2027-01-01 at 06:30 UTC."
    )
    assert limited(words, NOW) == datetime(2027, 1, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (datetime(2026, 11, 22, 12, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
        (datetime(2026, 12, 31, 20, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2026, 11, 30, 23, 59, tzinfo=UTC), datetime(2026, 12, 1, 0, 59, tzinfo=UTC)),
        (datetime(2026, 12, 1, 0, 0, 5, tzinfo=UTC), datetime(2026, 12, 1, 1, 0, 5, tzinfo=UTC)),
    ],
)
def test_a_limit_without_a_date_ends_with_the_month(now: datetime, until: datetime) -> None:
    """But one that is met moments after the month's end is the old month's: an hour, not another month."""
    assert limited("You have reached your specified API usage limits.", now) == until


def test_a_date_that_is_over_here_is_tried_again_in_an_hour() -> None:
    words = (
        "You have reached your specified API usage limits. You will regain access on 2026-11-22 at 00:00 UTC."
    )
    assert limited(words, NOW) == NOW + LATER


def test_a_date_that_no_calendar_has_counts_for_none() -> None:
    words = "You have reached your specified API usage limits. You will regain access on 2026-13-32."
    assert limited(words, NOW) == datetime(2026, 12, 1, tzinfo=UTC)


def test_words_about_limits_in_other_statuses_are_only_words() -> None:
    said = Said("permission_error", None, "The usage limits of this page forbid it.")
    assert isinstance(of_status(403, {}, said, NOW), Misconfigured)
    assert isinstance(of_status(429, {"retry-after": "3"}, said, NOW), Refused)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
    ],
)
def test_the_wait_is_read_where_it_is_a_number(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_a_page_is_not_quoted_whole() -> None:
    outcome = of_status(503, {}, Said("InternalServerError", None, "x" * 100_000), NOW)
    assert isinstance(outcome, Failed)
    assert len(outcome.reason) < 2000


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "retry-after": st.one_of(st.integers(0, 10**30).map(str), st.text()),
        "retry-after-ms": st.one_of(st.floats(0, 1e9).map(str), st.text()),
        "x-should-retry": st.sampled_from(["true", "false", "perhaps"]),
    },
)
SAID = st.builds(
    Said,
    kind=st.text(),
    code=st.one_of(st.none(), st.text(), st.just("enforced_spend_limit_reached")),
    message=st.one_of(
        st.text(), st.sampled_from(["You have reached your specified API usage limits", "prompt is too long"])
    ),
)


@given(
    status=st.integers(300, 599),
    headers=HEADERS,
    said=SAID,
    now=st.datetimes(datetime(2026, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001
)
def test_whatever_an_error_says_its_money_is_on_the_safe_side(
    status: int, headers: dict[str, str], said: Said, now: datetime
) -> None:
    """Free only where the provider turned the call away; pauses end, and last an hour; waits under a claim are short."""
    now = now.replace(tzinfo=UTC)
    match of_status(status, headers, said, now):
        case Failed(_, _, bill, raw_answer, final, None):
            assert raw_answer is None
            assert bill == ("unknown" if status >= 500 or status in {408, 409, 499} else "free")
            assert not (final and bill == "unknown") or headers["x-should-retry"] == "false"
        case Refused(_, wait_s):
            assert status in {429, 529}
            assert wait_s is None or 0 <= wait_s <= SOON_S
        case Exhausted(_, until):
            assert timedelta(seconds=SOON_S) < until - now < timedelta(days=32)
            assert status in {400, 402, 429, 529} or said.code == "enforced_spend_limit_reached"
        case Misconfigured(reason):
            assert status < 500
            assert status not in {402, 408, 409, 413, 429, 499}
            assert reason.startswith(str(status))
        case Answered():
            pytest.fail("an error is no answer")

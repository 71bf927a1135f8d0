"""What follows a try that brought no captions."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.captions.schedule import MARGIN, NEVER_AIRED, ON_AIR, SLOW, STREAM_LENGTH, Failure, Next, after
from streams.events.captions import FailureClass

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DELAYS = (3600.0, 21600.0, 86400.0, 259200.0)
WAITS = [HOUR, 6 * HOUR, DAY, 3 * DAY, None]


def walk(failure: FailureClass, times: int) -> list[timedelta | None]:
    """The waits after each of `times` tries that fail alike."""
    waits: list[timedelta | None] = []
    tries = 0
    for _ in range(times):
        following = after(Failure("", failure), tries, None, DELAYS, NOW)
        tries = following.tries
        waits.append(None if following.at is None else following.at - NOW)
    return waits


@pytest.mark.parametrize("failure", ["later", "unknown"])
def test_a_video_that_is_not_ready_is_asked_for_after_each_delay_and_then_no_more(
    failure: FailureClass,
) -> None:
    assert walk(failure, 5) == WAITS


def test_a_closed_video_is_asked_for_after_days_and_then_no_more() -> None:
    assert walk("slow", 4) == [*SLOW, None]
    assert SLOW == (DAY, 7 * DAY, 30 * DAY)


def test_what_is_permanent_is_never_asked_for_again() -> None:
    assert walk("permanent", 1) == [None]


def test_what_youtube_refuses_uses_no_try_and_is_never_final() -> None:
    assert walk("soon", 400) == [timedelta()] * 400
    assert after(Failure("", "soon"), 3, NOW, DELAYS, NOW) == Next(3, NOW, NOW)


def waits_for(start: datetime, **known: timedelta) -> Next:
    return after(Failure("", "not_yet", starts_at=start, **known), 0, None, DELAYS, NOW)


def test_a_video_that_airs_soon_is_asked_for_when_it_should_be_over() -> None:
    start = NOW + 3 * HOUR
    assert waits_for(start) == Next(0, start + STREAM_LENGTH + MARGIN, start)
    assert waits_for(start, length=2 * HOUR) == Next(0, start + 2 * HOUR + MARGIN, start)


def test_the_number_in_a_sentence_is_an_announcement_too() -> None:
    said = Failure("Premieres in 3 hours", "not_yet", starts_in=3 * HOUR)
    assert after(said, 0, NOW + 9 * DAY, DELAYS, NOW).starts_at == NOW + 3 * HOUR


@pytest.mark.parametrize("days", [1, 4, 9])
def test_a_start_that_is_days_ahead_costs_no_try_and_is_followed(days: int) -> None:
    """Looked at once a day, because a start can also move forward."""
    start, now, announced, tries = NOW + days * DAY, NOW, None, 0
    looks = 0
    while now < start + STREAM_LENGTH:
        following = after(Failure("", "not_yet", starts_at=start), tries, announced, DELAYS, now)
        assert following.at is not None
        assert now < following.at <= now + DAY
        now, announced, tries = following.at, following.starts_at, following.tries
        looks += 1
    assert (tries, looks) == (0, days + 1)
    assert now == start + STREAM_LENGTH + MARGIN
    assert after(Failure("", "later"), tries, announced, DELAYS, now) == Next(1, now + HOUR)


def test_a_stream_that_overruns_is_asked_for_again_and_again() -> None:
    assert waits_for(NOW - 5 * HOUR) == Next(0, NOW + ON_AIR, NOW - 5 * HOUR)


def test_thirty_days_after_the_last_announced_start_it_is_final() -> None:
    assert NEVER_AIRED == 30 * DAY
    assert waits_for(NOW - 30 * DAY).at is not None
    assert waits_for(NOW - 30 * DAY - HOUR).at is None
    moved = after(Failure("", "not_yet", starts_at=NOW + DAY), 0, NOW - 40 * DAY, DELAYS, NOW)
    assert moved.at is not None


def test_a_video_without_an_announced_start_counts_from_the_first_look() -> None:
    first = after(Failure("", "not_yet"), 0, None, DELAYS, NOW)
    assert first.starts_at == NOW
    last = after(Failure("", "not_yet"), 0, first.starts_at, DELAYS, NOW + 31 * DAY)
    assert last.at is None


@given(
    st.lists(
        st.sampled_from([one for one in get_args(FailureClass) if one not in ("soon", "not_yet")]), min_size=9
    ),
    st.lists(st.floats(1, 1e6), max_size=6),
)
def test_a_video_that_is_shown_comes_to_an_end(failures: list[FailureClass], delays: list[float]) -> None:
    tries = 0
    following = Next(0, NOW)
    for failure in failures:
        following = after(Failure("", failure), tries, None, delays, NOW)
        assert following.tries == tries + 1
        assert following.at is None or following.at > NOW
        tries = following.tries
    assert following.at is None


@given(st.lists(st.sampled_from(["soon", "not_yet"]), max_size=50), st.integers(0, 4))
def test_tries_that_say_nothing_of_the_video_are_not_counted(
    failures: list[FailureClass], tries: int
) -> None:
    for failure in failures:
        following = after(Failure("", failure), tries, None, DELAYS, NOW)
        assert following.tries == tries
        assert following.at is not None

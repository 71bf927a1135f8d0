from datetime import UTC, datetime

import pytest

from streams.cli.since import Since, named

NOW = datetime(2026, 11, 20, 14, 5, 6, 789, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


def test_how_far_back_is_the_same_time_all_day() -> None:
    """What was typed is kept beside it: tomorrow it is another time."""
    first = named("30d", NOW)
    assert first == Since(datetime(2026, 10, 21, tzinfo=UTC), "30d")
    assert named("30d", MIDNIGHT) == named("30d", NOW.replace(hour=23, minute=59)) == first


@pytest.mark.parametrize("text", ["2h", "1s"])
def test_less_than_a_day_back_is_the_whole_day(text: str) -> None:
    assert named(text, NOW) == Since(MIDNIGHT, text)


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("2026-10-01", datetime(2026, 10, 1, tzinfo=UTC)),
        ("2026-10-01T08:30", datetime(2026, 10, 1, 8, 30, tzinfo=UTC)),
        ("2026-10-01T08:30+02:00", datetime(2026, 10, 1, 6, 30, tzinfo=UTC)),
    ],
)
def test_a_date_is_what_it_says_on_any_day(text: str, since: datetime) -> None:
    assert named(text, NOW) == named(text, NOW.replace(month=12)) == Since(since, None)


@pytest.mark.parametrize(("text", "error"), [("soon", ValueError), ("9999999999d", OverflowError)])
def test_what_names_no_time_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        named(text, NOW)

"""What a --since comes to: only what is wanted and new is counted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from streams.discovery.backfill import Size, days, size
from streams.discovery.channels import Follow
from streams.discovery.listing import Listed

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FOLLOW = Follow("UC1", None, None, NOON, NOON - timedelta(days=30))


def listed(video_id: str, days_ago: int, duration_s: float | None) -> Listed:
    return Listed(video_id, None, None, NOON - timedelta(days=days_ago), duration_s)


def test_what_is_known_or_too_old_costs_nothing() -> None:
    tab = [listed("new", 1, 100), listed("known", 2, 1000), listed("old", 40, 10_000)]
    assert size([tab], FOLLOW, {"known"}) == Size(1, 100)


def test_a_video_on_two_tabs_counts_once() -> None:
    assert size([[listed("a", 1, 100)], [listed("a", 1, 100), listed("b", 1, 50)]], FOLLOW, set()) == Size(
        2, 150
    )


def test_a_video_without_a_duration_counts_as_the_mean() -> None:
    assert size([[listed("a", 1, 100), listed("b", 1, 300), listed("c", 1, None)]], FOLLOW, set()) == Size(
        3, 600
    )
    assert size([[listed("a", 1, None)]], FOLLOW, set()).seconds > 0


def test_days_at_the_share_are_whole_and_never_at_a_cap_of_nothing() -> None:
    assert days(Decimal("2.51"), Decimal(5), Decimal("0.5")) == 2
    assert days(Decimal("2.50"), Decimal(5), Decimal("0.5")) == 1
    assert days(Decimal(0), Decimal(5), Decimal("0.5")) == 0
    assert days(Decimal(1), Decimal(0), Decimal("0.5")) is None

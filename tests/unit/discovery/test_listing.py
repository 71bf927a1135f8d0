"""Which listed videos a follow is about, as what, and when a feed is too short to tell all."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.discovery.channels import Follow
from streams.discovery.listing import Listed, reaches_back, wanted

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLAIN = Follow("UC1", "@plain", "Plain", NOON, None)
DEEP = Follow("UC1", "@plain", "Plain", NOON, NOON - 30 * DAY)


def exact(video_id: str, published_at: datetime) -> Listed:
    return Listed(video_id, "Title", published_at)


def about(video_id: str, moment: datetime | None) -> Listed:
    return Listed(video_id, "Title", None, moment)


def origins(listed: list[Listed], follow: Follow) -> dict[str, str]:
    return {video.video_id: video.origin for video in wanted(listed, follow)}


def test_new_is_poll_old_is_backfill_and_older_is_not_wanted() -> None:
    listed = [exact("new", NOON), exact("old", NOON - DAY), exact("older", NOON - 31 * DAY)]
    assert origins(listed, DEEP) == {"new": "poll", "old": "backfill"}
    assert origins(listed, PLAIN) == {"new": "poll"}


def test_a_video_carries_what_the_list_says_of_it() -> None:
    (video,) = wanted([exact("abcdefghijk", NOON)], PLAIN, "Plain & Fair")
    assert video.model_dump(exclude={"origin"}) == {
        "video_id": "abcdefghijk",
        "url": "https://www.youtube.com/watch?v=abcdefghijk",
        "channel_id": "UC1",
        "channel_title": "Plain & Fair",
        "title": "Title",
        "published_at": NOON,
        "published_precision": "second",
    }


def test_oldest_comes_first() -> None:
    assert list(origins([exact("b", NOON + HOUR), exact("a", NOON)], PLAIN)) == ["a", "b"]


def test_a_rounded_date_decides_and_does_not_travel() -> None:
    (video,) = wanted([about("a", NOON + HOUR)], PLAIN)
    assert video.published_at is None


def test_a_rounded_day_counts_as_the_latest_it_can_mean() -> None:
    """A video of 13 h after NOON that is "1 day ago" to the tab, rounded to midnight, was published since."""
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    assert origins([about("a", midnight)], PLAIN) == {"a": "poll"}
    assert origins([about("a", midnight - DAY)], PLAIN) == {}


def test_an_entry_without_a_date_counts_as_its_older_neighbour() -> None:
    assert origins([about("upcoming", None), about("a", NOON + HOUR)], PLAIN) == {
        "a": "poll",
        "upcoming": "poll",
    }
    assert origins([about("upcoming", None), about("a", NOON - HOUR)], PLAIN) == {}


def test_without_any_date_nothing_is_bought() -> None:
    assert origins([about("a", None), about("b", None)], DEEP) == {}


def test_a_full_feed_of_new_videos_may_hide_more() -> None:
    feed = [exact(f"v{n}", NOON + n * HOUR) for n in range(15, 0, -1)]
    assert not reaches_back(feed, PLAIN, set())
    assert reaches_back(feed, PLAIN, {"v1"})
    assert reaches_back(feed[:-1], PLAIN, set())
    assert reaches_back([*feed[:-1], exact("old", NOON - HOUR)], PLAIN, set())


@given(st.lists(st.integers(-60 * 24, 24), max_size=20).map(lambda hours: sorted(hours, reverse=True)))
def test_wanted_is_exactly_what_since_and_the_follow_say(hours: list[int]) -> None:
    listed = [exact(str(n), NOON + hour * HOUR) for n, hour in enumerate(hours)]
    want = {str(n): "poll" if hour >= 0 else "backfill" for n, hour in enumerate(hours) if hour >= -30 * 24}
    assert origins(listed, DEEP) == want

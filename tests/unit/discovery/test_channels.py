"""Following, following further back, scanning and unfollowing, as a fold."""

from datetime import UTC, datetime, timedelta

from streams.discovery.channels import Channels
from streams.events.channels import ChannelFollowed, ChannelScanned, ChannelUnfollowed, Tab

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def followed(at: datetime, since: datetime | None, title: str | None = "Plain") -> ChannelFollowed:
    return ChannelFollowed(at=at, channel_id="UC1", handle="@plain", title=title, since=since)


def scanned(since: datetime, tab: Tab = "videos", *, complete: bool = True) -> ChannelScanned:
    return ChannelScanned(at=NOON, channel_id="UC1", tab=tab, since=since, complete=complete)


def folded(*events: ChannelFollowed | ChannelScanned | ChannelUnfollowed) -> Channels:
    channels = Channels()
    for event in events:
        channels.apply(event)
    return channels


def test_following_again_keeps_the_first_time_and_the_farthest_since() -> None:
    channels = folded(
        followed(NOON, NOON - 9 * DAY),
        followed(NOON + DAY, NOON - 30 * DAY, None),
        followed(NOON + 2 * DAY, NOON),
    )
    follow = channels.follows["UC1"]
    assert (follow.at, follow.since, follow.title) == (NOON, NOON - 30 * DAY, "Plain")


def test_a_follow_reaches_what_it_takes_already() -> None:
    plain = folded(followed(NOON, None)).follows["UC1"]
    deep = folded(followed(NOON, NOON - DAY)).follows["UC1"]
    assert plain.reaches(None)
    assert plain.reaches(NOON)
    assert not plain.reaches(NOON - DAY)
    assert deep.reaches(NOON - DAY)
    assert not deep.reaches(NOON - 2 * DAY)


def test_a_tab_is_owed_until_a_complete_walk_reached_since() -> None:
    events = [
        followed(NOON, NOON - 9 * DAY),
        scanned(NOON - 9 * DAY),
        scanned(NOON - 9 * DAY, "streams", complete=False),
    ]
    assert folded(*events).uncovered("UC1", ("videos", "streams")) == ["streams"]


def test_a_since_that_moves_back_owes_the_walk_again() -> None:
    channels = folded(followed(NOON, NOON - DAY), scanned(NOON - DAY), followed(NOON, NOON - 2 * DAY))
    assert channels.uncovered("UC1", ("videos",)) == ["videos"]


def test_nothing_is_owed_without_since_nor_to_a_stranger() -> None:
    channels = folded(followed(NOON, None))
    assert channels.uncovered("UC1", ("videos",)) == channels.uncovered("UC2", ("videos",)) == []


def test_unfollowing_forgets_the_channel_and_what_was_covered() -> None:
    gone = folded(
        followed(NOON, NOON - DAY), scanned(NOON - DAY), ChannelUnfollowed(at=NOON, channel_id="UC1")
    )
    assert gone.follows == {}
    gone.apply(scanned(NOON - DAY))
    gone.apply(followed(NOON + DAY, NOON - DAY))
    assert gone.follows["UC1"].at == NOON + DAY
    assert gone.uncovered("UC1", ("videos",)) == ["videos"]

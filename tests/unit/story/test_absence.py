"""Why a video is not in the log, case by case."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from streams.discovery.channels import Channels
from streams.discovery.due import Pace
from streams.discovery.seen import Seen
from streams.discovery.throttle import Pause
from streams.discovery.watch_state import WatchState
from streams.discovery.youtube import Shown
from streams.events.channels import ChannelFollowed, ChannelScanned, ChannelUnfollowed
from streams.events.event import Event
from streams.story.absence import Surroundings, why_absent

NOW = datetime(2026, 11, 28, 7, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CHANNEL = "UC" + "a" * 22
PACE = Pace(timedelta(minutes=15), 20, ("videos", "streams"))
SHOWN = Shown(CHANNEL, "The Desk", "Rates", NOW - 3 * HOUR, False, "video", "not_live", None)  # noqa: FBT003
FOLLOWED = ChannelFollowed(at=NOW - 9 * DAY, channel_id=CHANNEL, handle="@desk", title="The Desk", since=None)
BACK = FOLLOWED.model_copy(update={"since": NOW - 40 * DAY})
LEFT = ChannelUnfollowed(at=NOW - DAY, channel_id=CHANNEL)
SCANNED = ChannelScanned(at=NOW - DAY, channel_id=CHANNEL, tab="videos", since=NOW - 40 * DAY, complete=True)
WATCH = WatchState(NOW, None, {CHANNEL: Seen(NOW - HOUR, NOW - HOUR)})
REFUSAL = Pause(NOW - HOUR, NOW + HOUR, "Please sign in.", client=False)
BY_NAME = "`earmark add video000000` takes it all the same"
HELD = "it is one that Earmark takes, and watch has not sent it yet"
READ = "its channel's feed was read since, at 2026-11-28 06:00 UTC: it waits for its turn, or the feed passed it over"


def why(shown: Shown | str, *events: Event, watch: WatchState | None = WATCH, pace: Pace = PACE) -> list[str]:
    """What is said after what the video is."""
    channels = Channels()
    for event in events:
        channels.apply(event)
    unfollowed = [event for event in events if isinstance(event, ChannelUnfollowed)]
    said = why_absent("video000000", shown, Surroundings(channels, unfollowed, pace, watch), NOW)
    return said if isinstance(shown, str) else said[1:]


def shown(**said: object) -> Shown:
    return replace(SHOWN, **said)  # type: ignore[arg-type]


CASES: dict[str, tuple[Shown, tuple[Event, ...], WatchState | None, list[str]]] = {
    "never followed": (
        SHOWN,
        (),
        WATCH,
        [f"its channel was never followed: `earmark follow {CHANNEL}`; {BY_NAME}"],
    ),
    "unfollowed": (
        SHOWN,
        (FOLLOWED, LEFT),
        WATCH,
        [f"its channel was unfollowed at 2026-11-27 07:00 UTC: `earmark follow {CHANNEL}`; {BY_NAME}"],
    ),
    "older than the following": (
        shown(published_at=NOW - 20 * DAY),
        (FOLLOWED,),
        WATCH,
        [
            (
                "it is older than what is taken of its channel, which is followed from 2026-11-19 07:00 UTC on:"
                f" `earmark follow {CHANNEL} --since 2026-11-08` reaches it; {BY_NAME}"
            )
        ],
    ),
    "older than --since": (
        shown(published_at=NOW - 60 * DAY),
        (BACK,),
        WATCH,
        [
            (
                "it is older than what is taken of its channel, whose videos are taken since 2026-10-19:"
                f" `earmark follow {CHANNEL} --since 2026-09-29` reaches it; {BY_NAME}"
            )
        ],
    ),
    "of the day on which it was followed, by a date alone": (
        shown(published_at=(NOW - 9 * DAY).replace(hour=0), day_only=True),
        (FOLLOWED,),
        WATCH,
        [HELD, READ],
    ),
    "a short": (
        shown(kind="short"),
        (FOLLOWED,),
        WATCH,
        [f"shorts are left out: EARMARK_TABS is videos,streams; {BY_NAME}"],
    ),
    "private, of a channel that is not named": (
        shown(channel_id=None, channel=None, instead="Private video."),
        (FOLLOWED,),
        WATCH,
        [
            "YouTube shows instead of it: Private video, so its captions cannot be taken; such videos open up at times",
            "YouTube does not say whose it is, or there is no such video: whether its channel is followed cannot be told",
        ],
    ),
    "not there": (
        Shown(None, None, None, None, False, "video", None, "This video has been removed by the uploader"),  # noqa: FBT003
        (FOLLOWED,),
        WATCH,
        [
            "YouTube does not say whose it is, or there is no such video: whether its channel is followed cannot be told"
        ],
    ),
    "announced": (
        shown(
            published_at=NOW - 90 * DAY,
            kind="livestream",
            live_status="is_upcoming",
            instead="Premieres in 3 hours",
        ),
        (FOLLOWED,),
        WATCH,
        ["YouTube shows instead of it: Premieres in 3 hours, so it has no words yet", HELD, READ],
    ),
    "the feed was read before": (
        shown(published_at=NOW - HOUR / 2),
        (FOLLOWED,),
        WATCH,
        [
            HELD,
            "its channel's feed was last read at 2026-11-28 06:00 UTC, before it was published; it is read every 15 min",
        ],
    ),
    "the feed was read right afterwards": (
        shown(published_at=NOW - HOUR * 1.1),
        (FOLLOWED,),
        WATCH,
        [
            HELD,
            (
                "its channel's feed was last read at 2026-11-28 06:00 UTC, and may not have shown it by then; it is read"
                " every 15 min"
            ),
        ],
    ),
    "the feed was never read": (
        SHOWN,
        (FOLLOWED,),
        WatchState(NOW),
        [HELD, "its channel's feed was not read here yet; it is read every 15 min"],
    ),
    "the look failed": (
        SHOWN,
        (FOLLOWED,),
        WatchState(NOW, None, {CHANNEL: Seen(NOW - HOUR, None, "no feed, no tabs.")}),
        [
            HELD,
            "the last look at its channel, at 2026-11-28 06:00 UTC, failed: no feed, no tabs",
            "its channel's feed was not read here yet; it is read every 15 min",
        ],
    ),
    "old, and the walk back is under way": (
        shown(published_at=NOW - 20 * DAY),
        (BACK,),
        WatchState(NOW, new_waiting=1, old_waiting=1199),
        [
            HELD,
            "the walk back over the videos tab is not over: old videos go behind new ones and retries",
            (
                "1,200 videos found and not asked for yet (1,199 old): at 20 a minute (EARMARK_YOUTUBE_PER_MINUTE) that takes"
                " 1 h"
            ),
        ],
    ),
    "old, and the walk back is over": (shown(published_at=NOW - 20 * DAY), (BACK, SCANNED), WATCH, [HELD]),
    "watch is away": (
        SHOWN,
        (FOLLOWED,),
        replace(WATCH, at=NOW - HOUR),
        [
            HELD,
            READ,
            "watch does not run here now, it last said something at 2026-11-28 06:00 UTC: `earmark up`",
        ],
    ),
    "watch has never run": (
        SHOWN,
        (FOLLOWED,),
        None,
        [
            HELD,
            "its channel's feed was not read here yet; it is read every 15 min",
            "watch has never run here, so nothing is found: `earmark up`",
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_video_that_is_not_there_has_its_reason(name: str) -> None:
    video, events, watch, sentences = CASES[name]
    assert why(video, *events, watch=watch) == sentences


def test_a_stream_older_than_the_following_needs_its_tab() -> None:
    stream = shown(published_at=NOW - 20 * DAY, kind="livestream")
    said = why(stream, BACK, pace=replace(PACE, tabs=("videos",)))
    assert said[1] == (
        "older videos are found on the tabs of EARMARK_TABS (videos) alone, and it is of the streams tab"
    )


def test_while_youtube_refuses_it_says_until_when() -> None:
    said = why(SHOWN, FOLLOWED, watch=replace(WATCH, pause=REFUSAL))
    assert said[-1].startswith(
        "YouTube refuses every request: Please sign in. (since 06:00, until 08:00) → everything waits and nothing is lost;"
    )


def test_what_it_is_stands_in_front() -> None:
    around = Surroundings(Channels(), [], PACE, WATCH)
    assert why_absent("v", SHOWN, around, NOW)[0] == (
        "YouTube shows a video of The Desk, published 2026-11-28 04:00 UTC: “Rates”"
    )
    dated = replace(SHOWN, day_only=True, kind="short", title=None)
    assert why_absent("v", dated, around, NOW)[0] == "YouTube shows a short of The Desk, published 2026-11-28"


def test_without_youtube_it_says_what_is_known() -> None:
    nobody, *known = why("no network.", FOLLOWED)
    assert nobody == "YouTube does not say whose it is, so why it is not here cannot be told: no network"
    assert known == [
        "followed are The Desk: if it is of one of them, watch has not sent it yet or passed it over",
        "if it is a short, EARMARK_TABS leaves it out",
    ]
    assert why("no network.")[1:] == [
        "no channel is followed, so only `earmark add video000000` would have brought it"
    ]

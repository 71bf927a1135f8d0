"""When channels are looked at: spread evenly, one at a time while YouTube refuses, none while it refuses captions."""

import asyncio
from datetime import UTC, datetime, timedelta

from streams.discovery.due import Backlog, Pace
from streams.discovery.feed import Feed
from streams.discovery.known import Known
from streams.discovery.look import Scout
from streams.discovery.looks import Looks
from streams.discovery.youtube import RefusedError, YouTube
from streams.errors import EarmarkError
from streams.events.captions import CaptionsUnavailable
from streams.events.channels import ChannelFollowed
from streams.events.event import Position
from streams.events.videos import Video
from streams.ytdlp.process import Options

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
POLL = 15 * MINUTE
CHANNELS = [f"UC{number}" for number in range(4)]


class Desk:
    """Looks at four channels that were followed long ago, before a YouTube that a test lets refuse."""

    def __init__(self) -> None:
        self.time = NOON
        self.refuses = False
        self.is_away = False
        self.asked: list[str] = []
        self.known = Known()
        for offset, channel_id in enumerate(CHANNELS):
            followed = ChannelFollowed(
                at=NOON - 9 * DAY, channel_id=channel_id, handle=None, title=None, since=None
            )
            self.known.apply_event(followed, Position(partition=0, offset=offset))
        pace = Pace(POLL, per_minute=20, tabs=())
        scout = Scout(YouTube(Options()), self.get_feed, (), self.known, Backlog(), self.now)
        self.looks = Looks(scout, pace, self.now)

    def now(self) -> datetime:
        return self.time

    async def get_feed(self, channel_id: str) -> Feed:
        self.asked.append(channel_id)
        if self.refuses:
            raise RefusedError("YouTube answers HTTP 429")
        if self.is_away:
            raise EarmarkError("the name does not resolve")
        return Feed("Title", ())

    async def after(self, wait: timedelta, *, rounds: int = 1) -> list[str]:
        """Who is asked within so many rounds of `wait`."""
        before = len(self.asked)
        for _ in range(rounds):
            self.time += wait
            self.looks.start_due()
            for _ in range(5):
                await asyncio.sleep(0)
        return self.asked[before:]


async def test_looks_begin_a_gap_apart_and_come_again_after_the_interval() -> None:
    desk = Desk()
    # One that is late by a gap makes up for it.
    assert [len(await desk.after(SECOND)) for _ in range(4)] == [2, 1, 1, 0]
    assert await desk.after(POLL * 0.85) == []
    assert sorted(await desk.after(MINUTE, rounds=6)) == CHANNELS
    assert {seen.problem for seen in desk.looks.seen.values()} == {None}


async def test_a_refused_feed_pauses_every_channel_and_one_probes_at_growing_intervals() -> None:
    desk = Desk()
    desk.refuses = True
    assert len(await desk.after(SECOND)) == 2, "both were under way"
    pause = desk.looks.pause
    assert pause is not None
    assert await desk.after(MINUTE, rounds=4) == []
    assert len(await desk.after(2 * MINUTE + SECOND)) == 1
    assert desk.looks.pause is not None
    assert desk.looks.pause.since == pause.since
    assert await desk.after(MINUTE, rounds=9) == []
    desk.refuses = False
    assert len(await desk.after(4 * MINUTE)) == 1
    assert desk.looks.pause is None
    assert len(set(await desk.after(SECOND, rounds=4))) == 3, "everybody who waits goes"
    assert all(seen.last_success is not None for seen in desk.looks.seen.values())


async def test_while_captions_are_refused_no_channel_is_looked_at() -> None:
    desk = Desk()
    refused = CaptionsUnavailable(
        at=NOON,
        video=Video(video_id="abcdefghijk", url="u", origin="poll"),
        revision=1,
        attempt=1,
        tries=0,
        reason="Sign in to confirm you're not a bot",
        failure="soon",
        starts_at=None,
        next_try_at=NOON,
    )
    desk.known.apply_event(refused, Position(partition=0, offset=9))
    assert await desk.after(MINUTE, rounds=60) == []


async def test_a_channel_that_is_refused_while_others_are_not_waits_alone() -> None:
    desk = Desk()
    odd = CHANNELS[0]

    async def get_feed(channel_id: str) -> Feed:
        desk.asked.append(channel_id)
        if channel_id == odd:
            raise RefusedError("YouTube answers HTTP 429")
        return Feed("Title", ())

    scout = Scout(YouTube(Options()), get_feed, (), desk.known, Backlog(), desk.now)
    desk.looks = Looks(scout, Pace(POLL, per_minute=20, tabs=()), desk.now)
    await desk.after(MINUTE, rounds=240)
    others = [desk.asked.count(channel_id) for channel_id in CHANNELS[1:]]
    assert min(others) > 12, "three hours and more of fifteen minutes each"
    assert desk.asked.count(odd) > 5
    assert "429" in str(desk.looks.seen[odd].problem)


async def test_a_youtube_that_cannot_be_reached_is_away_from_the_first_look_until_one_succeeds() -> None:
    desk = Desk()
    desk.is_away = True
    await desk.after(SECOND)
    assert desk.looks.away is None, "two channels may have gone for good"
    await desk.after(SECOND, rounds=3)
    away = desk.looks.away
    assert away is not None
    assert (away.since, away.problem) == (NOON + SECOND, "the name does not resolve")
    await desk.after(MINUTE, rounds=12)
    assert desk.looks.away is not None
    assert desk.looks.away.since == away.since
    desk.is_away = False
    await desk.after(MINUTE, rounds=12)
    assert desk.looks.away is None


async def test_one_channel_that_fails_is_not_youtubes_absence() -> None:
    desk = Desk()
    await desk.after(SECOND, rounds=2)
    desk.is_away = True
    await desk.after(SECOND)
    assert desk.looks.away is None

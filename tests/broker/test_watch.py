"""Watch on the real broker, with the real yt-dlp against the loopback YouTube."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from streams.clock import utc_now
from streams.discovery.due import Pace
from streams.discovery.watch import Report, watch
from streams.discovery.watch_state import WatchState
from streams.discovery.youtube import YouTube
from streams.events.captions import CaptionsRequested, CaptionsUnavailable
from streams.events.channels import ChannelFollowed, ChannelScanned
from streams.events.event import Event
from streams.events.record import Record
from streams.events.videos import Video, VideoDiscovered
from streams.log.connection import Connection
from streams.log.follow import follow
from streams.log.gaps import go_on
from streams.log.publish import publisher
from streams.log.topics import CAPTIONS_REQUESTS, CHANNELS, VIDEOS
from streams.loopback.channel import Channel, ChannelVideo
from streams.loopback.youtube import LoopbackYoutube, serve
from streams.ytdlp.process import Options
from tests.builders.deleted import delete_before

pytestmark = pytest.mark.kafka

NOW = utc_now()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CHANNEL_ID = "UC0123456789abcdefghijkl"
PACE = Pace(poll_interval=timedelta(seconds=1), per_minute=6000, tabs=("videos", "streams"))
RARELY = Pace(poll_interval=DAY, per_minute=6000, tabs=("videos", "streams"))


def video(number: int, published_at: datetime) -> ChannelVideo:
    return ChannelVideo(f"video{number:06d}", f"Video {number}", published_at, 600)


def channel(*videos: ChannelVideo) -> Channel:
    return Channel(CHANNEL_ID, "@plain", "Plain & Fair", videos)


def followed(at: datetime, since: datetime | None = None, channel_id: str = CHANNEL_ID) -> ChannelFollowed:
    return ChannelFollowed(at=at, channel_id=channel_id, handle="@plain", title="Plain", since=since)


class Log:
    """Every event that watch may have sent, as the log has it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.events: list[Event] = []

    def apply(self, record: Record) -> None:
        self.events.append(record.event())

    def videos(self) -> list[Video]:
        return [event.video for event in self.events if isinstance(event, VideoDiscovered)]

    def origins(self) -> dict[str, str]:
        return {video.video_id: video.origin for video in self.videos()}

    def covered(self) -> set[str]:
        return {event.tab for event in self.events if isinstance(event, ChannelScanned) and event.complete}

    def requests(self) -> list[CaptionsRequested]:
        return [event for event in self.events if isinstance(event, CaptionsRequested)]

    async def append(self, *events: Event) -> None:
        async with publisher(self.connection) as out:
            await out.append_all(events)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Read on until it holds."""
        self.events.clear()
        async with asyncio.timeout(60):
            topics = (CHANNELS, VIDEOS, CAPTIONS_REQUESTS)
            async with follow(self.connection, topics, self.apply, on_gaps=go_on) as follower:
                while not holds():
                    await follower.moved()
                await follower.reach_now()


@asynccontextmanager
async def watching(
    connection: Connection, youtube: LoopbackYoutube, pace: Pace, report: Report = lambda _: None
) -> AsyncIterator[None]:
    port = YouTube(Options(youtube_url=youtube.origin))
    task = asyncio.create_task(watch(connection, youtube=port, pace=pace, now=utc_now, report=report))
    try:
        yield
        assert not task.done(), "watch ended by itself"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  what is waited for has no event to set
            await asyncio.sleep(0.1)


def polls(youtube: LoopbackYoutube) -> int:
    return sum(path.startswith("/feeds/") for path in youtube.requests)


async def test_since_takes_old_videos_as_backfill_and_a_restart_sends_nothing_twice(
    connection: Connection,
) -> None:
    old = [video(n, NOW - n * DAY) for n in range(2, 36)]
    new = video(1, NOW - HOUR)
    log = Log(connection)
    async with serve(LoopbackYoutube(channel(new, *old))) as youtube:
        states: list[WatchState] = []
        async with watching(connection, youtube, RARELY, states.append):
            await log.append(followed(NOW - DAY, since=NOW - 33 * DAY))
            await log.until(lambda: log.covered() == {"videos", "streams"})
            await eventually(lambda: states[-1].old_waiting == 0)
        assert 0 < max(state.old_waiting for state in states) <= len(old)
        origins = log.origins()
        assert origins.pop(new.video_id) == "poll"
        assert set(origins.values()) == {"backfill"}
        assert {f"video{n:06d}" for n in range(2, 33)} <= origins.keys()
        feed_s, tab_s = (next(v for v in log.videos() if v.video_id == f"video{n:06d}") for n in (2, 30))
        assert (feed_s.published_at, feed_s.channel_title) == (NOW - 2 * DAY, "Plain & Fair")
        assert (tab_s.published_at, tab_s.channel_title) == (None, "Plain")

        sent, seen = len(log.events), len(youtube.requests)
        async with watching(connection, youtube, PACE):
            await eventually(lambda: polls(youtube) >= 3)
            youtube.show(channel(video(0, NOW), new, *old))
            await log.until(lambda: "video000000" in log.origins())
        assert len(log.events) == sent + 1
        assert all(path.startswith("/feeds/") for path in youtube.requests[seen:]), (
            "a covered tab was walked again"
        )


async def test_without_a_feed_the_tabs_tell_what_is_new(connection: Connection) -> None:
    log = Log(connection)
    await log.append(followed(NOW - DAY))
    server = LoopbackYoutube(channel(video(1, NOW - 5 * HOUR), video(2, NOW - 9 * DAY)), feed_status=404)
    async with serve(server) as youtube, watching(connection, youtube, RARELY):
        await log.until(lambda: bool(log.videos()))
    assert log.origins() == {"video000001": "poll"}


async def test_more_new_videos_than_a_feed_holds_are_found_on_the_tabs(connection: Connection) -> None:
    log = Log(connection)
    await log.append(followed(NOW - 25 * DAY))
    videos = [video(n, NOW - n * DAY) for n in range(1, 19)]
    async with serve(LoopbackYoutube(channel(*videos))) as youtube, watching(connection, youtube, RARELY):
        await log.until(lambda: len(log.videos()) == len(videos))
    assert set(log.origins().values()) == {"poll"}
    dated = {video.video_id for video in log.videos() if video.published_at is not None}
    assert dated == {f"video{n:06d}" for n in range(1, 16)}


async def test_a_channel_that_fails_does_not_stop_the_others(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log(connection)
    gone = "UCgonegonegonegonegone00"
    await log.append(followed(NOW - DAY, channel_id=gone), followed(NOW - DAY))
    async with (
        serve(LoopbackYoutube(channel(video(1, NOW)))) as youtube,
        watching(connection, youtube, RARELY),
    ):
        await log.until(lambda: bool(log.videos()))
        await eventually(lambda: gone in {vars(record).get("channel") for record in caplog.records})
    assert log.origins() == {"video000001": "poll"}


async def test_a_try_that_fell_due_is_asked_for_once_with_what_is_known_by_now(
    connection: Connection,
) -> None:
    log = Log(connection)
    known = Video(video_id="video000001", url="https://example.com", title="Completed", origin="poll")
    failed = CaptionsUnavailable(
        at=NOW,
        video=known,
        revision=1,
        attempt=2,
        tries=2,
        reason="no captions yet",
        failure="later",
        starts_at=None,
        next_try_at=NOW,
    )
    others = (known.model_copy(update={"video_id": f"video00000{n}"}) for n in (2, 3))
    late, second = (failed.model_copy(update={"video": other}) for other in others)
    late = late.model_copy(update={"next_try_at": NOW + DAY})
    await log.append(VideoDiscovered(at=NOW, video=known), late, failed, failed)
    async with serve(LoopbackYoutube(channel())) as youtube:
        async with watching(connection, youtube, RARELY):
            await log.until(lambda: len(log.requests()) == 1)
        await log.append(failed, second)
        async with watching(connection, youtube, RARELY):
            await log.until(lambda: second.video in [request.video for request in log.requests()])
    first, after_restart = sorted(log.requests(), key=lambda request: request.video.video_id)
    assert (first.video, first.revision, first.attempt, first.cause) == (known, 1, 3, "retry")
    assert after_restart.video == second.video


async def test_a_log_that_lost_its_beginning_is_watched_from_what_is_left(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """The channels that are still in it are polled, and what is gone is said."""
    log = Log(connection)
    await log.append(followed(NOW - DAY, channel_id="UCgone"), followed(NOW - DAY))
    named = await delete_before(connection, CHANNELS, 0, 1)
    async with serve(LoopbackYoutube(channel(video(1, NOW - HOUR)))) as youtube:
        async with watching(connection, youtube, RARELY):
            await log.until(lambda: len(log.videos()) == 1)
        assert not any("UCgone" in path for path in youtube.requests)
    assert f"{named} and not at 0" in caplog.text

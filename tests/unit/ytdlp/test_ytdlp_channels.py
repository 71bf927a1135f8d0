"""What discovery asks: the real yt-dlp against the loopback YouTube, in a thread instead of its own process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streams.loopback.channel import Channel, ChannelVideo
from streams.loopback.youtube import LoopbackYoutube, serve
from streams.ytdlp.channels import resolve, tab
from streams.ytdlp.process import ExtractionError, Options
from streams.ytdlp.session import Session

NOW = datetime.now(UTC)
CHANNEL = Channel(
    "UC" + "e" * 22,
    "@evening",
    "Evening & Co",
    tuple(
        ChannelVideo(f"video{n:06d}", f"Day {n}", NOW - timedelta(days=n, hours=6), 60 + n) for n in range(40)
    ),
)


@pytest.fixture
async def youtube() -> AsyncIterator[LoopbackYoutube]:
    async with serve(LoopbackYoutube(CHANNEL)) as server:
        yield server


async def ask(
    youtube: LoopbackYoutube, task: Callable[..., dict[str, Any]], *arguments: Any, **named: Any
) -> dict[str, Any]:
    def answer() -> dict[str, Any]:
        with closing(Session(Options(youtube_url=youtube.origin))) as session:
            return task(session, *arguments, **named)

    return await asyncio.to_thread(answer)


@pytest.mark.parametrize(
    "channel", ["@evening", CHANNEL.channel_id, "https://www.youtube.com/@evening/videos"]
)
async def test_a_channel_is_found_by_handle_id_and_address(youtube: LoopbackYoutube, channel: str) -> None:
    assert await ask(youtube, resolve, channel) == {
        "channel_id": CHANNEL.channel_id,
        "handle": "@evening",
        "title": "Evening & Co",
    }


async def test_an_address_that_is_not_youtubes_is_refused_unasked(youtube: LoopbackYoutube) -> None:
    with pytest.raises(ExtractionError, match="No suitable extractor"):
        await ask(youtube, resolve, "https://example.com/@evening")
    assert youtube.requests == []


async def test_a_tab_is_listed_over_its_pages_with_rounded_dates(youtube: LoopbackYoutube) -> None:
    listing = await ask(youtube, tab, CHANNEL.channel_id, "videos")
    assert [entry["video_id"] for entry in listing["entries"]] == [video.video_id for video in CHANNEL.videos]
    assert len(youtube.requests) == 2
    third = listing["entries"][2]
    assert (third["title"], third["duration_s"]) == ("Day 2", 62)
    assert abs(datetime.fromisoformat(third["date"]) - (NOW - timedelta(days=2))) <= timedelta(days=1)


async def test_the_walk_ends_at_the_first_run_of_known_videos(youtube: LoopbackYoutube) -> None:
    known = [f"video{n:06d}" for n in (0, 2, 3, 4, 5)]
    listing = await ask(youtube, tab, CHANNEL.channel_id, "videos", known=known)
    assert [entry["video_id"] for entry in listing["entries"]] == [f"video{n:06d}" for n in range(5)]
    assert len(youtube.requests) == 1


async def test_the_walk_ends_where_videos_are_surely_older_and_misses_none(youtube: LoopbackYoutube) -> None:
    since = NOW - timedelta(days=9)
    listing = await ask(youtube, tab, CHANNEL.channel_id, "videos", since=since.isoformat())
    listed = {entry["video_id"] for entry in listing["entries"]}
    assert {video.video_id for video in CHANNEL.videos if video.published_at >= since} <= listed
    assert len(listed) < len(CHANNEL.videos)


async def test_a_tab_that_the_channel_does_not_have_is_empty(youtube: LoopbackYoutube) -> None:
    assert await ask(youtube, tab, CHANNEL.channel_id, "streams") == {"entries": []}

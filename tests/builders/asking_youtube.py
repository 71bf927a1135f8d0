"""The real yt-dlp, in a thread instead of its own process, before the loopback YouTube with a clock that a test sets."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from streams.loopback.channel import Channel, ChannelVideo
from streams.loopback.youtube import LoopbackYoutube
from streams.ytdlp.process import ExtractionError, Options
from streams.ytdlp.session import Session

DAY = datetime(2026, 10, 5, 14, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
ID = "video000000"


class Wall:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = DAY + 24 * HOUR

    def __call__(self) -> datetime:
        return self.time


def one(**said: Any) -> ChannelVideo:
    return ChannelVideo(ID, "Rates & chips", DAY, 61, **said)


def channel(*videos: ChannelVideo, letter: str = "d") -> Channel:
    return Channel("UC" + letter * 22, f"@desk{letter}", "The Desk", videos)


async def ask(youtube: LoopbackYoutube, question: Callable[[Session], Any]) -> Any:
    def answer() -> Any:
        with closing(Session(Options(youtube_url=youtube.origin))) as session:
            return question(session)

    return await asyncio.to_thread(answer)


async def info_of(youtube: LoopbackYoutube, video: ChannelVideo, *, unplayable: bool = False) -> Any:
    """What yt-dlp knows of the video; `unplayable`: also where it has no formats, which is else an error."""
    youtube.show(channel(video))

    def question(session: Session) -> Any:
        info = session.extract(f"https://www.youtube.com/watch?v={video.video_id}", "Youtube")
        if session.unplayable is not None and not unplayable:
            raise ExtractionError("ExtractorError", session.unplayable, None)
        return info

    return await ask(youtube, question)


async def feed_of(youtube: LoopbackYoutube, channel_id: str) -> str:
    """The body of a channel's feed."""
    url = f"https://www.youtube.com/feeds/videos.xml?channel_id={channel_id}"
    body: bytes = await ask(youtube, lambda session: session.get(url)[1])
    return body.decode()

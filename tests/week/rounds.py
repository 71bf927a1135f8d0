"""Watch, made to go round when a test wants it to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from streams.clock import Clock
from streams.discovery.due import Pace
from streams.discovery.watch import watch
from streams.discovery.watch_state import WatchState
from streams.discovery.youtube import YouTube
from streams.events.channels import ChannelScanned
from streams.log.connection import Connection
from streams.log.publish import Publisher
from streams.ytdlp.process import Options

LIMIT_S = 120.0
EVER = datetime(2026, 1, 1, tzinfo=UTC)
# Watch waits for the log to move: an event that says nothing wakes it.
NUDGE = ChannelScanned(at=EVER, channel_id="UC", tab="videos", since=EVER, complete=False)


@asynccontextmanager
async def watching(
    connection: Connection, origin: str, pace: Pace, now: Clock, out: Publisher
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Watch for as long as the block lasts; what it gives lets it go round once."""
    went_round = asyncio.Event()

    def report(_: WatchState) -> None:
        went_round.set()

    async def go_round() -> None:
        went_round.clear()
        await out.append(NUDGE)
        async with asyncio.timeout(LIMIT_S):
            await went_round.wait()

    youtube = YouTube(Options(youtube_url=origin))
    task = asyncio.create_task(
        watch(connection, youtube=youtube, pace=pace, now=now, report=report), name="watch"
    )
    try:
        yield go_round
        assert not task.done(), "watch ended by itself"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

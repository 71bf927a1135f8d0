"""A worker with one small agent, started as a process of its own: what a video's id begins with is what befalls it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from streams.app.diagnostics import configure
from streams.clock import utc_now
from streams.errors import EarmarkError, TransientError
from streams.events.captions import CaptionsUnavailable
from streams.events.event import Event, Position
from streams.events.videos import VideoDiscovered
from streams.log.connection import Connection
from streams.log.publish import publisher
from streams.log.topics import VIDEOS
from streams.worker.wrapper import Agent, Batches
from tests.builders.worker_process import run_worker

TIME_LIMIT_S = 2.0
SLEEPS_S = {"hang": 3600.0, "slow": 0.3}
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def result(event: VideoDiscovered, reason: str) -> CaptionsUnavailable:
    """What the agent makes of a video."""
    return CaptionsUnavailable(
        at=EPOCH,
        video=event.video,
        revision=1,
        attempt=1,
        tries=1,
        reason=reason,
        failure="permanent",
        starts_at=None,
        next_try_at=None,
    )


def first_time(folder: Path, video_id: str) -> bool:
    """Whether this video is met for the first time, over all processes that share `folder`."""
    try:
        (folder / video_id).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


async def long(event: Event, folder: Path) -> Batches:
    """Go on until somebody says that it is enough, as an activation goes on for minutes."""
    assert isinstance(event, VideoDiscovered)
    (folder / "begun").touch()
    while not (folder / "enough").exists():
        await asyncio.sleep(0.05)
        yield []
    yield [result(event, "captioned")]


def main(bootstrap: str, prefix: str, slot: str, folder: Path) -> None:
    """Run the worker in `slot` until it is stopped."""
    connection = Connection(bootstrap, prefix)

    @asynccontextmanager
    async def agents() -> AsyncIterator[Sequence[Agent]]:
        def handle(event: Event, position: Position) -> Batches | Awaitable[Sequence[Event]]:
            return long(event, folder) if event.key.startswith("long-") else short(event, position)

        async def short(event: Event, _: Position) -> list[Event]:
            assert isinstance(event, VideoDiscovered)
            video_id = event.video.video_id
            kind = video_id.partition("-")[0]
            await asyncio.sleep(SLEEPS_S.get(kind, 0.0))
            match kind:
                case "raise" if not (folder / "fixed").exists():
                    raise ValueError("this video is poison")
                case "later" if first_time(folder, video_id):
                    (folder / "given-up").write_text(video_id)
                    raise TransientError("not now")
                case "later" if (folder / "given-up").exists():
                    raise TransientError("not now either")
                case "kill" if first_time(folder, video_id):
                    async with publisher(connection) as out:
                        await out.append(result(event, "captioned"))
                    os.kill(os.getpid(), signal.SIGKILL)
                case "slot":
                    return [result(event, slot)]
            return [result(event, "captioned")]

        yield [Agent("caption_videos", (VIDEOS,), handle, TIME_LIMIT_S, (VideoDiscovered,))]

    configure()
    run_worker(connection, slot, agents, utc_now)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:4], Path(sys.argv[4]))
    except EarmarkError as error:
        sys.exit(str(error))

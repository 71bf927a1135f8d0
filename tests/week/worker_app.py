"""The worker of a simulation: the real handler, the real yt-dlp in its own processes, and the simulation's clock."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from streams.app.diagnostics import configure
from streams.captions.extract_captions import extract_captions
from streams.captions.fetch import TIME_LIMIT_S, fetch_captions
from streams.log.connection import Connection
from streams.log.topics import CAPTIONS_REQUESTS, VIDEOS
from streams.settings import Settings
from streams.worker.wrapper import Agent
from streams.ytdlp.process import Options
from tests.builders.worker_process import run_worker
from tests.week.wall import Wall

DELAYS: tuple[float, ...] = Settings.model_fields["captions_delays"].default


def main(bootstrap: str, prefix: str, origin: str, clock: Path) -> None:
    """Run until stopped."""
    now = Wall(clock)
    fetch = partial(fetch_captions, options=Options(youtube_url=origin), languages=())

    @asynccontextmanager
    async def agents() -> AsyncIterator[Sequence[Agent]]:
        yield [
            Agent(
                "extract_captions",
                (VIDEOS, CAPTIONS_REQUESTS),
                partial(extract_captions, fetch=fetch, delays=DELAYS, now=now),
                TIME_LIMIT_S + 10,
            )
        ]

    configure()
    run_worker(Connection(bootstrap, prefix), "week", agents, now)


if __name__ == "__main__":
    main(*sys.argv[1:4], Path(sys.argv[4]))

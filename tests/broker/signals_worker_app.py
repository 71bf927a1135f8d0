"""A worker that publishes signals, two videos at a time, as a process of its own; it may die in mid-activation."""

import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from streams.app.diagnostics import configure
from streams.clock import utc_now
from streams.events.analyses import AnalysisCompleted
from streams.events.event import Event, Position
from streams.events.prompts import PromptActivated
from streams.log.connection import Connection
from streams.log.fetch import fetcher
from streams.log.publish import publisher
from streams.log.topics import ANALYSES, PROMPTS
from streams.prompts.place_markers import place_markers
from streams.signals.publish_signals import PublishSignals
from streams.worker.wrapper import Agent, Batches
from tests.builders.worker_process import run_worker


def main(bootstrap: str, prefix: str, dies_in: int) -> None:
    """Run the worker until it is stopped, or in the middle of a marker's batch number `dies_in` (0: never)."""
    connection = Connection(bootstrap, prefix)

    @asynccontextmanager
    async def agents() -> AsyncIterator[Sequence[Agent]]:
        async with fetcher(connection) as bodies, publisher(connection) as out:
            handler = PublishSignals(bodies, batch=2)

            async def publish_signals(event: Event, position: Position) -> Batches:
                told = 0
                async for batch in handler.publish_signals(event, position):
                    told += isinstance(event, PromptActivated) and len(batch) > 0
                    if told and told == dies_in:
                        await out.append_all(batch[: len(batch) // 2])
                        os.kill(os.getpid(), signal.SIGKILL)
                    yield batch

            types = (AnalysisCompleted, PromptActivated)
            yield [
                Agent("publish_signals", (ANALYSES,), publish_signals, 60.0, types),
                Agent("place_markers", (PROMPTS,), place_markers, 60.0, (PromptActivated,)),
            ]

    configure()
    run_worker(connection, "w0", agents, utc_now)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

"""A Faust worker as a process of its own, without what the product's processes have besides."""

import asyncio
import signal

from streams.clock import Clock
from streams.log.connection import Connection
from streams.log.ready import topics_answer
from streams.worker.worker import Agents, work


def run_worker(connection: Connection, slot: str, agents: Agents, now: Clock) -> None:
    """Run the agents in this process until SIGTERM or SIGINT, as the group member named `slot`."""

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await topics_answer(connection)
        await work(connection, slot, agents, now, stop)

    asyncio.run(run())

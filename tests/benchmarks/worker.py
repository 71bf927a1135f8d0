"""The ordinary Faust worker, beside a benchmark that watches it."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.log.connection import Connection
from streams.log.follow import ends_of
from streams.log.topics import Topic

ROOT = Path(__file__).parents[2]


async def begin_here(connection: Connection, *topics: Topic) -> None:
    """Let the workers' group have handled everything that these topics hold so far."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=connection.bootstrap,
        group_id=f"{connection.prefix}worker",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        places = {
            TopicPartition(connection.name(topic), partition): end
            for topic in topics
            for partition, end in enumerate(await ends_of(connection, topic))
        }
        consumer.assign(list(places))
        await consumer.commit(places)
    finally:
        await consumer.stop()


@asynccontextmanager
async def worker(connection: Connection, home: Path, **variables: str) -> AsyncIterator[Process]:
    """`earmark worker` with these variables besides; killed at the block's end."""
    environment = os.environ | {
        "EARMARK_KAFKA": connection.bootstrap,
        "EARMARK_TOPIC_PREFIX": connection.prefix,
        "EARMARK_HOME": str(home),
        **variables,
    }
    with (home / "worker.log").open("wb") as log:
        command = [sys.executable, "-m", "streams", "worker"]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=log, stderr=log, env=environment, cwd=ROOT
        )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()

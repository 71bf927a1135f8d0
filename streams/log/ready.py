"""Waiting for a broker that serves the topics."""

import asyncio

from aiokafka.errors import KafkaError

from streams.errors import EarmarkError
from streams.log.connection import Connection
from streams.log.topics import TOPICS

START_LIMIT_S = 60.0


async def topics_answer(connection: Connection, limit_s: float = START_LIMIT_S) -> None:
    """Wait until every topic has its leaders. Raises EarmarkError after `limit_s` seconds."""
    missing = "no answer"
    try:
        async with asyncio.timeout(limit_s):
            while missing:
                try:
                    missing = ", ".join(await _without_leader(connection))
                except KafkaError as error:
                    missing = repr(error)
                if missing:
                    await asyncio.sleep(0.5)
    except TimeoutError:
        raise EarmarkError(
            f"Kafka at {connection.bootstrap} does not serve the topics ({missing}): start the broker and run"
            " `earmark topics apply`"
        ) from None


async def _without_leader(connection: Connection) -> list[str]:
    admin = connection.admin()
    try:
        await admin.start()
        return [
            found["topic"]
            for found in await admin.describe_topics([connection.name(topic) for topic in TOPICS])
            if found["error_code"] != 0 or any(partition["leader"] < 0 for partition in found["partitions"])
        ]
    finally:
        await admin.close()

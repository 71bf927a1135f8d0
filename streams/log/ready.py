"""Waiting for a broker that serves the topics."""

import asyncio

from aiokafka.errors import KafkaError

from streams.errors import EarmarkError
from streams.log.access import PATIENCE_S, check_access
from streams.log.connection import Connection
from streams.log.topics import TOPICS

START_LIMIT_S = 60.0


async def topics_answer(connection: Connection, limit_s: float = START_LIMIT_S) -> None:
    """Wait until every topic has its leaders. Raises what `check_access` raises, and EarmarkError after `limit_s` seconds."""
    await check_access(connection, min(limit_s, PATIENCE_S))
    missing = "no answer"
    try:
        async with asyncio.timeout(limit_s):
            while missing:
                try:
                    missing = await _missing(connection)
                except KafkaError as error:
                    missing = repr(error)
                if missing:
                    await asyncio.sleep(0.5)
    except TimeoutError:
        raise EarmarkError(
            f"Kafka at {connection.bootstrap} does not serve the topics ({missing}): make them with `earmark prepare`,"
            " and see EARMARK_TOPIC_PREFIX"
        ) from None


async def _missing(connection: Connection) -> str:
    """What is not there of the topics, in words; empty where every partition has its leader."""
    names = [connection.name(topic) for topic in TOPICS]
    admin = connection.admin()
    try:
        await admin.start()
        there = set(await admin.list_topics()).intersection(names)
        if not there:
            return f"there is none whose name begins with {connection.prefix!r}"
        served = {
            found["topic"]
            for found in await admin.describe_topics(sorted(there))
            if found["error_code"] == 0 and all(partition["leader"] >= 0 for partition in found["partitions"])
        }
    finally:
        await admin.close()
    return ", ".join(name for name in names if name not in served)

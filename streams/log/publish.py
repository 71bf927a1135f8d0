"""One way to put an event into the log: encoded, sent, awaited."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from streams.events.envelope import encode
from streams.events.event import Event
from streams.log.connection import Connection
from streams.log.topics import destination


def partition_of(key: str, partitions: int) -> int:
    """The partition a key falls in: murmur2, as every Kafka client's default has it."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


@dataclass(frozen=True)
class Appended:
    """Where an event came to stand, and when by the broker's clock (milliseconds since 1970)."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


class Publisher:
    """Appends events to the log. A send that fails raises: nothing is ever sent in the background."""

    def __init__(self, connection: Connection, producer: AIOKafkaProducer) -> None:
        self._connection = connection
        self._producer = producer

    async def append(self, event: Event) -> Appended:
        """Append `event` to its topic and wait until the broker has it.

        Raises aiokafka's KafkaError; after a time-out the event may or may not be in the log.
        """
        topic, partition = destination(event)
        message = encode(event)
        sent = await self._producer.send_and_wait(
            self._connection.name(topic),
            value=message.value,
            key=message.key,
            headers=list(message.headers),
            partition=partition,
        )
        return Appended(sent.topic, sent.partition, sent.offset, sent.timestamp)

    async def append_all(self, events: Iterable[Event]) -> None:
        """Append each event in order, the next when the broker has the one before."""
        for event in events:
            await self.append(event)


@asynccontextmanager
async def publisher(connection: Connection) -> AsyncIterator[Publisher]:
    """A publisher for as long as the block lasts."""
    producer = connection.producer()
    try:
        await producer.start()
        yield Publisher(connection, producer)
    finally:
        await producer.stop()

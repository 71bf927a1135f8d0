"""One way to put an event into the log: encoded, sent, awaited."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.codec import zstd_encode
from aiokafka.partitioner import murmur2

from streams.events.envelope import Headers, encode
from streams.events.event import Event
from streams.log.connection import Connection
from streams.log.noted import note
from streams.log.topics import MAX_MESSAGE_BYTES, MAX_PLAIN_BYTES, Topic, destination

# What a batch adds to a body: its frame, key and headers.
FRAME_BYTES = 64 * 1024


def partition_of(key: str, partitions: int) -> int:
    """The partition a key falls in: murmur2, as every Kafka client's default has it."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


def too_large(event: Event) -> str | None:
    """The size of `event` in words where no topic would take it, and it could be no dead letter either; else None."""
    body = encode(event).value
    if len(body) + FRAME_BYTES <= MAX_MESSAGE_BYTES:
        return None
    packed = len(zstd_encode(body))
    if len(body) + FRAME_BYTES <= MAX_PLAIN_BYTES and packed + FRAME_BYTES <= MAX_MESSAGE_BYTES:
        return None
    return f"{len(body) / 1e6:.1f} MB, {packed / 1e6:.1f} MB compressed"


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
        appended = await self.append_bytes(topic, partition, message.key, message.value, message.headers)
        note(topic, event)
        return appended

    async def append_bytes(
        self, topic: Topic, partition: int | None, key: bytes | None, value: bytes | None, headers: Headers
    ) -> Appended:
        """Append a message part by part; where `partition` is null the key chooses it. Raises as `append` does."""
        sent = await self._producer.send_and_wait(
            self._connection.name(topic), value=value, key=key, headers=list(headers), partition=partition
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

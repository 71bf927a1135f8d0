"""One way to put events into the log: encoded, sent, awaited."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.codec import zstd_encode
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from streams.events.envelope import Headers, Message, encode
from streams.events.event import Event
from streams.log.connection import Connection
from streams.log.noted import note
from streams.log.topics import MAX_MESSAGE_BYTES, MAX_PLAIN_BYTES, Topic, destination

# What a batch adds to a body: its frame, key and headers.
FRAME_BYTES = 64 * 1024
# So many events, and bytes of their bodies, are on their way at once: what follows from one message mostly fits. What is
# larger goes alone, for the log may refuse it, and nothing may come to stand behind what it refused.
TOGETHER = 1000
TOGETHER_BYTES = 2**20
# What shares a batch compresses better, and whoever wants one record of it reads all of it.
BATCH_BYTES = 64 * 1024


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
        """Append events, and wait until the broker has them all. Those of one partition keep their order.

        They share batches, which makes the log smaller and quicker to read, and one round to the broker. Raises as
        `append` does, once it is known what became of each: any of them may then be in the log, but none behind one that
        its partition refused.
        """
        for group in _groups(events):
            await self._append_group(group)

    async def _append_group(self, group: list[tuple[Event, Message]]) -> None:
        sent: list[asyncio.Future[object]] = []
        never_left: list[BaseException] = []
        for event, message in group:
            topic, partition = destination(event)
            try:
                future = await self._producer.send(
                    self._connection.name(topic),
                    value=message.value,
                    key=message.key,
                    headers=list(message.headers),
                    partition=partition,
                )
            except KafkaError as error:
                never_left.append(error)
                break
            sent.append(future)
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
        for (event, _), outcome in zip(group, outcomes, strict=False):
            if not isinstance(outcome, BaseException):
                note(destination(event)[0], event)
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)] + never_left
        if errors:
            raise errors[0]


def _groups(events: Iterable[Event]) -> Iterator[list[tuple[Event, Message]]]:
    """The events in order, as many at a time as may be on their way at once."""
    group: list[tuple[Event, Message]] = []
    size = 0
    for event in events:
        message = encode(event)
        if group and (len(group) == TOGETHER or size + len(message.value) > TOGETHER_BYTES):
            yield group
            group, size = [], 0
        group.append((event, message))
        size += len(message.value)
    if group:
        yield group


@asynccontextmanager
async def publisher(connection: Connection) -> AsyncIterator[Publisher]:
    """A publisher for as long as the block lasts."""
    producer = connection.producer(BATCH_BYTES)
    try:
        await producer.start()
        yield Publisher(connection, producer)
    finally:
        await producer.stop()

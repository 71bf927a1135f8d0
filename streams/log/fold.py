"""Reading the log: a topic to an offset, on from there, folded by a function without side effects.

Every state in Earmark that is not a Kafka group's position is made here.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from streams.errors import EarmarkError, TransientError
from streams.events.envelope import decode, header
from streams.events.event import Event
from streams.log.connection import Connection, stop
from streams.log.topics import Topic

BATCH = 2000
WAIT_MS = 500
# A fetcher jumps: what it asks for beyond the body it wants is read for nothing.
FETCH_BYTES = 256 * 1024
# Calls of a fetcher that go on at a time, each partition's in turn: one that has to jump much makes few others wait.
READERS = 4
# Wanted offsets no further apart than this are read in one go, with what stands between them.
NEAR = 50


@dataclass(frozen=True, slots=True)
class Record:
    """A message as it stands in the log; `topic` without the prefix, `timestamp_ms` by the broker's clock."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None

    def header(self, name: str) -> str | None:
        """The first header of that name as text, or None."""
        return header(self.headers, name)

    @property
    def type(self) -> str | None:
        """The event's type, or None where there is no such header."""
        return self.header("ce_type")

    def event(self) -> Event:
        """The event in it. Raises UndecodableError."""
        return decode(self.headers, self.value)


Apply = Callable[[Record], None]


def _record(topic: str, m: ConsumerRecord) -> Record:
    return Record(topic, m.partition, m.offset, m.timestamp, m.key, m.headers, m.value)


def _partitions(connection: Connection, topic: Topic) -> list[TopicPartition]:
    return [TopicPartition(connection.name(topic), partition) for partition in range(topic.partitions)]


Ends = Mapping[tuple[str, int], int]
"""(topic, partition) → the offset after the last record."""


class Follower:
    """Reads partitions from given offsets on and hands each record to `apply`, in order within a partition.

    A state that `apply` keeps is complete up to `position`. An exception in `apply` ends the follower and reaches
    everybody who waits for it.
    """

    def __init__(
        self, connection: Connection, consumer: AIOKafkaConsumer, asker: AIOKafkaConsumer, apply: Apply
    ) -> None:
        self._connection = connection
        self._consumer = consumer
        # On a connection of its own: a broker answers in turn, and a fetch with nothing to bring waits half a second.
        self._asker = asker
        self._apply = apply
        self._positions: dict[TopicPartition, int] = {}
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def start(self, topics: Iterable[Topic], start: Ends | None = None) -> None:
        """Assign every partition of `topics` and begin to read, each from `start` or else from 0."""
        partitions = [tp for topic in topics for tp in _partitions(self._connection, topic)]
        for tp in partitions:
            self._positions[tp] = (start or {}).get((self._bare(tp), tp.partition), 0)
        # No await between assign and the last seek, or a fetch may begin elsewhere.
        self._consumer.assign(partitions)
        for tp, offset in self._positions.items():
            self._consumer.seek(tp, offset)
        self._task = asyncio.create_task(self._run(), name="follower")

    def _bare(self, tp: TopicPartition) -> str:
        return str(tp.topic).removeprefix(self._connection.prefix)

    async def _run(self) -> None:
        try:
            while True:
                batches = await self._consumer.getmany(timeout_ms=WAIT_MS, max_records=BATCH)
                for tp, messages in batches.items():
                    topic = self._bare(tp)
                    for m in messages:
                        self._apply(_record(topic, m))
                for tp in self._positions:
                    # The position also passes what is no record; the last record's offset would not.
                    self._positions[tp] = await self._consumer.position(tp)
                async with self._moved:
                    self._moved.notify_all()
        finally:
            async with self._moved:
                self._moved.notify_all()

    def position(self, topic: Topic, partition: int) -> int:
        """The offset after the last record that was applied."""
        return self._positions[TopicPartition(self._connection.name(topic), partition)]

    async def ends(self, topic: Topic | None = None, partition: int | None = None) -> Ends:
        """The end offsets now, of every partition read here or of those asked for."""
        name = None if topic is None else self._connection.name(topic)
        tps = [tp for tp in self._positions if name in {None, tp.topic} and partition in {None, tp.partition}]
        ends = await self._asker.end_offsets(tps)
        return {(self._bare(tp), tp.partition): end for tp, end in ends.items()}

    async def reach(self, ends: Ends) -> None:
        """Wait until everything before `ends` is applied. Raises what ended the follower, if it ended."""
        targets = {tp: ends.get((self._bare(tp), tp.partition), 0) for tp in self._positions}
        async with self._moved:
            while any(self._positions[tp] < end for tp, end in targets.items()):
                self._raise_if_ended()
                await self._moved.wait()

    async def reach_now(self, topic: Topic | None = None, partition: int | None = None) -> None:
        """Wait until everything that is in the log now is applied."""
        await self.reach(await self.ends(topic, partition))

    async def moved(self) -> None:
        """Wait until the next batch (or half a second without one) is applied."""
        async with self._moved:
            self._raise_if_ended()
            await self._moved.wait()
        self._raise_if_ended()

    def _raise_if_ended(self) -> None:
        if self._task is not None and self._task.done():
            if not self._task.cancelled():
                self._task.result()
            raise EarmarkError("the follower has stopped")

    async def ended(self) -> None:
        """Wait until the follower ends by itself, and raise why."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """End the reading."""
        while self._task is not None and not self._task.done():
            self._task.cancel()  # again and again: aiokafka may lose a cancellation
            await asyncio.wait({self._task}, timeout=1)


@asynccontextmanager
async def follow(
    connection: Connection, topics: Iterable[Topic], apply: Apply, start: Ends | None = None
) -> AsyncIterator[Follower]:
    """A follower of `topics` that has applied everything the log held when it began, for as long as the block lasts."""
    consumer, asker = connection.consumer(), connection.consumer()
    follower = Follower(connection, consumer, asker, apply)
    try:
        await consumer.start()
        await asker.start()
        await follower.start(topics, start)
        await follower.reach_now()
        yield follower
    finally:
        await follower.stop()
        await stop(consumer)
        await stop(asker)


async def ends_of(connection: Connection, topic: Topic) -> tuple[int, ...]:
    """The end offsets of a topic's partitions now, in order."""
    consumer = connection.consumer()
    try:
        await consumer.start()
        ends = await consumer.end_offsets(_partitions(connection, topic))
        return tuple(ends[tp] for tp in sorted(ends))
    finally:
        await stop(consumer)


async def read(
    connection: Connection, topics: Iterable[Topic], apply: Apply, start: Ends | None = None
) -> None:
    """Apply everything the log holds now, once."""
    async with follow(connection, topics, apply, start):
        pass


def stretches(offsets: Iterable[int]) -> list[tuple[int, int]]:
    """The stretches (start, end not included) in which to read `offsets`: those near each other share one."""
    found: list[tuple[int, int]] = []
    for offset in sorted(offsets):
        if found and offset - found[-1][1] < NEAR:
            found[-1] = (found[-1][0], offset + 1)
        else:
            found.append((offset, offset + 1))
    return found


class Fetcher:
    """Fetches records by their position: the bodies that no state keeps, and the stretches that a state missed.

    Raises EarmarkError where the log lacks one, and TransientError where the broker brings none within the time limit.
    Calls wait for each other, for as long as it takes.
    """

    def __init__(self, connection: Connection, consumers: Sequence[AIOKafkaConsumer], limit_s: float) -> None:
        self._connection = connection
        self._readers = [(consumer, asyncio.Lock()) for consumer in consumers]
        self._limit_s = limit_s

    async def fetch(self, topic: Topic, partition: int, offset: int) -> Record:
        """The record at that place."""
        return (await self.fetch_many(topic, partition, [offset]))[offset]

    async def fetch_many(self, topic: Topic, partition: int, offsets: Iterable[int]) -> dict[int, Record]:
        """The records at those offsets."""
        wanted = set(offsets)
        async with aclosing(self._records(topic, partition, stretches(wanted))) as records:
            found = {record.offset: record async for record in records if record.offset in wanted}
        if missing := wanted - found.keys():
            raise EarmarkError(f"{self._connection.name(topic)}[{partition}] lacks offset {min(missing)}")
        return found

    async def ends(self, topic: Topic) -> dict[int, int]:
        """Each partition's offset after the last record, now."""
        ends = await self._readers[0][0].end_offsets(_partitions(self._connection, topic))
        return {tp.partition: end for tp, end in ends.items()}

    async def read(self, topic: Topic, partition: int, start: int, end: int, apply: Apply) -> None:
        """Apply the records of one partition from `start` up to `end` (not included), which the log must reach."""
        async with aclosing(self._records(topic, partition, [(start, end)])) as records:
            async for record in records:
                apply(record)

    async def _records(
        self, topic: Topic, partition: int, parts: Sequence[tuple[int, int]]
    ) -> AsyncGenerator[Record, None]:
        tp = TopicPartition(self._connection.name(topic), partition)
        consumer, lock = self._readers[partition % len(self._readers)]
        async with lock:
            for start, end in parts:
                consumer.assign([tp])
                consumer.seek(tp, start)
                position = start
                while position < end:
                    batch, position = await self._next(consumer, tp, position, end)
                    for message in batch:
                        yield _record(topic.name, message)

    async def _next(
        self, consumer: AIOKafkaConsumer, tp: TopicPartition, position: int, end: int
    ) -> tuple[list[ConsumerRecord], int]:
        """What comes at `position`, or after it and before `end`, and the position after it."""
        place, now = f"{tp.topic}[{tp.partition}]", asyncio.get_running_loop().time
        until = now() + self._limit_s
        while True:
            # It returns by itself: aiokafka may lose a cancellation, and the lock would be held for ever. Never a record
            # too many: behind the last one the consumer would wait, and the next call with it.
            try:
                batch = await consumer.getmany(tp, timeout_ms=WAIT_MS, max_records=min(BATCH, end - position))
            except OffsetOutOfRangeError:
                raise EarmarkError(f"{place} has no offset {position}") from None
            if (reached := await consumer.position(tp)) > position:
                return [message for message in batch.get(tp, []) if message.offset < end], reached
            if now() > until:
                log_end = consumer.highwater(tp)  # None: the broker has not answered
                if log_end is not None and log_end <= position:
                    raise EarmarkError(f"{place} has no offset {position}: it ends at {log_end}")
                raise TransientError(f"{place} brought no offset {position} within {self._limit_s:g} s")


@asynccontextmanager
async def fetcher(connection: Connection, time_limit_s: float = 30.0) -> AsyncIterator[Fetcher]:
    """A fetcher for as long as the block lasts."""
    consumers = [connection.consumer(FETCH_BYTES) for _ in range(READERS)]
    try:
        for consumer in consumers:
            await consumer.start()
        yield Fetcher(connection, consumers, time_limit_s)
    finally:
        await asyncio.gather(*map(stop, consumers))

"""Reading records of the log by their position: bodies that no state keeps, parts that a state missed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from streams.errors import EarmarkError, TransientError
from streams.events.record import Record
from streams.log.connection import Connection, stop
from streams.log.follow import BATCH, WAIT_MS, Apply, Ends, partitions_of, record_of
from streams.log.gaps import Gap, GapError
from streams.log.identity import identity
from streams.log.topics import Topic

# A fetcher jumps: what it asks for beyond the body it wants is read for nothing.
FETCH_BYTES = 256 * 1024
# Calls of a fetcher that go on at a time, each partition's in turn: one that has to jump much makes few others wait.
READERS = 4
# Wanted offsets no further apart than this are read in one go, with what stands between them.
NEAR = 50


def ranges(offsets: Iterable[int]) -> list[tuple[int, int]]:
    """The ranges (start, end not included) in which to read `offsets`: offsets near each other share one."""
    found: list[tuple[int, int]] = []
    for offset in sorted(offsets):
        if found and offset - found[-1][1] < NEAR:
            found[-1] = (found[-1][0], offset + 1)
        else:
            found.append((offset, offset + 1))
    return found


class Fetcher:
    """Fetches records by their position: the bodies that no state keeps, and the ranges that a state missed.

    Raises EarmarkError where the log lacks one (GapError: it begins later), and TransientError where the broker brings none within the time limit.
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
        async with aclosing(self._records(topic, partition, ranges(wanted))) as records:
            found = {record.offset: record async for record in records if record.offset in wanted}
        if missing := wanted - found.keys():
            raise EarmarkError(f"{self._connection.name(topic)}[{partition}] lacks offset {min(missing)}")
        return found

    async def ends(self, topic: Topic) -> dict[int, int]:
        """Each partition's offset after the last record, now."""
        ends = await self._readers[0][0].end_offsets(partitions_of(self._connection, topic))
        return {tp.partition: end for tp, end in ends.items()}

    async def starts(self, topic: Topic) -> dict[int, int]:
        """Each partition's first offset, now."""
        starts = await self._readers[0][0].beginning_offsets(partitions_of(self._connection, topic))
        return {tp.partition: start for tp, start in starts.items()}

    async def bounds(self, topics: Sequence[Topic]) -> tuple[Ends, Ends]:
        """By topic and partition, the first offsets and those after the last record, now."""
        asker, _ = self._readers[0]
        places = {
            tp: (topic.name, tp.partition)
            for topic in topics
            for tp in partitions_of(self._connection, topic)
        }
        # Each topic by itself: one that the client has not heard of costs a tenth of a second, and these pass together.
        await asyncio.gather(*(self.starts(topic) for topic in topics))
        starts, ends = await asker.beginning_offsets(list(places)), await asker.end_offsets(list(places))
        return (
            {places[tp]: offset for tp, offset in starts.items()},
            {places[tp]: offset for tp, offset in ends.items()},
        )

    async def identity(self, topics: Sequence[Topic]) -> Mapping[str, str]:
        """Which topics these are, by their name without the prefix: see `streams/log/identity.py`."""
        client = self._readers[0][0]._client  # noqa: SLF001  it keeps what no method of the consumer asks for
        names = {self._connection.name(topic): topic.name for topic in topics}
        return {names[name]: found for name, found in (await identity(client, names)).items()}

    async def read(self, topic: Topic, partition: int, start: int, end: int, apply: Apply) -> None:
        """Apply the records of one partition from `start` up to `end` (not included), which the log must reach."""
        async with aclosing(self.records(topic, partition, start, end)) as records:
            async for record in records:
                apply(record)

    def records(self, topic: Topic, partition: int, start: int, end: int) -> AsyncGenerator[Record, None]:
        """The records that `read` applies, as they come; close it before the next call."""
        return self._records(topic, partition, [(start, end)])

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
                        yield record_of(topic.name, message)

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
                [start] = (await consumer.beginning_offsets([tp])).values()
                if position < start:
                    raise GapError(Gap(tp.topic, tp.partition, position, start)) from None
                raise EarmarkError(f"{place} has no offset {position}") from None
            if (reached := await consumer.position(tp)) > position:
                return [message for message in batch.get(tp, []) if message.offset < end], reached
            if now() > until:
                log_end = consumer.highwater(tp)  # None: the broker has not answered
                if log_end is not None and log_end <= position:
                    raise EarmarkError(f"{place} has no offset {position}: it ends at {log_end}")
                raise TransientError(f"{place} brought no offset {position} within {self._limit_s:g} s")


@asynccontextmanager
async def fetcher(
    connection: Connection, time_limit_s: float = 30.0, wait_ms: int = 500
) -> AsyncIterator[Fetcher]:
    """A fetcher for as long as the block lasts; a short `wait_ms` makes it jump fast, and ask often where nothing comes."""
    consumers = [connection.consumer(FETCH_BYTES, wait_ms) for _ in range(READERS)]
    try:
        for consumer in consumers:
            await consumer.start()
        yield Fetcher(connection, consumers, time_limit_s)
    finally:
        await asyncio.gather(*map(stop, consumers))

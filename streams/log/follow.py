"""Reading the log: a topic to an offset, on from there, folded by a function without side effects.

Every state in Earmark that is not a Kafka group's position is made here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from streams.errors import EarmarkError
from streams.events.record import Record
from streams.log.connection import Connection, look_up, stop
from streams.log.gaps import Gap, OnGaps, refuse
from streams.log.topics import Topic, by_topic

BATCH = 2000
WAIT_MS = 500


Apply = Callable[[Record], None]


def record_of(topic: str, m: ConsumerRecord) -> Record:
    """Aiokafka's record as Earmark's; `topic` without the prefix."""
    return Record(topic, m.partition, m.offset, m.timestamp, m.key, m.headers, m.value)


def partitions_of(connection: Connection, topic: Topic) -> list[TopicPartition]:
    """Every partition of a topic, as aiokafka names it."""
    return [TopicPartition(connection.name(topic), partition) for partition in range(topic.partitions)]


Ends = Mapping[tuple[str, int], int]
"""(topic, partition) → the offset after the last record."""


class Follower:
    """Reads partitions from given offsets on and hands each record to `apply`, in order within a partition.

    A state that `apply` keeps is complete up to `position`. An exception in `apply` ends the follower and reaches
    everybody who waits for it.
    """

    def __init__(
        self,
        connection: Connection,
        consumer: AIOKafkaConsumer,
        asker: AIOKafkaConsumer,
        apply: Apply,
        on_gaps: OnGaps,
    ) -> None:
        self._connection = connection
        self._consumer = consumer
        # On a connection of its own: a broker answers in turn, and a fetch with nothing to bring waits half a second.
        self._asker = asker
        self._apply = apply
        self._on_gaps = on_gaps
        self._positions: dict[TopicPartition, int] = {}
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def start(self, topics: Iterable[Topic], start: Ends | None = None) -> None:
        """Assign every partition of `topics` and begin to read, each from `start` or else from 0.

        Raises what `on_gaps` raises where a partition begins later than that.
        """
        topics = list(topics)
        partitions = [tp for topic in topics for tp in partitions_of(self._connection, topic)]
        await look_up(self._asker, map(self._connection.name, topics))
        for tp in partitions:
            self._positions[tp] = (start or {}).get((self._bare(tp), tp.partition), 0)
        await self._pass_gaps()
        # No await between assign and the last seek, or a fetch may begin elsewhere.
        self._consumer.assign(partitions)
        for tp, offset in self._positions.items():
            self._consumer.seek(tp, offset)
        self._task = asyncio.create_task(self._run(), name="follower")

    async def _pass_gaps(self) -> bool:
        """Move each position that the log begins after to where it begins; whether there was any."""
        starts = await self._asker.beginning_offsets(list(self._positions))
        gaps = [
            Gap(tp.topic, tp.partition, position, starts[tp])
            for tp, position in self._positions.items()
            if position < starts[tp]
        ]
        if gaps:
            self._on_gaps(gaps)
            self._positions |= {tp: max(position, starts[tp]) for tp, position in self._positions.items()}
        return bool(gaps)

    def _bare(self, tp: TopicPartition) -> str:
        return str(tp.topic).removeprefix(self._connection.prefix)

    async def _run(self) -> None:
        try:
            while True:
                try:
                    batches = await self._consumer.getmany(timeout_ms=WAIT_MS, max_records=BATCH)
                except OffsetOutOfRangeError as error:
                    await self._seek_past(error)
                    continue
                for tp, messages in batches.items():
                    topic = self._bare(tp)
                    for m in messages:
                        self._apply(record_of(topic, m))
                for tp in self._positions:
                    # The position also passes what is no record; the last record's offset would not.
                    self._positions[tp] = await self._consumer.position(tp)
                async with self._moved:
                    self._moved.notify_all()
        finally:
            async with self._moved:
                self._moved.notify_all()

    async def _seek_past(self, error: OffsetOutOfRangeError) -> None:
        """Go on behind records that were deleted before they were read. Raises EarmarkError where there are none such."""
        if not await self._pass_gaps():
            raise EarmarkError(
                f"the log ends before what was read of it ({error}): it is another log"
            ) from error
        for tp, position in self._positions.items():
            self._consumer.seek(tp, position)

    def position(self, topic: Topic, partition: int) -> int:
        """The offset after the last record that was applied."""
        return self._positions[TopicPartition(self._connection.name(topic), partition)]

    def positions(self) -> dict[str, dict[int, int]]:
        """Topic → partition → the offset after the last record that was applied."""
        return by_topic((self._bare(tp), tp.partition, position) for tp, position in self._positions.items())

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
    connection: Connection,
    topics: Iterable[Topic],
    apply: Apply,
    start: Ends | None = None,
    on_gaps: OnGaps = refuse,
) -> AsyncIterator[Follower]:
    """A follower of `topics` that has applied everything the log held when it began, for as long as the block lasts.

    Raises GapError where the log begins after `start`, unless `on_gaps` lets it go on.
    """
    consumer, asker = connection.consumer(), connection.consumer()
    follower = Follower(connection, consumer, asker, apply, on_gaps)
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
        await look_up(consumer, [connection.name(topic)])
        ends = await consumer.end_offsets(partitions_of(connection, topic))
        return tuple(ends[tp] for tp in sorted(ends))
    finally:
        await stop(consumer)


async def read(
    connection: Connection,
    topics: Iterable[Topic],
    apply: Apply,
    start: Ends | None = None,
    on_gaps: OnGaps = refuse,
) -> None:
    """Apply everything the log holds now, once. Raises as `follow` does."""
    async with follow(connection, topics, apply, start, on_gaps):
        pass

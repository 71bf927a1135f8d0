"""The log as the read model takes it: batch after batch, the next one read while the last is applied."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from projections.ingest import Place, Progress
from streams.errors import EarmarkError
from streams.events.record import Record
from streams.log.topics import Topic

WAIT_S = 0.2
# Of a partition at a time: a client holds so much of each of them, and a larger record all the same.
FETCH_BYTES = 512 * 1024
# What is held of the log at a time: a batch that is applied, one that is read, and so much of it in its long form.
BATCH = 12_288
BATCH_BYTES = 16 * 2**20
CHUNK = 512
PAUSE_S = 0.005


Consumers = Callable[[int], AIOKafkaConsumer]
"""A consumer that asks for so many bytes of a partition at a time."""


class Gathered(Protocol):
    """What records become: a batch. `progress`: how far it reaches; `size`: bytes, about."""

    progress: dict[Place, Progress]
    size: int

    def add(self, record: Record, progress: Mapping[Place, Progress]) -> None:
        """Take `record` where it stands at or past the `progress` before this batch, and the next of its partition."""

    def __len__(self) -> int:
        """Records in it."""


B = TypeVar("B", bound=Gathered)


class LogReader(Generic[B]):
    """Reads every partition of some topics from given places on, into batches. `name` gives a topic's full name."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        name: Callable[[Topic], str],
        topics: Sequence[Topic],
        batch: Callable[[], B],
    ) -> None:
        self._consumer = consumer
        self._topics = {name(topic): topic for topic in topics}
        self._empty = batch
        self._reached: dict[Place, Progress] = {}
        self._until: Mapping[Place, int] | None = None
        self._ahead: asyncio.Task[B] | None = None
        self._wanted = False

    async def seek(
        self, progress: Mapping[Place, Progress], until: Mapping[Place, int] | None = None
    ) -> None:
        """Go on where `progress` ends, and from 0 where there is none; `until`: only what stands before these offsets.

        Raises EarmarkError where a topic is missing or a log does not hold the offset that is to be read next.
        """
        await self.close()
        partitions = await self._partitions()
        starts = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        offsets = {tp: progress.get(place, Progress()).next_offset for tp, place in partitions.items()}
        for tp, offset in offsets.items():
            if not starts[tp] <= offset <= ends[tp]:
                raise EarmarkError(
                    f"the read model stands at {tp.topic}[{tp.partition}]@{offset}, and the log there goes from"
                    f" {starts[tp]} to {ends[tp]}: it is another log, or a part of it was deleted; run `earmark rebuild`"
                    " to fold what is there"
                )
        self._reached, self._until = dict(progress), until
        self._seek(offsets)

    async def starts(self) -> dict[Place, int]:
        """Where the partitions begin that do not begin at 0. Raises EarmarkError where a topic is missing."""
        partitions = await self._partitions()
        starts = await self._consumer.beginning_offsets(partitions)
        return {place: starts[tp] for tp, place in partitions.items() if starts[tp] > 0}

    async def ends(self) -> dict[Place, int]:
        """Where the partitions end. Raises EarmarkError where a topic is missing."""
        partitions = await self._partitions()
        ends = await self._consumer.end_offsets(partitions)
        return {place: ends[tp] for tp, place in partitions.items()}

    async def _partitions(self) -> dict[TopicPartition, Place]:
        missing = self._topics.keys() - await self._consumer.topics()
        if missing:
            raise EarmarkError(
                f"topic {min(missing)} is missing: run `earmark topics apply`, or see EARMARK_TOPIC_PREFIX"
            )
        return {
            TopicPartition(full_name, partition): Place(topic.name, partition)
            for full_name, topic in self._topics.items()
            for partition in range(topic.partitions)
        }

    def _seek(self, offsets: Mapping[TopicPartition, int]) -> None:
        # No await between assign and the last seek, or a fetch may begin elsewhere. Assigned once only: a consumer
        # that is stopped right behind a second assign waits for ever (aiokafka's fetcher loses its cancellation).
        if self._consumer.assignment() != offsets.keys():
            self._consumer.assign(list(offsets))
        for tp, offset in offsets.items():
            self._consumer.seek(tp, offset)

    async def batch(self) -> B:
        """The next records made ready, in order within a partition; none in it if there were none for `WAIT_S`.

        Those behind them are read from now on; whoever is done with the reader closes it.
        """
        batch = await self._next_batch()
        self._wanted = False
        self._ahead = asyncio.create_task(self._read())
        return batch

    async def batch_within(self, seconds: float) -> B | None:
        """The next batch; None where it is still being read after so many seconds."""
        reading = self._next_batch()
        await asyncio.wait({reading}, timeout=seconds)
        return await self.batch() if reading.done() else None

    def _next_batch(self) -> asyncio.Task[B]:
        self._wanted = True
        self._ahead = self._ahead or asyncio.create_task(self._read())
        return self._ahead

    async def close(self) -> None:
        """Read ahead no more."""
        if self._ahead is not None:
            self._ahead.cancel()
            # What went wrong there is nobody's concern any more.
            await asyncio.gather(self._ahead, return_exceptions=True)
            self._ahead = None

    async def _read(self) -> B:
        batch = self._empty()
        while len(batch) < BATCH and batch.size < BATCH_BYTES:
            records = await self._next(0 if batch.progress else WAIT_S)
            for record in records:
                if self._until is None or record.offset < self._until.get(
                    Place(record.topic, record.partition), 0
                ):
                    batch.add(record, self._reached)
            if not batch.progress or (self._wanted and not records):
                break
            if not records:
                await asyncio.sleep(PAUSE_S)
        self._reached.update(batch.progress)
        return batch

    async def _next(self, wait_s: float) -> list[Record]:
        try:
            found = await self._consumer.getmany(timeout_ms=int(wait_s * 1000), max_records=CHUNK)
        except OffsetOutOfRangeError as error:
            raise EarmarkError(
                f"the log lost records that were not read yet ({error}): run `earmark rebuild` to fold what is left"
            ) from error
        return [
            Record(self._topics[tp.topic].name, m.partition, m.offset, m.timestamp, m.key, m.headers, m.value)
            for tp, messages in found.items()
            for m in messages
        ]

    async def left(self) -> int:
        """How many offsets stand between what was given out and the end: of the log as it is now, or what was named."""
        # What is read ahead is past the consumer's position, and nobody has it yet.
        self._wanted = True
        left = 0 if self._ahead is None else len(await self._ahead)
        self._wanted = False
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        if self._until is not None:
            places = await self._partitions()
            ends = {tp: min(end, self._until.get(places[tp], 0)) for tp, end in ends.items()}
        for tp, end in ends.items():
            # A position also passes what is no record; the last record's offset would not.
            left += max(0, end - await self._consumer.position(tp))
        return left

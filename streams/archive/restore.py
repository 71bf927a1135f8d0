"""An archive into an empty log: every record at its own offset, with its own time, and read back in the end."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from streams.archive.backup import FETCH_BYTES, READ_LIMIT_S, Tell
from streams.archive.folder import Archive, to_read
from streams.archive.log import Place, commit, give_times, is_being_restored, workers_of
from streams.archive.manifest import Manifest, Partition, dense, is_same
from streams.errors import EarmarkError, RefusedError
from streams.events.record import Record
from streams.log.connection import Connection, look_up, stop
from streams.log.fetch import Fetcher
from streams.log.layout import apply, existing_layouts
from streams.log.ready import topics_answer
from streams.log.topics import TOPICS, Topic

BATCH_BYTES = 2**20
_GIVEN_TIMES = 0  # Kafka's number for times that records came with


@dataclass(frozen=True)
class Done:
    """What a restore came to. `written`: records that the log did not have yet."""

    manifest: Manifest
    written: int


async def restore(connection: Connection, folder: Path, replication_factor: int, tell: Tell) -> Done:
    """Bring the archive in `folder` into the topics of `connection`, which are made where they are not there.

    Killed, it is run again and goes on. Raises DamagedError where a file is not as it was written, RefusedError where the
    log holds anything but the beginning of the archive, and EarmarkError where somebody else appends meanwhile.
    """
    with to_read(folder) as archive:
        archive.check()
        async with _Restore(connection, archive).opened() as restoring:
            return await restoring.run(replication_factor, tell)


class _Restore:
    def __init__(self, connection: Connection, archive: Archive) -> None:
        self._connection = connection
        self._archive = archive
        self._manifest = archive.whole()
        known = {topic.name: topic for topic in TOPICS}
        if unknown := {part.topic for part in self._manifest.partitions} - known.keys():
            raise RefusedError(
                f"the archive has a topic {min(unknown)}, which this Earmark lacks: upgrade it"
            )
        # What follows from other records goes first: a log that was restored in part asks nobody for anything.
        order = [topic.name for topic in reversed(TOPICS)]
        self._parts = [
            (known[part.topic], part)
            for part in sorted(self._manifest.partitions, key=lambda part: order.index(part.topic))
        ]
        self._admin: AIOKafkaAdminClient = connection.admin()
        self._producer: AIOKafkaProducer = connection.producer(BATCH_BYTES)
        self._consumer: AIOKafkaConsumer = connection.consumer(FETCH_BYTES)
        # On a connection of its own: a broker answers in turn, and a fetch with nothing to bring waits half a second.
        self._asker: AIOKafkaConsumer = connection.consumer()
        self._log = Fetcher(connection, [self._consumer], READ_LIMIT_S)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["_Restore"]:
        """Connected for as long as the block lasts."""
        try:
            await self._admin.start()
            await self._consumer.start()
            await self._asker.start()
            await self._producer.start()
            yield self
        finally:
            await self._producer.stop()
            await stop(self._asker)
            await stop(self._consumer)
            await self._admin.close()

    async def run(self, replication_factor: int, tell: Tell) -> Done:
        prefix = self._connection.prefix
        layouts = await existing_layouts(self._admin, prefix)
        goes_on = is_being_restored(layouts)
        if not goes_on or len(layouts) < len(TOPICS):
            await apply(self._admin, prefix, replication_factor)
        await topics_answer(self._connection)
        await look_up(self._asker, map(self._connection.name, TOPICS))
        if await workers_of(self._connection, self._admin):
            raise RefusedError(
                f"a worker is at work in group {self._connection.worker_group}: stop `earmark up` and every process first"
            )
        ends = await self._refuse_another()
        written = sum(part.end - ends[topic.name, part.partition] for topic, part in self._parts)
        if not written and not goes_on:
            return Done(self._manifest, 0)
        await give_times(self._connection, self._admin, given=True)
        for topic in reversed(TOPICS):
            parts = [part for known, part in self._parts if known == topic]
            for part in parts:
                await self._write(topic, part, ends[topic.name, part.partition])
            tell(f"{topic.name}: {sum(part.records for part in parts)} records")
        tell("reading it all back")
        await self._compare_all({(topic.name, part.partition): part.end for topic, part in self._parts})
        await self._refuse_strangers()
        await commit(
            self._connection,
            {
                (topic.name, part.partition): part.committed
                for topic, part in self._parts
                if part.committed is not None
            },
        )
        # Last: until then the log says of itself that it is not whole.
        await give_times(self._connection, self._admin, given=False)
        return Done(self._manifest, written)

    async def _ends(self) -> Mapping[Place, int]:
        return self._by_place(await self._asker.end_offsets([self._tp(*each) for each in self._parts]))

    def _by_place(self, offsets: Mapping[TopicPartition, int]) -> Mapping[Place, int]:
        return {(topic.name, part.partition): offsets[self._tp(topic, part)] for topic, part in self._parts}

    async def _refuse_another(self) -> Mapping[Place, int]:
        """Where each partition ends. Refuses a log that holds anything but the beginning of the archive."""
        ends = await self._ends()
        for topic, part in self._parts:
            if (end := ends[topic.name, part.partition]) > part.end:
                raise RefusedError(
                    f"{self._name(topic, part)} holds records up to offset {end}, and the archive ends at {part.end}: restore"
                    " into an empty log, under another EARMARK_TOPIC_PREFIX or on another cluster"
                )
        await self._compare_all(ends)
        return ends

    async def _compare_all(self, ends: Mapping[Place, int]) -> None:
        starts = self._by_place(
            await self._asker.beginning_offsets([self._tp(*each) for each in self._parts])
        )
        for topic, part in self._parts:
            place = (topic.name, part.partition)
            await self._compare(topic, part, starts[place], ends[place])

    async def _compare(self, topic: Topic, part: Partition, start: int, end: int) -> None:
        """Compare the log from `start` up to `end` with the archive, record by record."""
        if start not in {0, part.start}:
            raise self._other(topic, part, f"begins at offset {start}, the archive at {part.start}")
        wanted = self._dense(topic, part, start)
        async with aclosing(self._log.records(topic, part.partition, start, end)) as records:
            async for record in records:
                if not is_same(record, next(wanted)):
                    raise self._other(topic, part, f"has another record at offset {record.offset}")

    async def _write(self, topic: Topic, part: Partition, end: int) -> None:
        """Append what the partition lacks behind `end`, and delete the fillers that stand before its start."""
        sent: tuple[int, asyncio.Future[RecordMetadata]] | None = None
        batch, first = self._producer.create_batch(), end
        for record in self._dense(topic, part, end):
            if not _added(batch, record):
                # While one is on its way, the next is made.
                await self._arrived(topic, part, sent)
                sent = first, await self._send(topic, part, batch)
                batch, first = self._producer.create_batch(), record.offset
                _added(batch, record)
        await self._arrived(topic, part, sent)
        if first < part.end:
            await self._arrived(topic, part, (first, await self._send(topic, part, batch)))
        if part.start:
            await self._admin.delete_records({self._tp(topic, part): RecordsToDelete(part.start)})

    async def _send(
        self, topic: Topic, part: Partition, batch: BatchBuilder
    ) -> asyncio.Future[RecordMetadata]:
        sent: asyncio.Future[RecordMetadata] = await self._producer.send_batch(
            batch, self._connection.name(topic), partition=part.partition
        )
        return sent

    async def _arrived(
        self, topic: Topic, part: Partition, sent: tuple[int, asyncio.Future[RecordMetadata]] | None
    ) -> None:
        """Wait until a batch is in the log, and be sure that it stands where it belongs."""
        if sent is None:
            return
        wanted, coming = sent
        came = await coming
        if came.offset != wanted:
            raise self._strangers(topic, part, wanted)
        if came.timestamp_type != _GIVEN_TIMES:
            raise EarmarkError(
                f"the broker gave the records of {self._name(topic, part)} times of its own: delete the topics"
                f" {self._connection.prefix}*, and restore again"
            )

    def _dense(self, topic: Topic, part: Partition, start: int) -> Iterator[Record]:
        return dense(self._archive.records(part, start), topic.name, part.partition, start, part.end)

    async def _refuse_strangers(self) -> None:
        ends = await self._ends()
        for topic, part in self._parts:
            if ends[topic.name, part.partition] != part.end:
                raise self._strangers(topic, part, part.end)

    def _strangers(self, topic: Topic, part: Partition, offset: int) -> EarmarkError:
        return EarmarkError(
            f"somebody else appended to {self._name(topic, part)} at offset {offset} while it was restored: stop `earmark up`"
            " and every process, and restore into an empty log, under another EARMARK_TOPIC_PREFIX or on another cluster"
        )

    def _other(self, topic: Topic, part: Partition, how: str) -> RefusedError:
        return RefusedError(
            f"{self._name(topic, part)} {how}: it is not the beginning of the archive; restore into an empty log, under another"
            " EARMARK_TOPIC_PREFIX or on another cluster"
        )

    def _name(self, topic: Topic, part: Partition) -> str:
        return f"{self._connection.name(topic)}[{part.partition}]"

    def _tp(self, topic: Topic, part: Partition) -> TopicPartition:
        return TopicPartition(self._connection.name(topic), part.partition)


def _added(batch: BatchBuilder, record: Record) -> bool:
    """Whether `record` still went into `batch`."""
    added = batch.append(
        timestamp=record.timestamp_ms, key=record.key, value=record.value, headers=list(record.headers)
    )
    return added is not None

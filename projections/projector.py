"""The projector: follows every topic, keeps the model and publishes snapshots of it.

Its read positions are the model's own, never Kafka's. Rows come in batches; readers get a snapshot when there is
something new, as soon as `Pace` allows.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError
from duckdb import DuckDBPyConnection

from projections import model
from projections.ingest import Place, apply, progress
from projections.pace import WAIT_S, Pace
from projections.snapshots import Snapshots
from streams.errors import EarmarkError
from streams.events.record import Record
from streams.log.topics import TOPICS, Topic, by_topic

BATCH = 12_288

logger = logging.getLogger(__name__)


class LogReader:
    """Reads every partition of every topic from given offsets on. `name` gives a topic's full name."""

    def __init__(self, consumer: AIOKafkaConsumer, name: Callable[[Topic], str]) -> None:
        self._consumer = consumer
        self._topics = {name(topic): topic for topic in TOPICS}

    async def seek(self, offsets: Mapping[Place, int]) -> None:
        """Go on from `offsets`, and from 0 where there is none.

        Raises EarmarkError where a topic is missing or a log does not hold the offset that is to be read next.
        """
        partitions = await self._partitions()
        starts = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        for tp, place in partitions.items():
            offset = offsets.get(place, 0)
            if not starts[tp] <= offset <= ends[tp]:
                raise EarmarkError(
                    f"the read model stands at {tp.topic}[{tp.partition}]@{offset}, and the log there goes from"
                    f" {starts[tp]} to {ends[tp]}: it is another log, or a part of it was deleted; run `earmark rebuild`"
                    " to fold what is there"
                )
        self._seek({tp: offsets.get(place, 0) for tp, place in partitions.items()})

    async def seek_to_start(self) -> dict[Place, int]:
        """Go to where each partition begins, and return that for those that do not begin at 0.

        Raises EarmarkError where a topic is missing.
        """
        partitions = await self._partitions()
        starts = await self._consumer.beginning_offsets(partitions)
        self._seek(starts)
        return {place: starts[tp] for tp, place in partitions.items() if starts[tp] > 0}

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

    async def batch(self, wait_s: float) -> list[Record]:
        """The next records, in order within a partition; none if there are none within `wait_s`."""
        try:
            batches = await self._consumer.getmany(timeout_ms=int(wait_s * 1000), max_records=BATCH)
        except OffsetOutOfRangeError as error:
            raise EarmarkError(
                f"the log lost records that were not read yet ({error}): run `earmark rebuild` to fold what is left"
            ) from error
        return [
            Record(self._topics[tp.topic].name, m.partition, m.offset, m.timestamp, m.key, m.headers, m.value)
            for tp, messages in batches.items()
            for m in messages
        ]

    async def is_at_end(self) -> bool:
        """Whether everything that is in the log now was read."""
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        # A position also passes what is no record; the last record's offset would not.
        return all([await self._consumer.position(tp) >= end for tp, end in ends.items()])


class Published(Protocol):
    """Takes what a snapshot that was just published is, and what it took."""

    def __call__(self, snapshot: Path, seconds: float, written: int) -> None:
        """Its file, how long publishing it took, and how many bytes were written for it."""


def _unheard(snapshot: Path, seconds: float, written: int) -> None:
    """Tell nobody."""


class Projector:
    """The model of a home, open for writing, and whether readers have yet to see a change."""

    def __init__(self, home: Path, published: Published = _unheard) -> None:
        self._home = home
        self._published = published
        self._pace = Pace()
        self._unseen = True
        self._not_before: Mapping[Place, int] = {}
        self._open()
        self.reached = by_topic((*place, offset) for place, offset in self.offsets().items())

    def _open(self) -> None:
        self._generation = model.newest_generation(self._home) or _first_generation(self._home)
        self._file = model.generation_file(self._home, self._generation)
        self._database = model.open_model(self._file)
        self._snapshots = Snapshots(self._home, self._file)
        model.remove_older(self._home, self._generation)

    def offsets(self) -> dict[Place, int]:
        """The offset to read next, by partition."""
        return _offsets(self._database)

    def take(self, records: list[Record]) -> None:
        """Apply a batch."""
        if records:
            apply(self._database, records)
            self._unseen = True
            for record in records:
                self.reached.setdefault(record.topic, {})[record.partition] = record.offset + 1

    def was_rebuilt(self) -> bool:
        """Switch to a newer generation of the model, if there is one; then read on from its offsets."""
        if model.newest_generation(self._home) == self._generation:
            return False
        # What readers have seen they shall not see vanish while the new model comes up to it.
        self._not_before = self.offsets()
        self.close()
        self._open()
        self._unseen = True
        self.reached = by_topic((*place, offset) for place, offset in self.offsets().items())
        logger.info("the read model was rebuilt: switched to %s", self._file.name)
        return True

    def publish(self, *, at_once: bool = False) -> None:
        """Publish a snapshot if anything is new and it is time."""
        if not self._unseen or (time.monotonic() < self._pace.due and not at_once):
            return
        if self._not_before:
            now = self.offsets()
            if any(now.get(place, 0) < offset for place, offset in self._not_before.items()):
                return
            self._not_before = {}
        began = time.monotonic()
        snapshot, written = self._snapshots.publish(self._database)
        self._unseen = False
        ended = time.monotonic()
        self._published(snapshot, ended - began, written)
        self._pace = self._pace.after(ended, ended - began, written, snapshot.stat().st_size)

    def wait_s(self) -> float:
        """How long to wait for records: no longer than until a snapshot that readers need is due."""
        if not self._unseen or self._not_before:
            return WAIT_S
        return max(0.0, min(WAIT_S, self._pace.due - time.monotonic()))

    def close(self) -> None:
        """Close the model's file."""
        self._database.close()
        self._snapshots.close()


def _offsets(database: DuckDBPyConnection) -> dict[Place, int]:
    return {place: reached.next_offset for place, reached in progress(database).items()}


def _first_generation(home: Path) -> int:
    unfinished = model.folder(home) / "first.unfinished"
    model.finish(model.create(unfinished))
    unfinished.rename(model.generation_file(home, 1))
    return 1


class Report(Protocol):
    """Takes how far the read model has come, again and again."""

    def __call__(self, offsets: Mapping[str, Mapping[int, int]], *, caught_up: bool) -> None:
        """Topic → partition → the offset of the next record; and whether there was nothing to read."""


def _nobody(offsets: Mapping[str, Mapping[int, int]], *, caught_up: bool) -> None:
    """Report to nobody."""


async def project(
    home: Path,
    consumer: Callable[[], AIOKafkaConsumer],
    name: Callable[[Topic], str],
    stop: asyncio.Event,
    may_begin: Callable[[], bool] = lambda: True,
    report: Report = _nobody,
    published: Published = _unheard,
) -> None:
    """Keep the read model of `home` until `stop` is set; then publish what is left and return.

    Nothing is read while `may_begin` says no. `report` is called after each batch, `published` after each snapshot.

    Raises EarmarkError where another projector keeps it, or the log is not the one that the model was made from.
    """
    with model.lock(home, "projector", f"another projector keeps the read model in {home}: one is enough"):
        projector = Projector(home, published)
        client = consumer()
        try:
            await client.start()
            reader = LogReader(client, name)
            await reader.seek(projector.offsets())
            while not stop.is_set():
                if not may_begin():
                    await asyncio.sleep(WAIT_S)
                    continue
                records = await reader.batch(projector.wait_s())
                # In a thread: the client goes on fetching meanwhile.
                await asyncio.to_thread(projector.take, records)
                await asyncio.to_thread(projector.publish)
                report(projector.reached, caught_up=not records)
                if projector.was_rebuilt():
                    await reader.seek(projector.offsets())
            projector.publish(at_once=True)
        finally:
            await client.stop()
            projector.close()

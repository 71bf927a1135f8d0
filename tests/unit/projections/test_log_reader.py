"""What is read ahead is neither lost nor taken for read."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from projections.ingest import Batch, Place
from projections.log_reader import LogReader
from streams.events.videos import VideoDiscovered
from streams.log.topics import TOPICS, VIDEOS, Topic
from tests.builders.read_model_world import at, record, video

PLACE = TopicPartition("videos", 3)


class Consumer:
    """aiokafka's consumer of a log that gives out as many records as it is told to, call by call, and then the rest."""

    def __init__(self, *answers: int) -> None:
        self._answers = list(answers)
        self._end = sum(answers)
        self._given = 0

    async def topics(self) -> set[str]:
        return {topic.name for topic in TOPICS}

    async def beginning_offsets(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {place: self._end if place == PLACE else 0 for place in places}

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(topic.name, number) for topic in TOPICS for number in range(topic.partitions)}

    def seek(self, place: TopicPartition, offset: int) -> None:
        if place == PLACE:
            self._given = offset

    async def position(self, place: TopicPartition) -> int:
        return self._given if place == PLACE else 0

    async def getmany(self, **_: Any) -> Mapping[TopicPartition, Sequence[Any]]:
        count = self._answers.pop(0) if self._answers else self._end - self._given
        first, self._given = self._given, self._given + count
        return {PLACE: [_message(offset) for offset in range(first, first + count)]} if count else {}


def _message(offset: int) -> Any:
    told = record(VideoDiscovered(at=at(0), video=video(offset)), offset)
    return ConsumerRecord(
        "videos", PLACE.partition, offset, 0, 1, told.key, told.value, None, 0, 0, tuple(told.headers)
    )


def _name(topic: Topic) -> str:
    return topic.name


async def reader_of(*answers: int, until: int | None = None) -> LogReader[Batch]:
    reader = LogReader(Consumer(*answers), _name, TOPICS, Batch)
    await reader.seek({}, None if until is None else {Place(VIDEOS.name, 3): until})
    return reader


async def test_what_is_read_ahead_is_left_until_it_is_given_out() -> None:
    """A consumer's position is past it: a rebuild that looked there would end without the last records."""
    reader = await reader_of(0, 2, 3)
    assert len(await reader.batch()) == 0
    assert await reader.left() == 5
    assert len(await reader.batch()) == 5
    assert await reader.left() == 0
    assert len(await reader.batch()) == 0
    await reader.close()


async def test_of_a_log_that_goes_on_no_more_is_read_than_was_asked_for() -> None:
    reader = await reader_of(2, 3, until=4)
    taken = [len(await reader.batch())]
    while await reader.left():
        taken.append(len(await reader.batch()))
    assert sum(taken) == 4
    await reader.close()


async def test_who_goes_elsewhere_is_not_given_what_was_read_ahead() -> None:
    reader = await reader_of(1, 0, 2)
    first = await reader.batch()
    await asyncio.sleep(0.02)  # the two are read
    await reader.seek(first.progress)
    offsets = [row[2] for row in (await reader.batch()).events["VideoDiscovered"]]
    assert offsets == [1, 2]
    await reader.close()

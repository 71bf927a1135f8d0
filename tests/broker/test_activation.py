"""Activating a prompt on the real log: what the dry run counts is what is published, and no kill tears it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.events.envelope import encode
from streams.events.event import Event, Position
from streams.events.prompts import PromptActivated
from streams.events.record import Record
from streams.events.videos import Video
from streams.log.connection import Connection
from streams.log.fetch import fetcher
from streams.log.follow import Follower, follow
from streams.log.publish import partition_of, publisher
from streams.log.topics import ANALYSES, DEAD_LETTERS, MENTION_SIGNALS, OUTLOOK_SIGNALS
from streams.replay.activate import Difference, activate, difference
from streams.signals.publish_signals import PublishSignals
from tests.builders.histories import SPOILS, completed, mention, moment, record, spoilt, video
from tests.builders.promised import sent
from tests.builders.publishing import activated, signals_of, written

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[2]
APP = Path(__file__).with_name("signals_worker_app.py")
DEADLINE_S = 120.0
P1 = PromptActivated(at=moment(0), prompt_id="p1", previous=None)
P2 = PromptActivated(at=moment(9), prompt_id="p2", previous=0)


def videos(count: int, *, in_partition: int | None = None) -> list[Video]:
    """So many videos, all in one partition of `analyses` if it is named."""
    found: list[Video] = []
    number = 0
    while len(found) < count:
        video_id = f"v{number:010}"
        if in_partition in {None, partition_of(video_id, ANALYSES.partitions)}:
            found.append(video(video_id, "poll"))
        number += 1
    return found


def analysed(of: Sequence[Video], prompt: str, action: str) -> list[Event]:
    """An analysis of each; under `p2` it changes one call, drops one and adds one."""
    return [
        completed(
            prompt,
            of=one,
            mentions=[
                mention(one.video_id, "NVDA", action=action),  # type: ignore[arg-type]
                mention(one.video_id, "T" if prompt == "p1" else "KO", start_ms=9000),
            ],
        )
        for one in of
    ]


class Told:
    """The signals in the log, by partition, as (key, body, headers)."""

    def __init__(self) -> None:
        self.all: dict[tuple[str, int], list[object]] = defaultdict(list)
        self.types: Counter[str] = Counter()

    def apply(self, record: Record) -> None:
        self.all[record.topic, record.partition].append((record.key, record.value, tuple(record.headers)))
        self.types[record.type or ""] += 1

    @property
    def distinct(self) -> int:
        """How many there are, each counted once however often it was told."""
        return len({each for some in self.all.values() for each in some})

    async def until(self, follower: Follower, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not reached():
                await follower.moved()


@contextmanager
def worker(connection: Connection, dies_in: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process that dies in that batch of an activation; what is left of it at the end is killed."""
    process = subprocess.Popen(
        [sys.executable, APP, connection.bootstrap, connection.prefix, str(dies_in)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_what_the_dry_run_counts_is_what_is_published(connection: Connection) -> None:
    """Videos that the candidate has, that only it has, that it does not have; and a worker that places the markers."""
    both, old, new = videos(9)[:5], videos(9)[5:8], videos(9)[8:]
    history = [*analysed([*both, *old], "p1", "buy"), *analysed([*both, *new], "p2", "sell")]
    told = Told()
    async with (
        publisher(connection) as out,
        follow(connection, [MENTION_SIGNALS, OUTLOOK_SIGNALS], told.apply) as follower,
    ):
        with worker(connection):
            assert await activate(connection, out, P1, DEADLINE_S)
            await out.append_all(history)
            await told.until(follower, lambda: told.types.total() == 8 * 3)
            found = await difference(connection, "p2", moment(9))
            assert told.types.total() == 8 * 3, "a dry run publishes nothing"
            before = told.types.copy()
            assert await activate(connection, out, P2, DEADLINE_S)
            await told.until(follower, lambda: told.types - before == found.signals)
            await asyncio.sleep(0.5)
            await follower.reach_now()
    assert found == Difference(
        Counter(MentionChanged=5, MentionRetracted=5, MentionAdded=5 + 2, OutlookAdded=1), switched=6, kept=3
    )
    assert told.types - before == found.signals
    assert await difference(connection, "p2", moment(10)) == Difference(Counter(), 0, 3)
    assert len(await sent(connection)) == told.types.total()


async def test_an_activation_that_no_worker_takes_up_is_said_so(connection: Connection) -> None:
    async with publisher(connection) as out:
        assert not await activate(connection, out, P1, 1.0)


async def test_a_worker_killed_twice_in_the_middle_of_an_activation(connection: Connection) -> None:
    """kill -9 in the middle of a batch: the next process loses nothing, keeps the order, and repeats byte for byte."""
    those = videos(60, in_partition=3)
    placed = await written(
        connection, [*await activated(0, "p1"), *analysed(those, "p1", "buy"), *analysed(those, "p2", "sell")]
    )
    (marker,) = [
        (event, place)
        for event, place in await written(connection, await activated(9, "p2"))
        if place.partition == 3
    ]
    expected = await in_one_go(connection, [*placed, marker])
    whole = sum(map(len, expected.values()))
    told = Told()
    async with follow(connection, [MENTION_SIGNALS, OUTLOOK_SIGNALS], told.apply) as follower:
        for dies_in in (5, 20):
            with worker(connection, dies_in) as process:
                assert await asyncio.to_thread(process.wait, DEADLINE_S) == -signal.SIGKILL
            await follower.reach_now()
            # Half of the batch before which it died, of three signals a video and two videos.
            assert told.distinct == 3 * len(those) + (dies_in - 1) * 6 + 3
        with worker(connection):
            await told.until(follower, lambda: told.distinct >= whole)
    assert told.types.total() > whole, "something was told again"
    assert {place: list(dict.fromkeys(some)) for place, some in told.all.items()} == expected
    assert len(await sent(connection)) >= told.types.total()


async def test_an_analysis_that_nobody_can_read_ends_by_itself_and_takes_nobody_with_it(
    connection: Connection,
) -> None:
    """It stands in the middle of a partition: the dry run and the worker pass it over, and its marker is told whole."""
    those = videos(7, in_partition=3)
    broken = those[3].video_id
    told, letters = Told(), list[Record]()
    async with (
        publisher(connection) as out,
        follow(connection, [MENTION_SIGNALS, OUTLOOK_SIGNALS], told.apply) as follower,
        follow(connection, [DEAD_LETTERS], letters.append) as dead,
    ):
        with worker(connection) as process:
            assert await activate(connection, out, P1, DEADLINE_S)
            await out.append_all(analysed(those, "p1", "buy"))
            for event in analysed(those, "p2", "sell"):
                if event.key != broken:
                    await out.append(event)
                    continue
                for how in SPOILS:
                    await append_raw(connection, spoilt(record(event, 0), how), partition=3)
            await told.until(follower, lambda: told.types.total() == 7 * 3)
            async with asyncio.timeout(DEADLINE_S):
                while len(letters) < len(SPOILS):
                    await dead.moved()
            found = await difference(connection, "p2", moment(9))
            before = told.types.copy()
            assert await activate(connection, out, P2, DEADLINE_S)
            await told.until(follower, lambda: told.types - before == found.signals)
            await out.append_all(analysed(videos(8, in_partition=3)[7:], "p2", "buy"))
            await told.until(follower, lambda: told.types.total() == 7 * 3 + found.signals.total() + 3)
            assert process.poll() is None
            await dead.reach_now()
    assert found == Difference(
        Counter(MentionChanged=6, MentionRetracted=6, MentionAdded=6), switched=6, kept=1
    )
    assert len(letters) == len(SPOILS)
    assert len(await sent(connection)) == told.types.total()


async def append_raw(connection: Connection, one: Record, partition: int) -> None:
    producer = connection.producer()
    await producer.start()
    try:
        await producer.send_and_wait(
            connection.name(ANALYSES), one.value, one.key, partition, headers=list(one.headers)
        )
    finally:
        await producer.stop()


async def in_one_go(
    connection: Connection, placed: Sequence[tuple[Event, Position]]
) -> dict[tuple[str, int], list[object]]:
    """What must stand in each partition of the signals in the end, told by one publisher that nobody disturbs."""
    found: dict[tuple[str, int], list[object]] = defaultdict(list)
    async with fetcher(connection) as log:
        handler = PublishSignals(log)
        for event, position in placed:
            for told in await signals_of(handler, event, position):
                message = encode(told)
                topic = MENTION_SIGNALS if hasattr(told, "mention") else OUTLOOK_SIGNALS
                place = topic.name, partition_of(told.key, topic.partitions)
                found[place].append((message.key, message.value, message.headers))
    return found


async def test_bodies_are_fetched_together_wherever_they_stand_and_however_large(
    connection: Connection,
) -> None:
    """Near each other, far apart, larger than what is asked for at a time."""
    (of,) = videos(1, in_partition=0)
    events = [completed(of=of, revision=n + 1) for n in range(200)]
    events[120] = events[120].model_copy(update={"raw_answer": "x" * 1_000_000})
    placed = await written(connection, events)
    wanted = [0, 1, 40, 119, 120, 121, 198]
    async with fetcher(connection) as log:
        found = await log.fetch_many(ANALYSES, 0, wanted)
        assert {offset: record.event() for offset, record in found.items()} == {
            offset: placed[offset][0] for offset in wanted
        }
        assert await log.fetch_many(ANALYSES, 0, []) == {}

"""A process's pulse: it looks at what every process needs, says what keeps it from its work, and shows that it lives."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.bulletin import OF_CLAUDE, OF_YOUTUBE, Board, Kind, Positions, Trouble, board_of, news, show
from streams.clock import Clock
from streams.errors import EarmarkError
from streams.journal import journal
from streams.log.access import check_access
from streams.log.connection import Connection, stop
from streams.log.follow import Ends, partitions_of
from streams.log.topics import DEAD_LETTERS, TOPICS

EVERY_S = 1.0
KAFKA_LIMIT_S = 5.0
ENDS_EVERY_S = 10.0
START_PATIENCE = timedelta(seconds=10)
"""So long may a Kafka that starts beside this process take to answer for the first time."""
# With room again for a tenth more than that, or a disk on the brink would be news every second.
ROOM_AGAIN = 1.1

OUTLIVE: Mapping[str, Collection[Kind]] = {"claude": OF_CLAUDE, "youtube": OF_YOUTUBE}
"""What does not end with the process that says it, by who says it."""

log = journal(__name__)


def lags(ends: Ends, positions: Positions) -> dict[tuple[str, str, int], int]:
    """(reader, topic, partition) → how many records there are behind where the reader is, where the end is known."""
    return {
        (reader, topic, partition): max(0, ends[topic, partition] - offset)
        for reader, topics in positions.items()
        for topic, partitions in topics.items()
        for partition, offset in partitions.items()
        if (topic, partition) in ends
    }


class Room:
    """Whether the disk that holds `home` has room: writers start nothing new while it has less than `min_free` bytes."""

    def __init__(self, home: Path, min_free: int, now: Clock) -> None:
        self._home = home
        self._min_free = min_free
        self._now = now
        self._since: datetime | None = None

    @property
    def is_there(self) -> bool:
        """Whether a writer may start something new."""
        return self._since is None

    def look(self) -> list[Trouble]:
        """Measure it."""
        free = shutil.disk_usage(self._home).free
        if free < self._min_free:
            self._since = self._since or self._now()
        elif free >= self._min_free * ROOM_AGAIN:
            self._since = None
        if self._since is None:
            return []
        return [
            Trouble(
                "disk-full",
                self._since,
                f"the disk of {self._home} has {free / 1e6:.0f} MB left, less than EARMARK_DISK_MIN_FREE"
                f" ({self._min_free / 1e6:.0f} MB): nothing new is begun, and nothing is lost",
                "free some space: work goes on by itself",
                needs_person=True,
            )
        ]


class Pulse:
    """What one process shows of itself: `show` takes what others in it have to say, `beat` does the rest."""

    def __init__(self, home: Path, process: str, now: Clock, min_free: int) -> None:
        self.room = Room(home, min_free, now)
        before = board_of(home, process)
        self.troubles_before = () if before is None else before.troubles
        """What the process of this name before this one said last."""
        self.kafka = asyncio.Event()
        """Set while Kafka answers."""
        self.ready = False
        self.positions: Callable[[], Positions] = dict
        self.in_flight: Callable[[], int] = lambda: 0
        self._home = home
        self._process = process
        self._now = now
        self._began = now()
        # What kept the process before this one from its work stands until its source has something to say.
        self._sources: dict[str, tuple[Trouble, ...]] = {
            source: tuple(found for found in self.troubles_before if found.kind in kinds)
            for source, kinds in OUTLIVE.items()
        }
        self._kafka_since: datetime | None = None
        self._kafka_was_seen = False
        self._turned = time.monotonic()
        self._ends: Ends = {}

    @property
    def serves(self) -> bool:
        """Whether the process has caught up with its work, and Kafka answers."""
        return self.ready and self.kafka.is_set()

    def silence_s(self) -> float:
        """How long ago the event loop turned last, in seconds; to be asked from another thread."""
        return time.monotonic() - self._turned

    def lags(self) -> dict[tuple[str, str, int], int]:
        """How far each reader is behind the ends that the log had at most `ENDS_EVERY_S` seconds ago."""
        return lags(self._ends, self.positions())

    def show(self, source: str, troubles: Iterable[Trouble]) -> None:
        """Say what keeps `source` from its work, all of it; what was there before and is not now is over."""
        troubles = tuple(troubles)
        before, self._sources[source] = self._sources.get(source, ()), troubles
        begun, over = news(before, troubles)
        for trouble in begun:
            log.warning("trouble: %s", trouble.sentence(self._now()), kind=trouble.kind)
        for trouble in over:
            log.info(
                "over: %s (it began %s)", trouble.what, f"{trouble.since:%Y-%m-%d %H:%M}", kind=trouble.kind
            )
        if begun or over:
            self.put_up()

    def board(self) -> Board:
        """What there is to show now."""
        return Board(
            process=self._process,
            pid=os.getpid(),
            began=self._began,
            at=self._now(),
            ready=self.ready,
            troubles=tuple(trouble for troubles in self._sources.values() for trouble in troubles),
            positions=self.positions(),
            in_flight=self.in_flight(),
        )

    def put_up(self) -> None:
        """Write the board."""
        show(self._home, self.board())

    async def beat(self) -> None:
        """Look at the disk and put the board up, until cancelled."""
        while True:
            self._turned = time.monotonic()
            self.show("disk", self.room.look())
            self.put_up()
            await asyncio.sleep(EVERY_S)

    async def watch_kafka(self, connection: Connection) -> None:
        """Ask the broker again and again, until cancelled."""
        while True:
            consumer = connection.consumer()
            try:
                ends_due = 0.0
                async with asyncio.timeout(KAFKA_LIMIT_S):
                    await consumer.start()
                while True:
                    # One partition: a cluster may hold others' topics by the thousand.
                    async with asyncio.timeout(KAFKA_LIMIT_S):
                        await consumer.end_offsets([TopicPartition(connection.name(DEAD_LETTERS), 0)])
                    self._kafka_serves()
                    if time.monotonic() >= ends_due:
                        await self._look_at_ends(connection, consumer)
                        ends_due = time.monotonic() + ENDS_EVERY_S
                    await asyncio.sleep(EVERY_S)
            except (KafkaError, TimeoutError) as error:
                await self._see_why(connection, error)
            finally:
                await stop(consumer)
            await asyncio.sleep(EVERY_S)

    async def _see_why(self, connection: Connection, error: Exception) -> None:
        """Tell a Kafka that is away from one where the topics are not made yet: those are waited for elsewhere."""
        try:
            await check_access(connection, 0)
        except EarmarkError:
            self._kafka_is_away(connection, error)
        else:
            self._kafka_serves()

    async def _look_at_ends(self, connection: Connection, consumer: AIOKafkaConsumer) -> None:
        places = {
            tp: (topic.name, tp.partition) for topic in TOPICS for tp in partitions_of(connection, topic)
        }
        async with asyncio.timeout(KAFKA_LIMIT_S):
            ends = await consumer.end_offsets(list(places))
        self._ends = {places[place]: end for place, end in ends.items()}

    def _kafka_is_away(self, connection: Connection, why: Exception) -> None:
        self.kafka.clear()
        self._kafka_since = self._kafka_since or self._now()
        log.debug("Kafka does not answer", error=repr(why))
        if not self._kafka_was_seen and self._now() - self._began < START_PATIENCE:
            return
        self.show(
            "kafka",
            [
                Trouble(
                    "kafka-away",
                    self._kafka_since,
                    f"Kafka at {connection.bootstrap} does not answer: everything waits, and nothing is lost",
                )
            ],
        )

    def _kafka_serves(self) -> None:
        self.kafka.set()
        self._kafka_since, self._kafka_was_seen = None, True
        self.show("kafka", [])

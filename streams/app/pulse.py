"""A process's pulse: it looks at what every process needs, says what keeps it from its work, and shows that it lives."""

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.bulletin import Board, Positions, Trouble, board_of, news, show
from streams.clock import Clock
from streams.log.connection import Connection, stop
from streams.log.topics import DEAD_LETTERS

EVERY_S = 1.0
KAFKA_LIMIT_S = 5.0
# With room again for a tenth more than that, or a disk on the brink would be news every second.
ROOM_AGAIN = 1.1

log = logging.getLogger(__name__)


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
        # What ended the process before this one stands until its source has something to say.
        ended = tuple(found for found in self.troubles_before if found.kind == "claude-refuses")
        self._sources: dict[str, tuple[Trouble, ...]] = {"claude": ended}
        self._kafka_since: datetime | None = None

    def show(self, source: str, troubles: Iterable[Trouble]) -> None:
        """Say what keeps `source` from its work, all of it; what was there before and is not now is over."""
        troubles = tuple(troubles)
        before, self._sources[source] = self._sources.get(source, ()), troubles
        begun, over = news(before, troubles)
        for trouble in begun:
            log.warning("trouble: %s", trouble.sentence(self._now()))
        for trouble in over:
            log.warning("over: %s (it began %s)", trouble.what, f"{trouble.since:%Y-%m-%d %H:%M}")
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
        """Write the board; a full disk keeps nobody from work."""
        with suppress(OSError):
            show(self._home, self.board())

    async def beat(self) -> None:
        """Look at the disk and put the board up, until cancelled."""
        while True:
            self.show("disk", self.room.look())
            self.put_up()
            await asyncio.sleep(EVERY_S)

    async def watch_kafka(self, connection: Connection) -> None:
        """Ask the broker again and again, until cancelled."""
        while True:
            consumer = connection.consumer()
            try:
                async with asyncio.timeout(KAFKA_LIMIT_S):
                    await consumer.start()
                while True:
                    async with asyncio.timeout(KAFKA_LIMIT_S):
                        await consumer.end_offsets([TopicPartition(connection.name(DEAD_LETTERS), 0)])
                    self._kafka_serves()
                    await asyncio.sleep(EVERY_S)
            except (KafkaError, TimeoutError) as error:
                self._kafka_is_away(connection, error)
            finally:
                await stop(consumer)
            await asyncio.sleep(EVERY_S)

    def _kafka_is_away(self, connection: Connection, why: Exception) -> None:
        self.kafka.clear()
        self._kafka_since = self._kafka_since or self._now()
        log.debug("Kafka does not answer: %r", why)
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
        self._kafka_since = None
        self.show("kafka", [])

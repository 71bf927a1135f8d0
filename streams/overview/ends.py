"""How far the log goes, asked again and again over one connection."""

import asyncio
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.clock import Clock
from streams.errors import EarmarkError
from streams.log.connection import Connection, stop
from streams.log.follow import partitions_of
from streams.log.topics import TOPICS
from streams.overview.build import LogEnds
from streams.overview.model import LATE

ANSWER_LIMIT_S = 5.0


class Ends:
    """Asks for the log's ends. `connect` raises EarmarkError where there is no broker."""

    def __init__(
        self, connect: Callable[[], Connection], now: Clock, limit_s: float = ANSWER_LIMIT_S
    ) -> None:
        self._connect = connect
        self._now = now
        self._limit_s = limit_s
        self._connection: Connection | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._asking: asyncio.Task[LogEnds] | None = None
        self._last = LogEnds(problem="Kafka has not answered yet")

    async def look(self, wait_s: float) -> LogEnds:
        """The newest answer there is within `wait_s` seconds; one of a few seconds ago where Kafka takes longer."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="ends")
        await asyncio.wait({self._asking}, timeout=wait_s)
        if self._asking.done():
            self._last, self._asking = self._asking.result(), None
        return self._last

    async def close(self) -> None:
        """Leave the log."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})
        await self._leave()

    async def _ask(self) -> LogEnds:
        try:
            async with asyncio.timeout(self._limit_s):
                return await self._ends()
        except EarmarkError:
            await self._leave()
            return LogEnds(problem="no broker runs")
        except (KafkaError, TimeoutError, OSError):
            address = None if self._connection is None else self._connection.bootstrap
            await self._leave()
            return LogEnds(address, f"Kafka at {address} does not answer")

    async def _ends(self) -> LogEnds:
        if self._connection is None:
            self._connection = await asyncio.to_thread(self._connect)
        if self._consumer is None:
            self._consumer = self._connection.consumer()
            await self._consumer.start()
        partitions = [tp for topic in TOPICS for tp in partitions_of(self._connection, topic)]
        ends = await self._consumer.end_offsets(partitions)
        late_ms = int((self._now() - LATE).timestamp() * 1000)
        # None: every record is older.
        newer = await self._consumer.offsets_for_times(dict.fromkeys(partitions, late_ms))
        late = {tp: end if newer[tp] is None else newer[tp].offset for tp, end in ends.items()}
        return LogEnds(self._connection.bootstrap, None, self._by_topic(ends), self._by_topic(late))

    def _by_topic(self, offsets: dict[TopicPartition, int]) -> dict[str, dict[int, int]]:
        assert self._connection is not None  # noqa: S101  it has answered
        found: dict[str, dict[int, int]] = {}
        for tp, offset in offsets.items():
            topic = str(tp.topic).removeprefix(self._connection.prefix)
            found.setdefault(topic, {})[tp.partition] = offset
        return found

    async def _leave(self) -> None:
        consumer, self._consumer, self._connection = self._consumer, None, None
        if consumer is not None:
            await stop(consumer)

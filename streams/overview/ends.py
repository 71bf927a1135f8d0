"""How far the log goes, asked again and again over one connection."""

import asyncio
from collections.abc import Callable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.clock import Clock
from streams.errors import EarmarkError
from streams.log.connection import Connection, stop
from streams.log.follow import partitions_of
from streams.log.topics import TOPICS, by_topic
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
            if self._connection is None:
                self._connection = await asyncio.to_thread(self._connect)
        except EarmarkError:
            return LogEnds(problem="no broker runs")
        connection = self._connection
        try:
            async with asyncio.timeout(self._limit_s):
                return await self._ends(connection)
        except (KafkaError, TimeoutError, OSError, EarmarkError) as error:
            # At the next look the local broker may serve at another address.
            await self._leave()
            problem = str(error) if isinstance(error, EarmarkError) else None
            return LogEnds(
                connection.bootstrap, problem or f"Kafka at {connection.bootstrap} does not answer"
            )

    async def _ends(self, connection: Connection) -> LogEnds:
        if self._consumer is None:
            self._consumer = connection.consumer()
            await self._consumer.start()
            missing = set(map(connection.name, TOPICS)) - await self._consumer.topics()
            if missing:
                raise EarmarkError(
                    f"Kafka at {connection.bootstrap} has no topic {min(missing)}: `earmark up` makes it, or"
                    " `earmark prepare`"
                )
        partitions = [tp for topic in TOPICS for tp in partitions_of(connection, topic)]
        ends = await self._consumer.end_offsets(partitions)
        late_ms = int((self._now() - LATE).timestamp() * 1000)
        # None: every record is older.
        newer = await self._consumer.offsets_for_times(dict.fromkeys(partitions, late_ms))
        late = {tp: end if newer[tp] is None else newer[tp].offset for tp, end in ends.items()}
        return LogEnds(connection.bootstrap, None, _by_topic(connection, ends), _by_topic(connection, late))

    async def _leave(self) -> None:
        consumer, self._consumer, self._connection = self._consumer, None, None
        if consumer is not None:
            await stop(consumer)


def _by_topic(connection: Connection, offsets: Mapping[TopicPartition, int]) -> dict[str, dict[int, int]]:
    return by_topic(
        (str(tp.topic).removeprefix(connection.prefix), tp.partition, offset)
        for tp, offset in offsets.items()
    )

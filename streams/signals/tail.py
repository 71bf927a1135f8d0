"""The signals as they come, for people and for pipes."""

from collections.abc import Callable
from datetime import datetime

from aiokafka import TopicPartition

from streams.errors import EarmarkError
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import Ends, follow
from streams.log.gaps import Gap, go_on
from streams.log.topics import MENTION_SIGNALS, OUTLOOK_SIGNALS

TOPICS = (MENTION_SIGNALS, OUTLOOK_SIGNALS)


async def tail(connection: Connection, since: datetime | None, show: Callable[[Record], None]) -> None:
    """Show each signal as it comes, those of one key in their order: what the broker took at `since` or later.

    `since` None: only what comes from now on. It never returns. Raises EarmarkError where the topics are not there.
    """
    async with follow(connection, TOPICS, show, await _starts(connection, since), go_on) as follower:
        await follower.ended()


async def _starts(connection: Connection, since: datetime | None) -> Ends:
    partitions = [
        TopicPartition(connection.name(topic), partition)
        for topic in TOPICS
        for partition in range(topic.partitions)
    ]
    async with connection.consumer() as consumer:
        missing = {tp.topic for tp in partitions} - await consumer.topics()
        if missing:
            raise EarmarkError(
                f"the broker has no topic {', '.join(sorted(missing))}: make it with `earmark topics apply`"
            )
        # The ends first: a signal that comes meanwhile is then read, not passed over.
        offsets = dict(await consumer.end_offsets(partitions))
        if since is not None:
            milliseconds = int(since.timestamp() * 1000)
            found = await consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
            offsets |= {tp: at.offset for tp, at in found.items() if at is not None}
            firsts = await consumer.beginning_offsets(partitions)
            # What is left begins after `since`: what was published between them is gone.
            gaps = [
                Gap(tp.topic, tp.partition, 0, first)
                for tp, first in firsts.items()
                if 0 < first == offsets[tp]
            ]
            if gaps:
                go_on(gaps)
    return {(tp.topic.removeprefix(connection.prefix), tp.partition): at for tp, at in offsets.items()}

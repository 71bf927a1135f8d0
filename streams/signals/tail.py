"""The signals as they come, for people and for pipes."""

from collections.abc import Callable
from datetime import datetime

import orjson
from aiokafka import TopicPartition

from streams.errors import EarmarkError
from streams.events.event import Event
from streams.events.record import Record
from streams.events.signals import (
    MentionAdded,
    MentionChanged,
    MentionRetracted,
    OutlookAdded,
    OutlookChanged,
    OutlookRetracted,
)
from streams.log.connection import Connection
from streams.log.follow import Ends, follow
from streams.log.topics import MENTION_SIGNALS, OUTLOOK_SIGNALS

TOPICS = (MENTION_SIGNALS, OUTLOOK_SIGNALS)

Signal = MentionAdded | MentionChanged | MentionRetracted | OutlookAdded | OutlookChanged | OutlookRetracted


def as_line(signal: Signal) -> str:
    """A signal for people: time, cause, revision, type, what is said, in whose words, where."""
    match signal:
        case MentionAdded(mention=said) | MentionChanged(mention=said) | MentionRetracted(mention=said):
            what = f"{said.symbol:<6} {said.action:<5} {said.conviction:.2f} {said.time_horizon:<11}"
            words, where = said.quote, said.url
        case OutlookAdded(outlook=view) | OutlookChanged(outlook=view) | OutlookRetracted(outlook=view):
            what = f"market {view.direction:<22}"
            words, where = view.reasoning, signal.video.title or signal.video.video_id
    head = (
        f"{signal.at:%Y-%m-%d %H:%M:%S}Z {signal.cause:<10} r{signal.revision:<2} {type(signal).__name__:<16}"
    )
    return printable(f"{head} {what} “{words}” {where}")


def as_json(signal: Event) -> str:
    """A signal for pipes: one JSON object of its type, id, time, key and body."""
    envelope = {
        "type": type(signal).__name__,
        "id": str(signal.event_id),
        "time": signal.at,
        "key": signal.key,
    }
    return orjson.dumps(envelope | signal.model_dump(mode="json")).decode()


def printable(line: str) -> str:
    """One line without control characters: the words are a stranger's, and a terminal obeys them."""
    return "".join(character if character.isprintable() else " " for character in line)


async def tail(connection: Connection, since: datetime | None, show: Callable[[Record], None]) -> None:
    """Show each signal as it comes, those of one key in their order: what the broker took at `since` or later.

    `since` None: only what comes from now on. It never returns. Raises EarmarkError where the topics are not there.
    """
    async with follow(connection, TOPICS, show, await _starts(connection, since)) as follower:
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
    return {(tp.topic.removeprefix(connection.prefix), tp.partition): at for tp, at in offsets.items()}

"""Checks of Kafka: whether it answers, its topics, their retention, its clock. Nothing is written to it."""

import asyncio
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from streams.clock import Clock
from streams.doctor.finding import SKEW_SEEN, Finding, skew
from streams.log.access import check_access
from streams.log.connection import Connection, stop
from streams.log.follow import partitions_of
from streams.log.layout import Layout, Plan, existing_layouts, plan
from streams.log.topics import CHANNELS, KEPT_FOR_EVER, LEDGER, TOPICS

ANSWER_LIMIT_S = 6.0
_RETENTION = ("cleanup.policy", "retention.ms", "retention.bytes")
_APPLY = "`earmark topics apply`"


async def kafka(connection: Connection, *, is_local: bool, now: Clock) -> list[Finding]:
    """What there is to say of the log."""
    admin, consumer = connection.admin(), connection.consumer()
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            await check_access(connection, 1)
            await admin.start()
            layouts = await existing_layouts(admin, connection.prefix)
            answers = Finding("kafka", "ok", f"{connection.bootstrap} answers")
            found = [answers, *topics(layouts, connection.prefix)]
            if len(layouts) == len(TOPICS):
                await consumer.start()
                found += [await _beginnings(consumer, connection), await _clock(consumer, connection, now)]
            return found
    except (KafkaError, TimeoutError, OSError) as error:
        why = "no connection" if isinstance(error, KafkaConnectionError | TimeoutError) else str(error)
        fix = (
            "`earmark broker stop`; a running `earmark up` starts it again"
            if is_local
            else "see that it runs, and that EARMARK_KAFKA and EARMARK_KAFKA_* are right"
        )
        return [Finding("kafka", "broken", f"Kafka at {connection.bootstrap} does not answer ({why})", fix)]
    finally:
        await admin.close()
        await stop(consumer)


def topics(layouts: dict[str, Layout], prefix: str) -> list[Finding]:
    """The topics against those of the code, and how long they keep their records: pure."""
    todo = plan(layouts, prefix)
    if not layouts:
        what = f"there is no topic whose name begins with {prefix}"
        return [Finding("topics", "broken", what, "`earmark up` makes them, or `earmark topics apply`")]
    return [_layout(todo, prefix), _retention(todo, layouts, prefix)]


def _layout(todo: Plan, prefix: str) -> Finding:
    if todo.refused:
        what, _, fix = todo.refused[0].partition("; ")
        return Finding("topics", "broken", what, fix)
    if todo.create:
        missing = ", ".join(prefix + topic.name for topic in todo.create)
        return Finding("topics", "broken", f"missing: {missing}", _APPLY)
    differs = [
        f"{prefix}{name} has {key}={was} where {want} belongs"
        for name, changes in todo.alter.items()
        for key, (was, want) in changes.items()
        if key not in _RETENTION
    ]
    if differs:
        return Finding("topics", "broken", "; ".join(differs), _APPLY)
    return Finding("topics", "ok", f"all {len(TOPICS)} are as the code says")


def _retention(todo: Plan, layouts: dict[str, Layout], prefix: str) -> Finding:
    deletes = [
        f"{prefix}{name} has {key}={was} where {KEPT_FOR_EVER[key]} belongs"
        for name, changes in todo.alter.items()
        for key, (was, _) in changes.items()
        if key in _RETENTION
    ]
    if deletes:
        return Finding("retention", "broken", f"Kafka deletes the log: {'; '.join(deletes)}", _APPLY)
    return Finding("retention", "ok", f"{len(layouts)} topics keep their records for ever")


async def _beginnings(consumer: AIOKafkaConsumer, connection: Connection) -> Finding:
    partitions = [tp for topic in TOPICS for tp in partitions_of(connection, topic)]
    starts = await consumer.beginning_offsets(partitions)
    gone = {tp: start for tp, start in starts.items() if start > 0}
    if not gone:
        return Finding("records", "ok", "every topic begins at its first record")
    told = ", ".join(f"{tp.topic}[{tp.partition}] {start}" for tp, start in sorted(gone.items()))
    fatal = any(tp.topic == connection.name(LEDGER) for tp in gone)
    return Finding(
        "records",
        "broken" if fatal else "look",
        f"the first records are gone: {told}"
        + ("; nothing is spent without the whole ledger" if fatal else ""),
        "restore a backup, or begin a new log under another EARMARK_TOPIC_PREFIX"
        if fatal
        else "restore a backup, if you have one",
    )


async def _clock(consumer: AIOKafkaConsumer, connection: Connection, now: Clock) -> Finding:
    """By the newest record: Kafka tells its time in no other way without being written to."""
    name = "clock (Kafka)"
    for topic in (LEDGER, CHANNELS):
        tp = TopicPartition(connection.name(topic), 0)
        start = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        if end > start:
            consumer.assign([tp])
            consumer.seek(tp, end - 1)
            record = await consumer.getone()
            stamped = datetime.fromtimestamp(record.timestamp / 1000, UTC)
            return broker_clock(stamped, _made_at(record.headers), now())
    return Finding(name, "ok", "there is no record yet to compare with")


def broker_clock(stamped: datetime, made: datetime | None, now: datetime) -> Finding:
    """The broker's time on a record, against ours now and its maker's then: pure. It can be no later than now."""
    name = "clock (Kafka)"
    if stamped > now + SKEW_SEEN:
        return skew(name, now - stamped, "Kafka")
    if made is None or abs(made - stamped) <= SKEW_SEEN:
        return Finding(
            name, "ok", f"the newest record, of {stamped:%Y-%m-%d %H:%M:%S}, was stamped when it was made"
        )
    return skew(name, made - stamped, "Kafka") if made > stamped else _slow(name, stamped - made)


def _slow(name: str, late: timedelta) -> Finding:
    return Finding(
        name,
        "look",
        f"the newest record was stamped {late.total_seconds():.0f} s after it was made: Kafka was away, or a clock is wrong",
        "if Kafka was not away, set both clocks by NTP",
    )


def _made_at(headers: tuple[tuple[str, bytes], ...]) -> datetime | None:
    text = dict(headers).get("ce_time", b"").decode()
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None

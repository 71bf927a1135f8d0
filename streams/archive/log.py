"""The log as an archive needs it: all its partitions at one moment, and what the workers' group has committed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    NotCoordinatorForGroupError,
)

from streams.errors import EarmarkError, TransientError
from streams.log.connection import Connection, look_up, stop
from streams.log.follow import partitions_of
from streams.log.layout import Layout, existing_layouts
from streams.log.topics import KEPT_FOR_EVER, TOPICS

Place = tuple[str, int]
"""A topic's name without the prefix, and a partition."""
MOMENT_LIMIT_S = 30.0
_SETTLE_LIMIT_S = 30.0
# A broker shows a setting before each leader goes by it.
_LEADERS_S = 1.0
_TIMES = "message.timestamp.type"
_GIVEN = "CreateTime"
_COORDINATOR_COMES = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)


@dataclass(frozen=True)
class Moment:
    """Where each partition began and ended at one moment, and what the workers were done with by then."""

    starts: Mapping[Place, int]
    ends: Mapping[Place, int]
    committed: Mapping[Place, int]


async def moment_of(connection: Connection) -> Moment:
    """The log as it is at one moment, so that whatever is in it has its cause in it too.

    Topics lead to each other in circles, so no order of looking would do: all ends are asked for until two answers in a
    row are the same. Raises TransientError where the log is never still for so long.
    """
    # First: what is committed is done with, and what followed from it stands before the ends.
    committed = await committed_of(connection)
    consumer = connection.consumer()
    places = {tp: (topic.name, tp.partition) for topic in TOPICS for tp in partitions_of(connection, topic)}
    try:
        await consumer.start()
        await look_up(consumer, map(connection.name, TOPICS))
        starts = await consumer.beginning_offsets(list(places))
        before, ends = None, await consumer.end_offsets(list(places))
        try:
            async with asyncio.timeout(MOMENT_LIMIT_S):
                while ends != before:
                    before, ends = ends, await consumer.end_offsets(list(places))
        except TimeoutError:
            raise TransientError(
                f"so much is appended that the log was never still within {MOMENT_LIMIT_S:.0f} s: try again later, or stop"
                " `earmark up` first"
            ) from None
    finally:
        await stop(consumer)
    return Moment(
        {place: starts[tp] for tp, place in places.items()},
        {place: ends[tp] for tp, place in places.items()},
        {place: min(offset, ends[tp]) for tp, place in places.items() if (offset := committed.get(place))},
    )


async def committed_of(connection: Connection) -> dict[Place, int]:
    """What the workers' group has committed, in every partition where it has."""
    consumer = connection.consumer(group=connection.worker_group)
    try:
        await consumer.start()
        found = {}
        for topic in TOPICS:
            for tp in partitions_of(connection, topic):
                offset = await consumer.committed(tp)
                if offset is not None:
                    found[topic.name, tp.partition] = offset
        return found
    finally:
        await stop(consumer)


async def commit(connection: Connection, offsets: Mapping[Place, int]) -> None:
    """Commit `offsets` for the workers' group. Raises EarmarkError where a worker is at work in it."""
    if not offsets:
        return
    by_name = {topic.name: topic for topic in TOPICS}
    consumer: AIOKafkaConsumer = connection.consumer(group=connection.worker_group)
    committed = {
        TopicPartition(connection.name(by_name[name]), partition): offset
        for (name, partition), offset in offsets.items()
    }
    try:
        await consumer.start()
        consumer.assign(list(committed))
        await consumer.commit(committed)
    except KafkaError as error:
        raise EarmarkError(
            f"the offsets of group {connection.worker_group} were not taken ({error!r}): stop every worker and run it again"
        ) from error
    finally:
        await stop(consumer)


async def workers_of(connection: Connection, admin: AIOKafkaAdminClient) -> int:
    """How many workers are members of their group."""
    while True:
        try:
            [answer] = await admin.describe_consumer_groups([connection.worker_group])
        except _COORDINATOR_COMES:  # the first question makes the broker look for one
            await asyncio.sleep(0.2)
            continue
        [(_code, _name, _state, _protocol_type, _protocol, members, *_rest)] = answer.groups
        return len(members)


def is_being_restored(layouts: Mapping[str, Layout]) -> bool:
    """Whether a restore into these topics is under way, or was interrupted: their times are still given from outside."""
    return any(layout.own.get(_TIMES) == _GIVEN for layout in layouts.values())


async def refuse_unfinished(connection: Connection, admin: AIOKafkaAdminClient) -> None:
    """Raise EarmarkError where a restore into the log is not finished."""
    if is_being_restored(await existing_layouts(admin, connection.prefix)):
        raise EarmarkError(
            f"a restore into {connection.prefix}* is under way or was interrupted: run `earmark restore` again, to its end"
        )


async def give_times(connection: Connection, admin: AIOKafkaAdminClient, *, given: bool) -> None:
    """Have the broker keep the times that records come with, or give them its own as the code says.

    Returns when its leaders go by it.
    """
    wanted = _GIVEN if given else KEPT_FOR_EVER[_TIMES]
    layouts = await existing_layouts(admin, connection.prefix)
    # This request replaces all a topic's own settings.
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, configs={**layout.own, _TIMES: wanted})
        for name, layout in layouts.items()
    ]
    for answer in await admin.alter_configs(resources):
        for code, message, _kind, name in answer.resources:
            if code != 0:
                raise EarmarkError(f"topic {name} was not altered: {message}")
    try:
        async with asyncio.timeout(_SETTLE_LIMIT_S):
            while any(  # noqa: ASYNC110 - a broker gives no sign
                layout.own.get(_TIMES) != wanted
                for layout in (await existing_layouts(admin, connection.prefix)).values()
            ):
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise EarmarkError(f"the broker took {_TIMES}={wanted} but does not show it: try again") from None
    await asyncio.sleep(_LEADERS_S)

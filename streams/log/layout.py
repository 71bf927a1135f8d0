"""The topics of a broker against those of the code: the plan, and what carries it out."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from streams.errors import EarmarkError, RefusedError
from streams.log.access import check_access
from streams.log.connection import Connection, stop
from streams.log.topics import KEPT_FOR_EVER, TOPICS, Topic, replicated

_UNKNOWN_TOPIC = 3
_TOPIC_EXISTS = 36
_TOO_FEW_BROKERS = 38
_SET_ON_TOPIC = 1  # a setting's source, as Kafka numbers them
_SETTLE_LIMIT_S = 30.0
_PAUSE_S = 0.02


@dataclass(frozen=True)
class Layout:
    """A topic as it is on a broker: partition count, the settings in force, those set on the topic itself, replicas."""

    partitions: int
    config: Mapping[str, str]
    own: Mapping[str, str] = field(default_factory=dict)
    replicas: int = 1


@dataclass(frozen=True)
class Plan:
    """What `topics apply` would do. `recreate`: topics deleted first; `refused`: what cannot be fixed in place."""

    create: tuple[Topic, ...]
    recreate: tuple[Topic, ...]
    alter: Mapping[str, Mapping[str, tuple[str | None, str]]]
    refused: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the broker has what the code says."""
        return not (self.create or self.recreate or self.alter or self.refused)

    def lines(self, prefix: str) -> list[str]:
        """The plan in words, a line each difference."""
        created = [f"create {prefix}{topic.name}: {topic.partitions} partitions" for topic in self.create]
        recreated = [
            f"recreate {prefix}{topic.name}, which is empty: {topic.partitions} partitions"
            for topic in self.recreate
        ]
        altered = [
            f"alter {prefix}{name}: {key} {was} → {want}"
            for name, changes in self.alter.items()
            for key, (was, want) in changes.items()
        ]
        return created + recreated + altered + [f"refused {line}" for line in self.refused]


def plan(
    existing: Mapping[str, Layout],
    prefix: str,
    topics: Sequence[Topic] = TOPICS,
    replication_factor: int = 1,
    empty: Collection[str] | None = None,
) -> Plan:
    """What must change on a broker that has `existing` (full names) for `topics` to stand as the code says.

    `empty`: those of `existing` that hold nothing and may be made anew; None: it was not looked.
    """
    create, recreate, alter, refused = [], [], {}, []
    for topic in topics:
        name = prefix + topic.name
        layout = existing.get(name)
        if layout is None:
            create.append(topic)
            continue
        if wrong := _cannot_stay(topic, layout, replication_factor):
            if name in (empty or ()):
                recreate.append(topic)
            else:
                refused.append(f"{name}: {wrong}; {_way_out(layout, topic, holds_records=empty is not None)}")
            continue
        wanted = _config(topic, replication_factor)
        differs = {
            key: (layout.config.get(key), want)
            for key, want in wanted.items()
            if layout.config.get(key) != want
        }
        if differs:
            alter[topic.name] = differs
    return Plan(tuple(create), tuple(recreate), alter, tuple(refused))


def _config(topic: Topic, replication_factor: int) -> dict[str, str]:
    return {**KEPT_FOR_EVER, **topic.config, **replicated(replication_factor)}


def _cannot_stay(topic: Topic, layout: Layout, replication_factor: int) -> str | None:
    """What no setting can change of a topic, or None."""
    if layout.partitions != topic.partitions:
        return f"{layout.partitions} partitions where {topic.partitions} belong; keys would move and order be lost"
    # Not more than asked for is wrong: a cluster's owner may have added some.
    if layout.replicas < replication_factor:
        return f"{layout.replicas} replicas where EARMARK_KAFKA_REPLICATION_FACTOR says {replication_factor}"
    return None


def _way_out(layout: Layout, topic: Topic, *, holds_records: bool) -> str:
    other = (
        "use another EARMARK_TOPIC_PREFIX"
        if layout.partitions != topic.partitions
        else "give it more with kafka-reassign-partitions, or lower EARMARK_KAFKA_REPLICATION_FACTOR"
    )
    if holds_records:
        return f"it holds records or did: {other}"
    return f"if it is empty, `earmark topics apply --recreate-empty` makes it anew; else {other}"


@asynccontextmanager
async def administrator(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client for topics, for as long as the block lasts. Raises what `check_access` raises."""
    await check_access(connection)
    admin = connection.admin()
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def existing_layouts(admin: AIOKafkaAdminClient, prefix: str) -> dict[str, Layout]:
    """The layouts of the topics under `prefix` that the broker has."""
    names = sorted({prefix + topic.name for topic in TOPICS}.intersection(await admin.list_topics()))
    if not names:
        return {}
    described = {
        found["topic"]: found["partitions"]
        for found in await admin.describe_topics(names)
        if found["error_code"] == 0
    }
    if not described:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in described]
    layouts = {}
    for response in await admin.describe_configs(resources):
        for code, message, _kind, name, entries in response.resources:
            if code == _UNKNOWN_TOPIC:  # this broker does not know it yet
                continue
            if code != 0:
                raise EarmarkError(f"the broker does not describe topic {name}: {message}")
            layouts[name] = Layout(
                len(described[name]),
                replicas=min(len(partition["replicas"]) for partition in described[name]),
                config={key: value for key, value, *_rest in entries},
                own={
                    key: value
                    for key, value, _read_only, source, *_rest in entries
                    if source == _SET_ON_TOPIC
                },
            )
    return layouts


async def empty_topics(connection: Connection, existing: Mapping[str, Layout]) -> frozenset[str]:
    """Those of `existing` that hold no record and never did: each partition begins and ends at offset 0."""
    consumer = connection.consumer()
    try:
        await consumer.start()
        partitions = [
            TopicPartition(name, number)
            for name, found in existing.items()
            for number in range(found.partitions)
        ]
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions)
    finally:
        await stop(consumer)
    used = {tp.topic for tp in partitions if ends[tp] or starts[tp]}
    return frozenset(existing.keys() - used)


async def apply(
    admin: AIOKafkaAdminClient,
    prefix: str,
    replication_factor: int = 1,
    empty: Collection[str] | None = None,
) -> Plan:
    """Make the broker's topics as the code says and return what was done; nothing is changed where anything is refused.

    Returns when the broker answers by the new layout. Settings that the code does not name stay as they are. Of `empty`
    (full names, as `empty_topics` finds them) those that cannot stay are deleted and made anew. Raises RefusedError for
    any other that cannot stay, EarmarkError where the broker refuses or does not follow.
    """
    existing = await existing_layouts(admin, prefix)
    todo = plan(existing, prefix, TOPICS, replication_factor, empty)
    if todo.refused:
        raise RefusedError("\n".join(todo.refused))
    if todo.recreate:
        await _delete(admin, [prefix + topic.name for topic in todo.recreate])
    if todo.create or todo.recreate:
        await _create(admin, prefix, (*todo.create, *todo.recreate), replication_factor)
    if todo.alter:
        altered = [topic for topic in TOPICS if topic.name in todo.alter]
        await _alter(admin, prefix, altered, existing, replication_factor)
    if not todo.is_empty:
        await _settle(admin, prefix, replication_factor)
    return todo


async def _delete(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    response = await admin.delete_topics(names)
    for name, code in response.topic_error_codes:
        if code not in (0, _UNKNOWN_TOPIC):
            raise EarmarkError(f"topic {name} was not deleted: {for_code(code).__name__}")


async def _create(
    admin: AIOKafkaAdminClient, prefix: str, topics: Sequence[Topic], replication_factor: int
) -> None:
    new = [
        NewTopic(
            name=prefix + topic.name,
            num_partitions=topic.partitions,
            replication_factor=replication_factor,
            topic_configs=_config(topic, replication_factor),
        )
        for topic in topics
    ]
    response = await admin.create_topics(new)
    for name, code, *words in response.topic_errors:
        if code not in (0, _TOPIC_EXISTS):  # another process may have made it first
            setting = "EARMARK_KAFKA_REPLICATION_FACTOR: " if code == _TOO_FEW_BROKERS else ""
            raise EarmarkError(
                f"{setting}topic {name} was not created: {' '.join([for_code(code).__name__, *filter(None, words)])}"
            )


async def _alter(
    admin: AIOKafkaAdminClient,
    prefix: str,
    topics: Sequence[Topic],
    existing: Mapping[str, Layout],
    replication_factor: int,
) -> None:
    resources = [
        ConfigResource(
            ConfigResourceType.TOPIC,
            prefix + topic.name,
            # This request replaces all a topic's own settings: what is not named in it goes back to the default.
            configs={**existing[prefix + topic.name].own, **_config(topic, replication_factor)},
        )
        for topic in topics
    ]
    for answer in await admin.alter_configs(resources):
        for code, message, _kind, name in answer.resources:
            if code != 0:
                raise EarmarkError(f"topic {name} was not altered: {message}")


async def _settle(admin: AIOKafkaAdminClient, prefix: str, replication_factor: int) -> None:
    """Wait until the broker shows a change: it does so a moment after the controller has answered."""
    try:
        async with asyncio.timeout(_SETTLE_LIMIT_S):
            while not plan(  # noqa: ASYNC110 - a broker gives no sign
                await existing_layouts(admin, prefix), prefix, replication_factor=replication_factor
            ).is_empty:
                await asyncio.sleep(_PAUSE_S)
    except TimeoutError:
        raise EarmarkError(
            f"the broker took the new topics but does not show them after {_SETTLE_LIMIT_S:.0f} s: run"
            " `earmark topics plan` to see what differs"
        ) from None

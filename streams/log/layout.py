"""The topics of a broker against those of the code: the plan, and what carries it out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from streams.errors import EarmarkError, RefusedError
from streams.log.topics import KEPT_FOR_EVER, TOPICS, Topic

_UNKNOWN_TOPIC = 3
_TOPIC_EXISTS = 36
_SET_ON_TOPIC = 1  # a setting's source, as Kafka numbers them
_SETTLE_LIMIT_S = 30.0


@dataclass(frozen=True)
class Layout:
    """A topic as it is on a broker: partition count, the settings in force, and those set on the topic itself."""

    partitions: int
    config: Mapping[str, str]
    own: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What `topics apply` would do. `refused`: partition counts that cannot be fixed in place."""

    create: tuple[Topic, ...]
    alter: Mapping[str, Mapping[str, tuple[str | None, str]]]
    refused: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the broker has what the code says."""
        return not (self.create or self.alter or self.refused)

    def lines(self, prefix: str) -> list[str]:
        """The plan in words, a line each difference."""
        created = [f"create {prefix}{topic.name}: {topic.partitions} partitions" for topic in self.create]
        altered = [
            f"alter {prefix}{name}: {key} {was} → {want}"
            for name, changes in self.alter.items()
            for key, (was, want) in changes.items()
        ]
        return created + altered + [f"refused {line}" for line in self.refused]


def plan(existing: Mapping[str, Layout], prefix: str, topics: Sequence[Topic] = TOPICS) -> Plan:
    """What must change on a broker that has `existing` (full names) for `topics` to stand as the code says."""
    create, alter, refused = [], {}, []
    for topic in topics:
        layout = existing.get(prefix + topic.name)
        if layout is None:
            create.append(topic)
            continue
        if layout.partitions != topic.partitions:
            refused.append(
                f"{prefix}{topic.name}: {layout.partitions} partitions where {topic.partitions} belong; keys would"
                " move and order be lost: use another EARMARK_TOPIC_PREFIX"
            )
        wanted = {**KEPT_FOR_EVER, **topic.config}
        differs = {
            key: (layout.config.get(key), want)
            for key, want in wanted.items()
            if layout.config.get(key) != want
        }
        if differs:
            alter[topic.name] = differs
    return Plan(tuple(create), alter, tuple(refused))


async def existing_layouts(admin: AIOKafkaAdminClient, prefix: str) -> dict[str, Layout]:
    """The layouts of the topics under `prefix` that the broker has."""
    names = [prefix + topic.name for topic in TOPICS]
    described = {
        found["topic"]: len(found["partitions"])
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
                described[name],
                config={key: value for key, value, *_rest in entries},
                own={
                    key: value
                    for key, value, _read_only, source, *_rest in entries
                    if source == _SET_ON_TOPIC
                },
            )
    return layouts


async def apply(admin: AIOKafkaAdminClient, prefix: str, replication_factor: int = 1) -> Plan:
    """Make the broker's topics as the code says and return what was done; nothing is changed where anything is refused.

    Returns when the broker answers by the new layout. Settings that the code does not name stay as they are. Raises
    RefusedError for a changed partition count, EarmarkError where the broker refuses or does not follow.
    """
    existing = await existing_layouts(admin, prefix)
    todo = plan(existing, prefix)
    if todo.refused:
        raise RefusedError("; ".join(todo.refused))
    if todo.create:
        await _create(admin, prefix, todo.create, replication_factor)
    if todo.alter:
        await _alter(admin, prefix, [topic for topic in TOPICS if topic.name in todo.alter], existing)
    if not todo.is_empty:
        await _settle(admin, prefix)
    return todo


async def _create(
    admin: AIOKafkaAdminClient, prefix: str, topics: Sequence[Topic], replication_factor: int
) -> None:
    new = [
        NewTopic(
            name=prefix + topic.name,
            num_partitions=topic.partitions,
            replication_factor=replication_factor,
            topic_configs={**KEPT_FOR_EVER, **topic.config},
        )
        for topic in topics
    ]
    response = await admin.create_topics(new)
    for name, code, *message in response.topic_errors:
        if code not in (0, _TOPIC_EXISTS):  # another process may have made it first
            raise EarmarkError(f"topic {name} was not created: {for_code(code).__name__} {message}")


async def _alter(
    admin: AIOKafkaAdminClient, prefix: str, topics: Sequence[Topic], existing: Mapping[str, Layout]
) -> None:
    resources = [
        ConfigResource(
            ConfigResourceType.TOPIC,
            prefix + topic.name,
            # This request replaces all a topic's own settings: what is not named in it goes back to the default.
            configs={**existing[prefix + topic.name].own, **KEPT_FOR_EVER, **topic.config},
        )
        for topic in topics
    ]
    for answer in await admin.alter_configs(resources):
        for code, message, _kind, name in answer.resources:
            if code != 0:
                raise EarmarkError(f"topic {name} was not altered: {message}")


async def _settle(admin: AIOKafkaAdminClient, prefix: str) -> None:
    """Wait until the broker shows a change: it does so a moment after the controller has answered."""
    try:
        async with asyncio.timeout(_SETTLE_LIMIT_S):
            while not plan(await existing_layouts(admin, prefix), prefix).is_empty:  # noqa: ASYNC110 - a broker gives no sign
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise EarmarkError(
            f"the broker took the new topics but does not show them after {_SETTLE_LIMIT_S:.0f} s: run"
            " `earmark topics plan` to see what differs"
        ) from None

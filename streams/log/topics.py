"""The topics: what stands in which, how they are laid out, and the plan that makes them so."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code
from aiokafka.partitioner import murmur2

from streams.errors import EarmarkError, RefusedError
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable
from streams.events.channels import ChannelFollowed, ChannelScanned, ChannelUnfollowed
from streams.events.dead_letters import DeadLettered
from streams.events.event import Event
from streams.events.ledger import (
    AnalysisRequested,
    BudgetReserved,
    BudgetSettled,
    ReplayCancelled,
    ReplayStarted,
)
from streams.events.prompts import PromptActivated, PromptRegistered
from streams.events.signals import (
    MentionAdded,
    MentionChanged,
    MentionRetracted,
    OutlookAdded,
    OutlookChanged,
    OutlookRetracted,
)
from streams.events.videos import VideoDiscovered

MAX_MESSAGE_BYTES = 9 * 2**20
# A dead letter holds the whole message in base64, a third longer.
MAX_DEAD_LETTER_BYTES = 2 * MAX_MESSAGE_BYTES

KEPT_FOR_EVER = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": str(MAX_MESSAGE_BYTES),
}
# What was paid for must survive a power cut of the one broker; with replicas, acks=all does that.
PAID_FOR = {"flush.messages": "1"}


@dataclass(frozen=True)
class Topic:
    """A topic without its prefix: its layout and the event types in it."""

    name: str
    partitions: int
    types: tuple[type[Event], ...]
    config: Mapping[str, str] = field(default_factory=dict)


CHANNELS = Topic("channels", 1, (ChannelFollowed, ChannelScanned, ChannelUnfollowed))
VIDEOS = Topic("videos", 12, (VideoDiscovered,))
CAPTIONS_REQUESTS = Topic("captions.requests", 12, (CaptionsRequested,))
CAPTIONS = Topic("captions", 12, (CaptionsExtracted,))
CAPTIONS_UNAVAILABLE = Topic("captions.unavailable", 12, (CaptionsUnavailable,))
LEDGER = Topic(
    "analysis.ledger",
    1,
    (AnalysisRequested, BudgetReserved, BudgetSettled, ReplayStarted, ReplayCancelled),
    PAID_FOR,
)
ANALYSES = Topic("analyses", 12, (AnalysisCompleted, AttemptFailed, AnalysisFailed), PAID_FOR)
PROMPTS = Topic("prompts", 1, (PromptRegistered, PromptActivated))
MENTION_SIGNALS = Topic("signals.mentions", 12, (MentionAdded, MentionChanged, MentionRetracted))
OUTLOOK_SIGNALS = Topic("signals.outlooks", 12, (OutlookAdded, OutlookChanged, OutlookRetracted))
DEAD_LETTERS = Topic("dead-letters", 1, (DeadLettered,), {"max.message.bytes": str(MAX_DEAD_LETTER_BYTES)})

TOPICS = (
    CHANNELS,
    VIDEOS,
    CAPTIONS_REQUESTS,
    CAPTIONS,
    CAPTIONS_UNAVAILABLE,
    LEDGER,
    ANALYSES,
    PROMPTS,
    MENTION_SIGNALS,
    OUTLOOK_SIGNALS,
    DEAD_LETTERS,
)

_UNKNOWN_TOPIC = 3
_TOPIC_EXISTS = 36
_SET_ON_TOPIC = 1  # a setting's source, as Kafka numbers them
_SETTLE_LIMIT_S = 30.0
_TOPIC_OF = {event_type: topic for topic in TOPICS for event_type in topic.types}


def destination(event: Event) -> tuple[Topic, int | None]:
    """Where `event` goes: its topic, and its partition where the key does not choose it (a marker in `analyses`)."""
    match event:
        case PromptActivated(partition=int() as partition):
            return ANALYSES, partition
        case _:
            return _TOPIC_OF[type(event)], None


def partition_of(key: str, partitions: int) -> int:
    """The partition a key falls in: murmur2, as every Kafka client's default has it."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


@dataclass(frozen=True)
class Layout:
    """A topic as it is on a broker: partition count, the settings in force, and those set on the topic itself."""

    partitions: int
    config: Mapping[str, str]
    own: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What `topics apply` would do. `refused`: partition counts that cannot be mended in place."""

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
            if code == _UNKNOWN_TOPIC:  # this broker has yet to hear of it
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
    """A broker hears of a change a moment after the controller has answered: wait until it has."""
    try:
        async with asyncio.timeout(_SETTLE_LIMIT_S):
            while not plan(await existing_layouts(admin, prefix), prefix).is_empty:  # noqa: ASYNC110 - a broker gives no sign
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise EarmarkError(
            f"the broker took the new topics but does not show them after {_SETTLE_LIMIT_S:.0f} s: run"
            " `earmark topics plan` to see what differs"
        ) from None

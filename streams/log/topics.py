"""The topics: what stands in which, how they are laid out, and the plan that makes them so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable
from streams.events.channels import ChannelFollowed, ChannelScanned, ChannelUnfollowed
from streams.events.dead_letters import DeadLettered, DeadLetterRetried
from streams.events.evaluations import EvaluationAttempted, TranscriptGiven
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

# The broker's limit, on what the producer has compressed.
MAX_MESSAGE_BYTES = 9 * 2**20
# The producer's, before it compresses. 48 hours of talk are 4 to 15 MB, and 1.3 to 4.5 MB compressed.
MAX_PLAIN_BYTES = 2 * MAX_MESSAGE_BYTES
# A dead letter holds the whole message in base64, a third longer, which compression takes back.
MAX_DEAD_LETTER_BYTES = MAX_PLAIN_BYTES
MAX_PLAIN_DEAD_LETTER_BYTES = 3 * MAX_MESSAGE_BYTES

KEPT_FOR_EVER = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": str(MAX_MESSAGE_BYTES),
}
# What was paid for must survive a power cut of the one broker; with replicas, acks=all does that.
PAID_FOR = {"flush.messages": "1"}
ENOUGH_REPLICAS = 3


def replicated(replicas: int) -> Mapping[str, str]:
    """What keeps an acknowledged record when a broker dies, for topics with so many replicas.

    Of three, two must have a record before it is acknowledged, and any one broker may be away. Of two, one must do: or
    the first broker that is away would stop everything. What one of two took alone is lost only with its disk.
    """
    if replicas == 1:
        return {}
    return {
        "min.insync.replicas": "2" if replicas >= ENOUGH_REPLICAS else "1",
        # A leader that lacks acknowledged records is worse than none for a while.
        "unclean.leader.election.enable": "false",
    }


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
EVALUATIONS = Topic("evaluations", 1, (TranscriptGiven, EvaluationAttempted), PAID_FOR)
PROMPTS = Topic("prompts", 1, (PromptRegistered, PromptActivated))
MENTION_SIGNALS = Topic("signals.mentions", 12, (MentionAdded, MentionChanged, MentionRetracted))
OUTLOOK_SIGNALS = Topic("signals.outlooks", 12, (OutlookAdded, OutlookChanged, OutlookRetracted))
DEAD_LETTERS = Topic(
    "dead-letters",
    1,
    (DeadLettered, DeadLetterRetried),
    {"max.message.bytes": str(MAX_DEAD_LETTER_BYTES)},
)

TOPICS = (
    CHANNELS,
    VIDEOS,
    CAPTIONS_REQUESTS,
    CAPTIONS,
    CAPTIONS_UNAVAILABLE,
    LEDGER,
    ANALYSES,
    EVALUATIONS,
    PROMPTS,
    MENTION_SIGNALS,
    OUTLOOK_SIGNALS,
    DEAD_LETTERS,
)

_TOPIC_OF = {event_type: topic for topic in TOPICS for event_type in topic.types}


def by_topic(offsets: Iterable[tuple[str, int, int]]) -> dict[str, dict[int, int]]:
    """(topic, partition, offset) as topic → partition → offset."""
    found: dict[str, dict[int, int]] = {}
    for topic, partition, offset in offsets:
        found.setdefault(topic, {})[partition] = offset
    return found


def destination(event: Event) -> tuple[Topic, int | None]:
    """Where `event` goes: its topic, and its partition where the key does not choose it (a marker in `analyses`)."""
    match event:
        case PromptActivated(partition=int() as partition):
            return ANALYSES, partition
        case _:
            return _TOPIC_OF[type(event)], None

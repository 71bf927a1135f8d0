"""Where each event goes, and what a broker lacks of the layout; no broker needed."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from streams.events.catalogue import EVENT_TYPES
from streams.events.prompts import PromptActivated
from streams.log.layout import Layout, plan
from streams.log.publish import partition_of
from streams.log.topics import (
    ANALYSES,
    KEPT_FOR_EVER,
    LEDGER,
    MAX_DEAD_LETTER_BYTES,
    MAX_MESSAGE_BYTES,
    PROMPTS,
    TOPICS,
    VIDEOS,
    Topic,
    destination,
)
from tests.builders.examples import EXAMPLES

TOPIC_OF = {
    "ChannelFollowed": "channels",
    "ChannelScanned": "channels",
    "ChannelUnfollowed": "channels",
    "VideoDiscovered": "videos",
    "CaptionsRequested": "captions.requests",
    "CaptionsExtracted": "captions",
    "CaptionsUnavailable": "captions.unavailable",
    "AnalysisRequested": "analysis.ledger",
    "BudgetReserved": "analysis.ledger",
    "BudgetSettled": "analysis.ledger",
    "ReplayStarted": "analysis.ledger",
    "ReplayCancelled": "analysis.ledger",
    "AnalysisCompleted": "analyses",
    "AttemptFailed": "analyses",
    "AnalysisFailed": "analyses",
    "TranscriptGiven": "evaluations",
    "EvaluationAttempted": "evaluations",
    "PromptRegistered": "prompts",
    "PromptActivated": "prompts",
    "MentionAdded": "signals.mentions",
    "MentionChanged": "signals.mentions",
    "MentionRetracted": "signals.mentions",
    "OutlookAdded": "signals.outlooks",
    "OutlookChanged": "signals.outlooks",
    "OutlookRetracted": "signals.outlooks",
    "DeadLettered": "dead-letters",
    "DeadLetterRetried": "dead-letters",
}
PARTITIONS = {
    "channels": 1,
    "videos": 12,
    "captions.requests": 12,
    "captions": 12,
    "captions.unavailable": 12,
    "analysis.ledger": 1,
    "analyses": 12,
    "evaluations": 1,
    "prompts": 1,
    "signals.mentions": 12,
    "signals.outlooks": 12,
    "dead-letters": 1,
}


def as_planned(topic: Topic) -> Layout:
    return Layout(topic.partitions, {**KEPT_FOR_EVER, **topic.config})


def everything(prefix: str) -> dict[str, Layout]:
    return {prefix + topic.name: as_planned(topic) for topic in TOPICS}


def test_the_layout_is_the_designs() -> None:
    assert {topic.name: topic.partitions for topic in TOPICS} == PARTITIONS


def test_every_event_type_has_one_topic() -> None:
    assert {event_type.__name__ for event_type in EVENT_TYPES} == set(TOPIC_OF)
    listed = [event_type for topic in TOPICS for event_type in topic.types]
    assert sorted(listed, key=str) == sorted(EVENT_TYPES, key=str)


@pytest.mark.parametrize("name", TOPIC_OF)
def test_an_event_goes_to_its_topic_and_its_key_chooses_the_partition(name: str) -> None:
    topic, partition = destination(EXAMPLES[name])
    assert (topic.name, partition) == (TOPIC_OF[name], None)


@pytest.mark.parametrize("partition", range(ANALYSES.partitions))
def test_a_marker_goes_into_the_partition_it_names(partition: int) -> None:
    marker = EXAMPLES["PromptActivated.marker"].model_copy(update={"partition": partition})
    assert destination(marker) == (ANALYSES, partition)


def test_the_activation_itself_goes_to_prompts() -> None:
    activation = EXAMPLES["PromptActivated"]
    assert isinstance(activation, PromptActivated)
    assert destination(activation) == (PROMPTS, None)


@given(st.text(), st.integers(1, 50))
def test_partitions_are_those_of_aiokafkas_default(key: str, partitions: int) -> None:
    """The publisher lets aiokafka choose: whoever looks for a video's partition must come to the same one."""
    every = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key.encode(), every, every)


@pytest.mark.parametrize(
    ("key", "partition"),
    [("", 9), ("PLTR", 9), ("vvvvvvvvvvv", 4), ("UCaaaaaaaaaaaaaaaaaaaaaa", 6), ("é", 3)],
)
def test_a_key_never_moves(key: str, partition: int) -> None:
    """The partitions that Kafka's own Java client computes for these keys."""
    assert partition_of(key, 12) == partition


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_is_kept_for_ever(topic: Topic) -> None:
    (created,) = plan({}, "p.", (topic,)).create
    config = {**KEPT_FOR_EVER, **created.config}
    assert config["retention.ms"] == config["retention.bytes"] == "-1"
    assert config["cleanup.policy"] == "delete"
    assert config["message.timestamp.type"] == "LogAppendTime"
    # A dead letter must hold the largest message there is, in base64.
    limit = MAX_DEAD_LETTER_BYTES if topic.name == "dead-letters" else MAX_MESSAGE_BYTES
    assert config["max.message.bytes"] == str(limit)


def test_what_was_paid_for_is_flushed_at_once() -> None:
    flushed = {topic.name for topic in TOPICS if topic.config.get("flush.messages") == "1"}
    assert flushed == {"analysis.ledger", "analyses", "evaluations"}


def test_an_empty_broker_gets_every_topic() -> None:
    todo = plan({}, "p.")
    assert todo.create == TOPICS
    assert not todo.alter
    assert not todo.refused
    assert "create p.videos: 12 partitions" in todo.lines("p.")


def test_a_broker_that_has_everything_is_left_alone() -> None:
    todo = plan(everything("p."), "p.")
    assert todo.is_empty
    assert todo.lines("p.") == []


def test_topics_under_another_prefix_are_none_of_ours() -> None:
    assert plan(everything("other."), "p.").create == TOPICS


def test_a_setting_that_differs_is_altered_and_said() -> None:
    existing = everything("p.")
    existing["p.videos"] = Layout(12, {**KEPT_FOR_EVER, "retention.ms": "604800000"})
    todo = plan(existing, "p.")
    assert todo.alter == {"videos": {"retention.ms": ("604800000", "-1")}}
    assert not todo.is_empty
    assert todo.lines("p.") == ["alter p.videos: retention.ms 604800000 → -1"]


def test_a_setting_that_the_broker_does_not_tell_is_altered() -> None:
    existing = everything("p.")
    existing["p.analysis.ledger"] = Layout(1, KEPT_FOR_EVER)
    assert plan(existing, "p.").alter == {LEDGER.name: {"flush.messages": (None, "1")}}


def test_settings_that_the_plan_does_not_name_are_the_operators() -> None:
    existing = everything("p.")
    existing["p.videos"] = Layout(12, {**KEPT_FOR_EVER, "segment.bytes": "1000000"})
    assert plan(existing, "p.").is_empty


@pytest.mark.parametrize("partitions", [1, 11, 13])
def test_another_partition_count_is_refused_with_the_fix(partitions: int) -> None:
    existing = everything("p.")
    existing["p.videos"] = Layout(partitions, as_planned(VIDEOS).config)
    todo = plan(existing, "p.")
    assert not todo.is_empty
    (refused,) = todo.refused
    assert f"p.videos: {partitions} partitions where 12 belong" in refused
    assert "EARMARK_TOPIC_PREFIX" in refused
    assert todo.lines("p.") == [f"refused {refused}"]

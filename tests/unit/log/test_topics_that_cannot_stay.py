"""What no setting can change of a topic, what is deleted and made anew, and what replicas bring with them."""

from dataclasses import replace

import pytest
from aiokafka.protocol.metadata import MetadataRequest, MetadataRequest_v5

import streams.log.connection
from streams.log.layout import Layout, plan
from streams.log.topics import KEPT_FOR_EVER, TOPICS, replicated


def everything(replicas: int, configured: int | None = None) -> dict[str, Layout]:
    """Every topic as the code says, with so many replicas."""
    settings = replicated(configured or replicas)
    return {
        f"p.{topic.name}": Layout(
            topic.partitions, {**KEPT_FOR_EVER, **topic.config, **settings}, replicas=replicas
        )
        for topic in TOPICS
    }


def test_no_look_up_of_aiokafka_may_make_a_topic() -> None:
    """It would with Kafka's defaults, and no client of aiokafka has a setting against it."""
    assert streams.log.connection
    for request in (MetadataRequest(["t"]), MetadataRequest([]), MetadataRequest(None)):
        assert request.build(MetadataRequest_v5).allow_auto_topic_creation is False


def test_one_replica_needs_no_settings_of_its_own() -> None:
    assert plan(everything(1), "p.").is_empty
    assert replicated(1) == {}


@pytest.mark.parametrize(("replicas", "in_sync"), [(2, "1"), (3, "2"), (5, "2")])
def test_with_replicas_any_one_broker_may_be_away_and_none_that_lacks_records_may_lead(
    replicas: int, in_sync: str
) -> None:
    bare = {
        name: replace(layout, config=dict(KEPT_FOR_EVER)) for name, layout in everything(replicas).items()
    }
    todo = plan(bare, "p.", replication_factor=replicas)
    assert not todo.refused
    for topic in TOPICS:
        assert todo.alter[topic.name]["min.insync.replicas"] == (None, in_sync)
        assert todo.alter[topic.name]["unclean.leader.election.enable"] == (None, "false")
    assert f"alter p.videos: min.insync.replicas None → {in_sync}" in todo.lines("p.")
    assert plan(everything(replicas), "p.", replication_factor=replicas).is_empty


def test_more_replicas_than_asked_for_are_the_clusters_owners() -> None:
    assert plan(everything(3, configured=1), "p.", replication_factor=1).is_empty


def test_fewer_replicas_are_refused_or_two_in_sync_could_never_be() -> None:
    todo = plan(everything(1), "p.", replication_factor=3)
    assert not todo.alter
    assert len(todo.refused) == len(TOPICS)
    assert "p.videos: 1 replicas where EARMARK_KAFKA_REPLICATION_FACTOR says 3" in "\n".join(todo.refused)
    assert "kafka-reassign-partitions" in todo.refused[0]


def test_a_refusal_names_the_way_out_for_topics_that_are_empty() -> None:
    existing = everything(1) | {"p.videos": Layout(1, KEPT_FOR_EVER)}
    (refused,) = plan(existing, "p.").refused
    assert "`earmark topics apply --recreate-empty`" in refused


def test_of_the_empty_ones_only_those_that_cannot_stay_are_made_anew() -> None:
    existing = everything(1) | {"p.videos": Layout(1, KEPT_FOR_EVER)}
    todo = plan(existing, "p.", empty=existing.keys())
    assert [topic.name for topic in todo.recreate] == ["videos"]
    assert not todo.is_empty
    assert todo.lines("p.") == ["recreate p.videos, which is empty: 12 partitions"]


def test_what_held_a_record_is_refused_although_others_are_empty() -> None:
    wrong = Layout(1, KEPT_FOR_EVER)
    existing = everything(1) | {"p.videos": wrong, "p.captions": wrong}
    todo = plan(existing, "p.", empty={"p.captions"})
    assert [topic.name for topic in todo.recreate] == ["captions"]
    (refused,) = todo.refused
    assert refused.startswith("p.videos: 1 partitions where 12 belong")
    assert "it holds records or did" in refused
    assert "--recreate-empty" not in refused

"""A cluster that is not ours and keeps Kafka's own defaults: whoever names a topic in a look-up can make it there."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.protocol.metadata import MetadataRequest

from streams.errors import RefusedError
from streams.log.connection import Connection
from streams.log.layout import administrator, apply, empty_topics, existing_layouts, plan
from streams.log.topics import LEDGER, PROMPTS, TOPICS, VIDEOS
from tests.builders.others_broker import OthersBroker, others_broker
from tests.builders.verb_processes import Typed, end_all, type_all
from tests.builders.verbs import LOOKS, NOBODY, OTHERS, PROCESSES, TAIL, VERBS, WITHOUT_KAFKA, every_verb

pytestmark = pytest.mark.kafka

LIMIT_S = 60.0
# A client asks for the topics it knows again after ten.
ASKED_AGAIN_S = 12.0


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OthersBroker]:
    with others_broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


async def names_in(connection: Connection) -> set[str]:
    async with administrator(connection) as admin:
        return {name for name in await admin.list_topics() if name.startswith(connection.prefix)}


async def look_up_as_others_do(admin: AIOKafkaAdminClient, connection: Connection) -> None:
    """What every version up to 0.1.0 did before it made its topics."""
    names = [connection.name(topic) for topic in TOPICS]
    await admin._send_request(MetadataRequest(names, allow_auto_topic_creation=True))
    async with asyncio.timeout(LIMIT_S):
        while len(await existing_layouts(admin, connection.prefix)) < len(TOPICS):  # noqa: ASYNC110 - no sign
            await asyncio.sleep(0.05)


@asynccontextmanager
async def typed(
    kafka: OthersBroker, prefix: str, commands: list[str], folder: Path
) -> AsyncIterator[list[Typed]]:
    environment = {**kafka.environment(), **NOBODY, "EARMARK_TOPIC_PREFIX": prefix}
    commands_typed = type_all(commands, environment, folder)
    try:
        yield commands_typed
    finally:
        end_all(commands_typed)


def test_every_verb_is_known_as_one_that_talks_to_kafka_or_does_not() -> None:
    known = {*VERBS, *OTHERS, *WITHOUT_KAFKA}
    for verb in every_verb():
        assert any(f"{words} ".startswith(f"{verb} ") for words in known), verb


async def test_who_comes_before_prepare_makes_no_topic_and_works_once_it_has(
    kafka: OthersBroker, tmp_path: Path
) -> None:
    """And when the topics are deleted under the four processes, no client of theirs makes them again."""
    connection = kafka.connection("early.")
    # These say at once that there is no topic, or soon, and go on without it.
    waiting = [command for command in VERBS if not command.startswith(("topics", "backup", "replay compare"))]
    async with typed(
        kafka, "early.", [*waiting, *PROCESSES, *LOOKS, "topics plan", TAIL], tmp_path / "early"
    ) as early:
        verbs, processes, others = early[: len(waiting)], early[len(waiting) : -4], early[-4:]
        *looks, planned, tail = others
        assert planned.ended(LIMIT_S) == 0, planned.printed
        assert tail.ended(LIMIT_S) == 1
        assert "make it with `earmark topics apply`" in tail.printed
        assert await names_in(connection) == set()
        assert all(command.process.is_alive() for command in (*verbs, *processes))

        async with typed(kafka, "early.", ["prepare"], tmp_path / "prepare") as [prepare]:
            assert prepare.ended(LIMIT_S) == 0, prepare.printed
        assert [look.ended(LIMIT_S) for look in looks] == [1, 1]
        for verb in verbs:
            verb.ended(LIMIT_S)
            assert "Kafka" not in verb.printed
        async with administrator(connection) as admin:
            assert plan(await existing_layouts(admin, "early."), "early.").is_empty
            for process in processes:
                assert process.process.is_alive(), process.printed
            await admin.delete_topics([connection.name(topic) for topic in TOPICS])
        await asyncio.sleep(ASKED_AGAIN_S)
        assert await names_in(connection) == set()


async def test_what_was_made_by_others_look_ups_is_repaired_where_it_is_empty(
    kafka: OthersBroker, tmp_path: Path
) -> None:
    connection = kafka.connection("made.")
    async with administrator(connection) as admin:
        await look_up_as_others_do(admin, connection)
        made = await existing_layouts(admin, "made.")
        assert {layout.partitions for layout in made.values()} == {1}, "this broker makes topics"

        async with typed(kafka, "made.", ["prepare", "topics plan"], tmp_path / "refused") as refused:
            for command in refused:
                assert command.ended(LIMIT_S) == 3
                assert "made.videos: 1 partitions where 12 belong" in command.printed
                assert "`earmark topics apply --recreate-empty`" in command.printed
        async with typed(kafka, "made.", ["topics apply --recreate-empty"], tmp_path / "repaired") as [
            repaired
        ]:
            assert repaired.ended(LIMIT_S) == 0, repaired.printed
            assert "recreate made.videos, which is empty: 12 partitions" in repaired.printed
            assert "recreate made.prompts" not in repaired.printed, "one partition is right there"
        assert plan(await existing_layouts(admin, "made."), "made.").is_empty


async def test_what_holds_a_record_or_did_is_never_deleted(kafka: OthersBroker) -> None:
    connection = kafka.connection("used.")
    async with administrator(connection) as admin:
        for topic in (VIDEOS, LEDGER, PROMPTS):
            await admin.create_topics([NewTopic(connection.name(topic), 3, 1)])
        async with connection.producer() as producer:
            await producer.send_and_wait(connection.name(VIDEOS), b"a record", partition=2)
            await producer.send_and_wait(connection.name(LEDGER), b"deleted since", partition=1)
        await admin.delete_records({TopicPartition(connection.name(LEDGER), 1): RecordsToDelete(1)})
        async with asyncio.timeout(LIMIT_S):
            while len(before := await existing_layouts(admin, "used.")) < 3:  # noqa: ASYNC110 - no sign
                await asyncio.sleep(0.05)
        empty = await empty_topics(connection, before)
        assert empty == {connection.name(PROMPTS)}

        with pytest.raises(
            RefusedError, match=r"used\.videos: 3 partitions where 12 belong.* it holds records or did"
        ):
            await apply(admin, "used.", empty=empty)
        assert await existing_layouts(admin, "used.") == before

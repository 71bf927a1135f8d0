"""Each way to log in to a Kafka that is not ours gets through everywhere, and a wrong setting is one sentence everywhere."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.bulletin import boards
from streams.log.access import AwayError, check_access
from streams.log.connection import Connection
from streams.log.layout import administrator
from tests.builders.others_broker import UNREACHABLE, OthersBroker, others_broker
from tests.builders.verb_processes import Typed, end_all, type_all
from tests.builders.verbs import NOBODY, PROCESSES, TAIL, VERBS

pytestmark = pytest.mark.kafka

LIMIT_S = 60.0
SAID_WITHIN_S = 20.0
WAYS = (("SASL_PLAINTEXT", "PLAIN"), ("SASL_SSL", "SCRAM-SHA-256"), ("SSL", "PLAIN"))
# Everybody logs in by the same code, so one way and two faults, of a login and of an address, are gone through by all.
SOME = ("channels", "budget", "rebuild")
WITH_MORE_TO_SAY = {
    command for command in VERBS if command.startswith(("replay compare", "prompts register"))
}


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OthersBroker]:
    with others_broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


def all_ready(processes: list[Typed]) -> None:
    """Wait until each has caught up: who is stopped as it connects says what it leaves open."""
    deadline = time.monotonic() + LIMIT_S
    while not all(any(board.ready for board in boards(one.output.parent / ".earmark")) for one in processes):
        assert time.monotonic() < deadline, [one.printed for one in processes]
        time.sleep(0.1)


async def at_work(connection: Connection) -> None:
    """Wait until the worker is in its group, with Faust's own client."""
    async with asyncio.timeout(LIMIT_S), administrator(connection) as admin:
        while True:
            [answer] = await admin.describe_consumer_groups([f"{connection.prefix}worker"])
            [(_code, _group, state, _protocol_type, protocol, *_rest)] = answer.groups
            if state == "Stable" and protocol:
                return
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(("protocol", "mechanism"), WAYS)
def test_every_verb_and_every_process_gets_through(
    kafka: OthersBroker, tmp_path: Path, protocol: str, mechanism: str
) -> None:
    prefix = f"{protocol}.".lower()
    environment = {**kafka.environment(protocol, mechanism), **NOBODY, "EARMARK_TOPIC_PREFIX": prefix}
    [prepare] = type_all(["prepare"], environment, tmp_path / "prepare")
    assert prepare.ended(LIMIT_S) == 0, prepare.printed
    expected = VERBS if mechanism.startswith("SCRAM") else {verb: VERBS[verb] for verb in SOME}
    typed = type_all([*PROCESSES, TAIL, *expected], environment, tmp_path)
    try:
        running, verbs = typed[: -len(expected)], typed[-len(expected) :]
        assert {verb.words: verb.ended(LIMIT_S) for verb in verbs} == expected
        for process in running:
            assert process.process.is_alive(), process.printed
        all_ready(running[: len(PROCESSES)])
        asyncio.run(at_work(kafka.connection(prefix)))
        for process in running[: len(PROCESSES)]:
            assert process.stop(LIMIT_S) == 0, process.printed
        for command in typed:
            assert "Kafka" not in command.printed
            assert command.printed.count("in the clear") == (protocol == "SASL_PLAINTEXT")
    finally:
        end_all(typed)


def wrong_settings(kafka: OthersBroker) -> dict[str, tuple[dict[str, str], str]]:
    """What is wrong → the settings, and how the sentence begins."""
    scram = kafka.environment("SASL_SSL", "SCRAM-SHA-256")
    nobody = {"EARMARK_KAFKA": f"127.0.0.1:{unused_port()}"}
    return {
        "password": (
            {**scram, "EARMARK_KAFKA_PASSWORD": "no"},
            "EARMARK_KAFKA_USERNAME or EARMARK_KAFKA_PASSWORD is wrong:",
        ),
        "CA": (
            {**scram, "EARMARK_KAFKA_CA_FILE": str(kafka.other_ca_file)},
            f"EARMARK_KAFKA_CA_FILE: {kafka.other_ca_file} does not verify",
        ),
        "address": (nobody, "EARMARK_KAFKA: no Kafka answers at 127.0.0.1:"),
        "name": (
            {**scram, "EARMARK_KAFKA": "nowhere.invalid:9092"},
            "EARMARK_KAFKA: no Kafka answers at nowhere.invalid:9092",
        ),
        "TLS": (
            {**scram, "EARMARK_KAFKA": kafka.address["PLAINTEXT"]},
            "EARMARK_KAFKA_SECURITY_PROTOCOL is SASL_SSL, and Kafka at 127.0.0.1:",
        ),
        "plain": (
            {"EARMARK_KAFKA": kafka.address["SSL"]},
            "EARMARK_KAFKA_SECURITY_PROTOCOL is PLAINTEXT, and Kafka at localhost:",
        ),
    }


def unused_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


@pytest.mark.parametrize("fault", ["password", "CA", "address", "name", "TLS", "plain"])
def test_a_wrong_setting_is_one_sentence_within_20_s_in_every_verb_and_process(
    kafka: OthersBroker, tmp_path: Path, fault: str
) -> None:
    """One fault at a time: the limit is that of a verb, not of sixty at once on two cores."""
    settings, begins = wrong_settings(kafka)[fault]
    verbs = VERBS if fault in {"password", "address"} else SOME
    typed = type_all([*PROCESSES, TAIL, "prepare", "up", *verbs], {**settings, **NOBODY}, tmp_path)
    try:
        for command in typed:
            assert command.ended(SAID_WITHIN_S) == 1
            [said] = [line for line in command.printed.splitlines() if "Kafka" in line]
            assert begins in said, command
            # `replay compare` goes on without Kafka, and `prompts register` asks Claude first.
            assert len(command.printed.splitlines()) <= 1 + (command.words in WITH_MORE_TO_SAY), command
    finally:
        end_all(typed)


async def test_a_broker_that_names_itself_wrongly_and_one_that_says_nothing_are_told_within_20_s(
    kafka: OthersBroker,
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        nowhere = f"127.0.0.1:{silent.getsockname()[1]}"
        async with asyncio.timeout(SAID_WITHIN_S):
            misnamed, silence = await asyncio.gather(
                check_access(Connection(kafka.misnamed)),
                check_access(Connection(nowhere)),
                return_exceptions=True,
            )
    assert isinstance(misnamed, AwayError)
    assert f"Kafka at {kafka.misnamed} says that its brokers are {UNREACHABLE}" in str(misnamed)
    assert isinstance(silence, AwayError)
    assert f"EARMARK_KAFKA: no Kafka answers at {nowhere} (not within" in str(silence)

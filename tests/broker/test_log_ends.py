"""How far the log goes, by a real broker, one that goes away and one that was never there."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest

from streams.clock import utc_now
from streams.errors import EarmarkError
from streams.events.videos import VideoDiscovered
from streams.log.connection import Connection
from streams.log.publish import partition_of, publisher
from streams.log.topics import TOPICS
from streams.overview.ends import Ends
from streams.overview.model import LATE
from tests.builders.read_model_world import video

pytestmark = pytest.mark.kafka


async def test_ends_are_told_with_those_of_what_is_late_over_one_connection(connection: Connection) -> None:
    place = partition_of(video(1).video_id, 12)
    ahead = timedelta()
    ends = Ends(lambda: connection, lambda: utc_now() + ahead)
    try:
        async with publisher(connection) as appender:
            await appender.append_all([VideoDiscovered(at=utc_now(), video=video(1))])
        young = await ends.look(10)
        assert young.problem is None
        assert young.ends is not None
        assert young.late is not None
        assert len(young.ends) == len(young.late) == len(TOPICS)
        assert (young.ends["videos"][place], young.late["videos"][place]) == (1, 0)
        consumer, ahead = ends._consumer, LATE + timedelta(seconds=5)
        old = await ends.look(10)
        assert old.late is not None
        assert old.late["videos"][place] == 1
        assert ends._consumer is consumer
    finally:
        await ends.close()


async def test_a_broker_that_is_not_there_is_said_and_asked_again() -> None:
    def next_of(addresses: Iterator[str | None]) -> Connection:
        address = next(addresses)
        if address is None:
            raise EarmarkError("no broker runs here: start one")
        return Connection(address)

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        addresses = iter([None, address, None])
        ends = Ends(lambda: next_of(addresses), utc_now, limit_s=1)
        try:
            assert (await ends.look(10)).problem == "no broker runs"
            before = asyncio.get_running_loop().time()
            waiting = await ends.look(0.1)
            assert asyncio.get_running_loop().time() - before < 1, "whoever looks does not wait for Kafka"
            assert waiting.problem == "no broker runs"
            assert (await ends.look(10)).problem == f"Kafka at {address} does not answer"
            assert (await ends.look(10)).problem == "no broker runs"
        finally:
            await ends.close()

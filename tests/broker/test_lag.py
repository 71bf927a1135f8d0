"""How far readers are behind, by the ends that the broker names."""

import asyncio
from pathlib import Path

import pytest

from streams.app.pulse import Pulse
from streams.clock import utc_now
from streams.log.connection import Connection
from streams.log.publish import partition_of, publisher
from streams.log.topics import VIDEOS, destination
from tests.builders.examples import EXAMPLES

pytestmark = pytest.mark.kafka


async def test_a_reader_lags_by_what_it_has_not_done_with(connection: Connection, tmp_path: Path) -> None:
    """By its own position: nothing is committed here."""
    event = EXAMPLES["VideoDiscovered"]
    partition = partition_of(event.key, VIDEOS.partitions)
    assert destination(event)[0] is VIDEOS
    async with publisher(connection) as log:
        for _ in range(3):
            await log.append(event)
    pulse = Pulse(tmp_path, "worker", utc_now, 0)
    pulse.positions = lambda: {"extract_captions": {VIDEOS.name: {partition: 1, (partition + 1) % 12: 0}}}
    assert pulse.lags() == {}
    watching = asyncio.create_task(pulse.watch_kafka(connection))
    async with asyncio.timeout(30):
        while not pulse.lags():  # noqa: ASYNC110  it asks by itself
            await asyncio.sleep(0.05)
    watching.cancel()
    await asyncio.wait({watching})
    assert pulse.lags() == {
        ("extract_captions", VIDEOS.name, partition): 2,
        ("extract_captions", VIDEOS.name, (partition + 1) % 12): 0,
    }

"""`earmark explain`: every record of a video is found, whatever the read model knows, and what is not there is explained."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from random import Random

import orjson
import pytest
from click.testing import CliRunner, Result

from projections.places import places_of
from projections.rebuild import rebuild
from streams.cli.main import earmark
from streams.clock import utc_now
from streams.discovery.looks import Seen
from streams.discovery.watch_state import Reporter, WatchState
from streams.events.channels import ChannelFollowed, ChannelUnfollowed
from streams.events.event import Event
from streams.events.record import Record
from streams.events.videos import Video, VideoDiscovered
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.publish import partition_of, publisher
from streams.log.topics import TOPICS
from streams.loopback.channel import Channel, ChannelVideo
from streams.loopback.youtube import LoopbackYoutube, serve
from streams.story.gather import gather
from streams.story.record import in_order
from tests.builders.read_model_histories import history
from tests.builders.story_records import about, places

pytestmark = pytest.mark.kafka

VIDEOS = 3
NOW = utc_now()
DAY = timedelta(days=1)
FOLLOWED, LEFT, STRANGE = ("UC" + letter * 22 for letter in "fls")


async def test_every_record_is_found_with_the_read_model_behind_it_or_without_one(
    connection: Connection, tmp_path: Path
) -> None:
    """As by looking at each record of the log; the read model is absent, then half-way, then there."""
    events = history(Random(4), VIDEOS)
    half = len(events) // 2
    await append(connection, events[:half])
    await assert_found(connection, tmp_path)
    await rebuild(tmp_path, connection.consumer, connection.name)
    await append(connection, events[half:])
    await assert_found(connection, tmp_path)
    await rebuild(tmp_path, connection.consumer, connection.name)
    await assert_found(connection, tmp_path)


async def append(connection: Connection, events: Iterable[Event]) -> None:
    async with publisher(connection) as out:
        await out.append_all(events)


async def assert_found(connection: Connection, home: Path) -> None:
    """What the read model leaves out is a fact that it has read already."""
    records: list[Record] = []
    await read(connection, TOPICS, records.append)
    for number in range(VIDEOS):
        video_id = f"video-{number}"
        snapshot = places_of(home, video_id, partition_of(video_id, 12))
        found = await gather(connection, video_id, snapshot)
        told = in_order(about(video_id, records))
        first = places(one.record for one in told if not one.again)
        assert first <= places(found.records) <= places(one.record for one in told), video_id
        read_to = None if snapshot is None else sum(snapshot.ends.values())
        assert found.behind == (None if read_to is None else len(records) - read_to)

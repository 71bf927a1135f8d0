"""A log that lost its beginning on a real broker: who goes on says what is gone, and who counts money stops."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path

import click
import duckdb
import pytest
from aiokafka import TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from click.testing import CliRunner, Result

from projections.projector import project
from projections.rebuild import rebuild
from projections.snapshots import LINK
from streams.cli.budget import budget
from streams.cli.projector import rebuild as rebuild_verb
from streams.cli.topics import topics
from streams.errors import EarmarkError
from streams.events.event import Event
from streams.events.record import Record
from streams.events.videos import Video, VideoDiscovered
from streams.log.connection import Connection
from streams.log.follow import follow, read
from streams.log.gaps import GapError, go_on
from streams.log.publish import partition_of, publisher
from streams.log.topics import ANALYSES, CAPTIONS, KEPT_FOR_EVER, LEDGER, VIDEOS, Topic
from streams.loopback.claude import LoopbackClaude
from tests.builders.analyst_scene import analysts, scene
from tests.builders.deleted import delete_before

pytestmark = pytest.mark.kafka

AT = datetime(2026, 1, 1, tzinfo=UTC)
LIMIT_S = 60.0


def discovered(number: int) -> VideoDiscovered:
    video = Video(video_id=f"v{number}", url=f"https://y.test/{number}", origin="poll")
    return VideoDiscovered(at=AT, video=video)


async def append(connection: Connection, *events: Event) -> None:
    async with publisher(connection) as log:
        await log.append_all(events)


async def run(connection: Connection, verb: click.Command, *words: str, home: Path | None = None) -> Result:
    environment = {"EARMARK_KAFKA": connection.bootstrap, "EARMARK_TOPIC_PREFIX": connection.prefix}
    if home is not None:
        environment["EARMARK_HOME"] = str(home)
    return await asyncio.to_thread(CliRunner().invoke, verb, words, env=environment)


async def test_a_follower_stops_at_a_gap_or_goes_on_behind_it_as_it_was_told(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """At its start, and where records go that it has not read yet."""
    await append(connection, *[discovered(1)] * 5)
    partition = partition_of("v1", VIDEOS.partitions)
    named = await delete_before(connection, VIDEOS, partition, 3)
    with pytest.raises(GapError) as stopped:
        await read(connection, [VIDEOS], print)
    assert str(stopped.value).startswith(f"{named} and not at 0: a retention was set")

    records: list[Record] = []
    async with (
        asyncio.timeout(LIMIT_S),
        follow(connection, [VIDEOS], records.append, on_gaps=go_on) as follower,
    ):
        assert [record.offset for record in records] == [3, 4]
        assert named in caplog.text
        caplog.clear()
        # As if it had not come further than that when the rest is deleted.
        tp = TopicPartition(connection.name(VIDEOS), partition)
        named = await delete_before(connection, VIDEOS, partition, 5)
        follower._positions[tp] = 3
        follower._consumer.seek(tp, 3)
        await append(connection, discovered(1))
        await follower.reach_now()
    assert [record.offset for record in records] == [3, 4, 5]
    assert f"{named} and not at 3" in caplog.text


async def test_a_rebuild_folds_what_is_left_and_names_the_gap_and_the_projector_goes_on_from_it(
    connection: Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of one partition something is left, of another nothing."""
    some, none = partition_of("v1", VIDEOS.partitions), partition_of("v2", VIDEOS.partitions)
    assert some != none
    await append(connection, *map(discovered, [1, 1, 1, 2, 2]))
    await delete_before(connection, VIDEOS, some, 2)
    await delete_before(connection, VIDEOS, none, 2)
    with pytest.raises(EarmarkError, match=r"goes from 2 to \d.*run `earmark rebuild`"):
        await project(tmp_path, connection.consumer, connection.name, asyncio.Event())

    said = await run(connection, rebuild_verb, home=tmp_path)
    assert said.stdout == (
        "rebuilt the read model from 1 records\nrebuilt transcripts, segments and search from 0 captions\n"
    )
    assert f"videos[{some}] at 2" in caplog.text
    assert f"videos[{none}] at 2" in caplog.text
    stop = asyncio.Event()
    stop.set()
    await project(tmp_path, connection.consumer, connection.name, stop)
    await rebuild(tmp_path, connection.consumer, connection.name)
    with duckdb.connect(tmp_path / LINK, read_only=True) as database:
        freshness = "SELECT records, missing FROM freshness WHERE topic = 'videos'"
        assert database.execute(freshness).fetchall() == [(1, 4)]
        assert database.execute("SELECT video_id FROM videos").fetchall() == [("v1",)]


@pytest.mark.parametrize("topic", [LEDGER, ANALYSES])
async def test_the_analyst_calls_nobody_where_the_log_lacks_what_was_spent_or_answered(
    connection: Connection, topic: Topic
) -> None:
    async with scene(connection) as log, LoopbackClaude({}) as claude:
        await log.ask("a", "b")
        named = await delete_before(connection, topic, 0, 1)
        with pytest.raises(GapError) as stopped:
            async with asyncio.timeout(LIMIT_S), analysts(log, claude.base_url) as running:
                await asyncio.wait(running.tasks)
        assert claude.calls == []
    assert str(stopped.value) == (
        f"{named} and not at 0: a retention was set on the cluster, or records were deleted (`earmark topics plan` shows a"
        " retention); nothing is guessed about money: add what is left to its archive with `earmark backup` and bring that"
        " back with `earmark restore` under another EARMARK_TOPIC_PREFIX, or begin a new log there"
    )


async def test_the_analyst_names_the_captions_that_are_gone(connection: Connection) -> None:
    async with scene(connection) as log, LoopbackClaude({}) as claude:
        await log.ask("a")
        partition = partition_of("a", CAPTIONS.partitions)
        named = await delete_before(connection, CAPTIONS, partition, 1)
        with pytest.raises(GapError, match=re.escape(named)):
            async with asyncio.timeout(LIMIT_S), analysts(log, claude.base_url) as running:
                await asyncio.wait(running.tasks)


async def test_there_is_no_budget_without_the_whole_ledger(connection: Connection) -> None:
    async with scene(connection) as log:
        await log.ask("a", "b", "c")
    named = await delete_before(connection, LEDGER, 0, 2)
    said = await run(connection, budget)
    assert isinstance(said.exception, GapError)
    assert str(said.exception).startswith(f"{named} and not at 0: ")


async def test_the_plan_shows_a_retention_that_is_not_for_ever(connection: Connection) -> None:
    """By time, by size or by key: whatever would delete a record."""
    admin = connection.admin()
    await admin.start()
    owners = {"retention.ms": "604800000", "retention.bytes": "1000000", "cleanup.policy": "compact"}
    name = connection.name(LEDGER)
    try:
        settings = {**KEPT_FOR_EVER, **LEDGER.config, **owners}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=settings)])
    finally:
        await admin.close()
    expected = {
        f"alter {name}: retention.ms 604800000 → -1",
        f"alter {name}: retention.bytes 1000000 → -1",
        f"alter {name}: cleanup.policy compact → delete",
    }
    async with asyncio.timeout(LIMIT_S):
        # A broker shows a change a moment after it took it.
        while set((await run(connection, topics, "plan")).output.splitlines()) != expected:  # noqa: ASYNC110
            await asyncio.sleep(0.1)

"""Backup and restore beside processes at work: one moment, no strangers, and a worker that goes on where it was."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from random import Random
from threading import Thread

import pytest

from streams.archive.folder import Archive
from streams.archive.log import Place, committed_of
from streams.archive.restore import restore
from streams.errors import EarmarkError, RefusedError
from streams.events.videos import VideoDiscovered
from streams.log.connection import Connection
from streams.log.publish import Publisher, publisher
from streams.log.topics import ANALYSES, CAPTIONS_UNAVAILABLE, CHANNELS, LEDGER, VIDEOS, Topic
from tests.builders.archived import (
    append,
    back_up,
    bring_back,
    elsewhere,
    records_of,
)
from tests.builders.read_model_histories import history
from tests.builders.read_model_world import at, video
from tests.builders.small_worker import worker

pytestmark = pytest.mark.kafka

LIMIT_S = 60.0


@pytest.mark.parametrize("topic", [CHANNELS, VIDEOS])
async def test_who_appends_while_the_log_is_restored_is_found(
    connection: Connection, tmp_path: Path, topic: Topic
) -> None:
    """Before the archive's own records of that partition were written, and behind them."""
    await append(connection, history(Random(6), 1))
    await back_up(connection, tmp_path)
    other = elsewhere(connection)

    def tell(what: str) -> None:
        if what.startswith("videos: "):  # channels come last
            stranger = Thread(target=lambda: asyncio.run(disturb()))
            stranger.start()
            stranger.join()

    async def disturb() -> None:
        async with publisher(other) as log:
            await log.append_bytes(topic, 0, b"stray", b"stray", [])

    with pytest.raises(EarmarkError, match=rf"somebody else appended to {other.name(topic)}\[0\] at offset"):
        await restore(other, tmp_path, 1, tell)
    with pytest.raises(EarmarkError, match=r"a restore into .* is under way or was interrupted"):
        await back_up(other, tmp_path / "other")


async def test_what_is_in_an_archive_has_its_cause_in_it_too(connection: Connection, tmp_path: Path) -> None:
    """The ledger leads to analyses and those to the ledger: no order of reading the ends could keep both."""

    begun = asyncio.Event()

    async def circle(log: Publisher) -> None:
        for number in count():
            await log.append_bytes(LEDGER, 0, b"k", b"%d" % number, [])
            await log.append_bytes(ANALYSES, 7, b"k", b"%d" % number, [])
            begun.set()

    async with publisher(connection) as log:
        going_on = [asyncio.create_task(circle(log))]
        try:
            async with asyncio.timeout(LIMIT_S):
                await begun.wait()
            for _ in range(5):
                await back_up(connection, tmp_path)
                ends = {
                    (part.topic, part.partition): part.records
                    for part in Archive(tmp_path).manifest.partitions
                }
                assert ends["analysis.ledger", 0] - ends["analyses", 7] in {0, 1}
                assert ends["analysis.ledger", 0] > 0
        finally:
            for task in going_on:
                task.cancel()
            await asyncio.wait(going_on)


async def test_a_worker_goes_on_where_it_was_and_asks_for_nothing_again(
    connection: Connection, tmp_path: Path
) -> None:
    """Without its group's offsets it would begin at the first video, and yt-dlp would ask YouTube for every one."""
    old = [VideoDiscovered(at=at(0), video=video(number)) for number in range(20)]
    new = [VideoDiscovered(at=at(0), video=video(number)) for number in range(20, 40)]
    other = elsewhere(connection)
    await append(connection, old)
    with worker(connection, tmp_path):
        await until(connection, lambda results, done: len(results) == 20 and sum(done.values()) == 20)
        await back_up(connection, tmp_path / "archive")
        with pytest.raises(RefusedError, match=f"a worker is at work in group {connection.prefix}worker"):
            await bring_back(connection, tmp_path / "archive")
    await bring_back(other, tmp_path / "archive")
    assert await committed_of(other) == await committed_of(connection)
    with worker(other, tmp_path):
        await append(other, new)
        await until(other, lambda results, done: len(results) >= 40 and sum(done.values()) == 40)
    results, _ = await so_far(other)
    assert set(results.values()) == {1}


async def so_far(log: Connection) -> tuple[Counter[bytes | None], Mapping[Place, int]]:
    """How often each video came out, and what the worker has committed."""
    records = await records_of(log)
    results = Counter(
        record.key for place in records if place[0] == CAPTIONS_UNAVAILABLE.name for record in records[place]
    )
    return results, await committed_of(log)


async def until(
    log: Connection, reached: Callable[[Counter[bytes | None], Mapping[Place, int]], bool]
) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not reached(*await so_far(log)):  # noqa: ASYNC110 - nobody tells of a commit
            await asyncio.sleep(0.1)

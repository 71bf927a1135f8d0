"""The log into files and back on a real broker: the same records at the same places, and whatever they come to."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from random import Random
from threading import Thread

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from projections.rebuild import rebuild
from projections.snapshots import LINK
from streams.archive.folder import Archive
from streams.archive.log import Place, committed_of, refuse_unfinished
from streams.archive.manifest import FILLER
from streams.archive.parquet import DamagedError
from streams.archive.restore import restore
from streams.errors import EarmarkError, RefusedError
from streams.events.channels import ChannelFollowed, ChannelUnfollowed
from streams.events.videos import VideoDiscovered
from streams.log.connection import Connection
from streams.log.follow import ends_of
from streams.log.layout import apply, existing_layouts, plan
from streams.log.publish import Publisher, publisher
from streams.log.topics import ANALYSES, CAPTIONS_UNAVAILABLE, CHANNELS, LEDGER, VIDEOS, Topic
from tests.builders.archived import (
    append,
    back_up,
    bring_back,
    earmark,
    elsewhere,
    records_of,
    verdicts_of,
)
from tests.builders.deleted import delete_before
from tests.builders.read_model_histories import history
from tests.builders.read_model_world import at, video
from tests.builders.snapshot import assert_equal
from tests.builders.worker_process import worker

pytestmark = pytest.mark.kafka

LIMIT_S = 60.0


async def as_planned(connection: Connection) -> bool:
    admin = connection.admin()
    try:
        await admin.start()
        await refuse_unfinished(connection, admin)
        return plan(await existing_layouts(admin, connection.prefix), connection.prefix).is_empty
    finally:
        await admin.close()


async def make_topics(connection: Connection) -> None:
    admin = connection.admin()
    try:
        await admin.start()
        await apply(admin, connection.prefix)
    finally:
        await admin.close()


async def test_a_restored_log_is_the_same_log_and_a_second_backup_brings_what_is_new(
    connection: Connection, tmp_path: Path
) -> None:
    """By the verbs: records, verdicts, topics and every table and view of the read model."""
    events, folder, other = history(Random(3), 40), tmp_path / "archive", elsewhere(connection)
    half = len(events) // 2
    await append(connection, events[:half])
    said = await earmark(connection, tmp_path, "backup", folder)
    assert f"{half} new records in {folder}: {half} records of {connection.prefix}*, " in said.stdout
    first = {file.name for file in Archive(folder).manifest.files}
    await append(connection, events[half:])
    said = await earmark(connection, tmp_path, "backup", folder)
    assert f"{len(events) - half} new records in {folder}: {len(events)} records of " in said.stdout
    # Files that are small are written anew with what is new, and nothing else stays behind.
    on_disk = {str(path.relative_to(folder)) for path in folder.glob("records/*/*")}
    assert on_disk == {file.name for file in Archive(folder).manifest.files}
    assert len(on_disk - first) > 10
    assert (await back_up(connection, folder)).new == 0

    nowhere = Connection("127.0.0.1:1", "none.")
    said = await earmark(nowhere, tmp_path, "backup", folder, "--check")
    assert said.stdout.startswith(f"{folder} is whole: {len(events)} records of {connection.prefix}*, ")
    said = await earmark(other, tmp_path, "restore", folder)
    assert said.exit_code == 0, said.output
    assert f"restored from {folder}: {len(events)} records of {connection.prefix}*, " in said.stdout

    records = await records_of(connection)
    assert sum(map(len, records.values())) == len(events)
    assert await records_of(other) == records
    verdicts = await verdicts_of(connection)
    assert len({type(verdict) for _, verdict in verdicts}) > 1
    assert await verdicts_of(other) == verdicts
    assert await as_planned(other)
    for each in (connection, other):
        await rebuild(tmp_path / each.prefix, each.consumer, each.name)
    assert_equal(tmp_path / connection.prefix / LINK, tmp_path / other.prefix / LINK)

    assert await bring_back(other, folder) == 0  # it is there already
    # The log that was restored goes on, and the archive with it.
    await append(other, [VideoDiscovered(at=at(0), video=video(99))])
    assert (await back_up(other, folder)).new == 1


async def test_a_log_without_its_beginning_comes_back_without_it_and_gaps_are_filled(
    connection: Connection, tmp_path: Path
) -> None:
    """Of one partition something is left, of another nothing; in a third a foreign transaction left an offset without record."""
    other = elsewhere(connection)
    async with publisher(connection) as log:
        for partition, count in ((3, 5), (4, 2), (5, 1)):
            for number in range(count):
                await log.append_bytes(VIDEOS, partition, b"k", b"%d" % number, [("ce_type", b"X")])
    await delete_before(connection, VIDEOS, 3, 3)
    await delete_before(connection, VIDEOS, 4, 2)
    foreign = AIOKafkaProducer(bootstrap_servers=connection.bootstrap, transactional_id=connection.prefix)
    await foreign.start()
    try:
        async with foreign.transaction():
            # A message without key and value: no client of ours sends one.
            batch = foreign.create_batch()
            batch.append(timestamp=None, key=None, value=None)
            await foreign.send_batch(batch, connection.name(VIDEOS), partition=5)
    finally:
        await foreign.stop()
    async with asyncio.timeout(LIMIT_S):
        # The transaction's mark comes a moment after its end.
        while (await ends_of(connection, VIDEOS))[5] < 3:  # noqa: ASYNC110 - a broker gives no sign
            await asyncio.sleep(0.05)
    async with publisher(connection) as log:
        await log.append_bytes(VIDEOS, 5, None, b"last", [])

    await back_up(connection, tmp_path)
    assert await bring_back(other, tmp_path) == 5 + 2 + 4
    was, came = await records_of(connection), await records_of(other)
    assert [record.offset for record in was["videos", 3]] == [3, 4]
    assert [record.offset for record in was["videos", 5]] == [0, 1, 3]
    filler = came["videos", 5].pop(2)
    assert (filler.offset, filler.headers, filler.value) == (2, (FILLER,), b"")
    assert came == was
    consumer = other.consumer()
    await consumer.start()
    try:
        tps = [TopicPartition(other.name(VIDEOS), partition) for partition in (3, 4, 5)]
        assert await consumer.beginning_offsets(tps) == dict(zip(tps, [3, 2, 0], strict=True))
        assert await consumer.end_offsets(tps) == dict(zip(tps, [5, 2, 4], strict=True))
    finally:
        await consumer.stop()
    assert await bring_back(other, tmp_path) == 0


async def test_a_log_that_holds_anything_else_is_refused_and_left_as_it_is(
    connection: Connection, tmp_path: Path
) -> None:
    await append(connection, history(Random(4), 3))
    await back_up(connection, tmp_path)
    longer, different = elsewhere(connection), elsewhere(connection)
    await bring_back(longer, tmp_path)
    await append(longer, [VideoDiscovered(at=at(0), video=video(77))] * 2)
    await make_topics(different)
    await append(
        different, [ChannelFollowed(at=at(1), channel_id="other", handle=None, title=None, since=None)]
    )
    for log, said in (
        (longer, r"holds records up to offset \d+, and the archive ends at \d+: restore into an empty log"),
        (
            different,
            rf"{different.prefix}channels\[0\] has another record at offset 0: it is not the beginning",
        ),
    ):
        before = await records_of(log)
        with pytest.raises(RefusedError, match=said):
            await bring_back(log, tmp_path)
        assert await records_of(log) == before
        assert await as_planned(log)
    for said in (
        "channels[0] ends at 1, in the archive at",
        "channels[0]@2 is another record in the archive",
    ):
        with pytest.raises(RefusedError, match=re.escape(f"is of another log ({said}")):
            await back_up(different, tmp_path)
        await append(different, [ChannelUnfollowed(at=at(2), channel_id="other")] * 2)


async def test_of_a_damaged_archive_nothing_is_restored_and_the_file_is_named(
    connection: Connection, tmp_path: Path
) -> None:
    other = elsewhere(connection)
    await append(connection, history(Random(5), 2))
    await back_up(connection, tmp_path)
    spoilt = tmp_path / Archive(tmp_path).manifest.files[-1].name
    spoilt.write_bytes(spoilt.read_bytes()[:-9])
    said = await earmark(other, tmp_path, "restore", tmp_path)
    assert isinstance(said.exception, DamagedError)
    assert re.fullmatch(
        rf"{spoilt}: it has \d+ bytes, not \d+\nthe archive is damaged: .*", str(said.exception)
    )
    admin = other.admin()
    await admin.start()
    try:
        assert await existing_layouts(admin, other.prefix) == {}
    finally:
        await admin.close()


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
        await as_planned(other)


async def test_what_is_in_an_archive_has_its_cause_in_it_too(connection: Connection, tmp_path: Path) -> None:
    """The ledger leads to analyses and those to the ledger: no order of reading the ends could keep both."""

    async def circle(log: Publisher) -> None:
        for number in count():
            await log.append_bytes(LEDGER, 0, b"k", b"%d" % number, [])
            await log.append_bytes(ANALYSES, 7, b"k", b"%d" % number, [])

    async with publisher(connection) as log:
        going_on = [asyncio.create_task(circle(log))]
        try:
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

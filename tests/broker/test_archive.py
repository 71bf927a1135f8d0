"""The log into files and back on a real broker: the same records at the same places, and whatever they come to."""

import asyncio
import re
from pathlib import Path
from random import Random

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from projections.rebuild import rebuild
from projections.snapshots import LINK
from streams.archive.folder import Archive
from streams.archive.log import refuse_unfinished
from streams.archive.manifest import FILLER
from streams.archive.parquet import DamagedError
from streams.errors import RefusedError
from streams.events.channels import ChannelFollowed, ChannelUnfollowed
from streams.events.videos import VideoDiscovered
from streams.log.connection import Connection
from streams.log.follow import ends_of
from streams.log.layout import apply, existing_layouts, plan
from streams.log.publish import publisher
from streams.log.topics import VIDEOS
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


async def append_one(connection: Connection, partition: int, value: bytes) -> None:
    async with publisher(connection) as log:
        await log.append_bytes(VIDEOS, partition, None, value, [("ce_type", b"X"), ("nothing", None)])


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
    await append_one(connection, 5, b"last")
    await append_one(connection, 6, Random(0).randbytes(5_000_000))  # more than a batch

    was = await records_of(connection)
    assert [record.offset for record in was["videos", 3]] == [3, 4]
    assert [record.offset for record in was["videos", 5]] == [0, 1, 3]
    await back_up(connection, tmp_path)
    # What is deleted after it was backed up comes back.
    await delete_before(connection, VIDEOS, 3, 5)
    await append_one(connection, 3, b"new")
    await back_up(connection, tmp_path)
    was["videos", 3] += (await records_of(connection))["videos", 3]
    assert await bring_back(other, tmp_path) == 6 + 2 + 4 + 1
    came = await records_of(other)
    filler = came["videos", 5].pop(2)
    assert (filler.offset, filler.headers, filler.value) == (2, (FILLER,), b"")
    assert came == was
    consumer = other.consumer()
    await consumer.start()
    try:
        tps = [TopicPartition(other.name(VIDEOS), partition) for partition in (3, 4, 5)]
        assert await consumer.beginning_offsets(tps) == dict(zip(tps, [3, 2, 0], strict=True))
        assert await consumer.end_offsets(tps) == dict(zip(tps, [6, 2, 4], strict=True))
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

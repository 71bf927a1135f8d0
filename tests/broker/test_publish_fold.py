"""What is published is what is read: to the end, without a gap, and with every error told to who waits."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from aiokafka.record.memory_records import MemoryRecords

from streams.broker import local as broker
from streams.errors import EarmarkError, TransientError
from streams.events.envelope import decode, encode
from streams.events.prompts import PromptActivated
from streams.events.record import Record, dead_letter
from streams.events.videos import Video, VideoDiscovered
from streams.log.connection import Connection
from streams.log.fetch import fetcher
from streams.log.follow import follow, read
from streams.log.layout import apply
from streams.log.publish import partition_of, publisher, too_large
from streams.log.topics import ANALYSES, CAPTIONS, DEAD_LETTERS, TOPICS, VIDEOS
from tests.builders.analyst_scene import captions_of

pytestmark = pytest.mark.kafka

AT = datetime(2026, 1, 1, tzinfo=UTC)
DEADLINE_S = 60.0


def discovered(n: int) -> VideoDiscovered:
    return VideoDiscovered(
        at=AT + timedelta(seconds=n), video=Video(video_id=f"v{n}", url=f"https://y.test/{n}", origin="poll")
    )


async def test_an_event_stands_where_its_publisher_says(connection: Connection) -> None:
    """Key, headers, body and partition are the encoding's; the time is the broker's."""
    event = discovered(1)
    records: list[Record] = []
    async with publisher(connection) as publish:
        appended = await publish.append(event)
        marker = PromptActivated(at=AT, prompt_id="p", previous=None, activation=3, partition=7)
        assert (await publish.append(marker)).partition == 7
    await read(connection, [VIDEOS, ANALYSES], records.append)
    by_type = {record.type: record for record in records}
    record, message = by_type["VideoDiscovered"], encode(event)
    assert (record.key, tuple(record.headers), record.value) == (message.key, message.headers, message.value)
    assert (record.topic, record.partition) == ("videos", partition_of("v1", 12))
    assert (appended.partition, appended.offset) == (record.partition, record.offset)
    assert record.timestamp_ms == appended.timestamp_ms > AT.timestamp() * 1000
    assert record.event() == event
    assert by_type["PromptActivated"].event() == marker


async def test_48_hours_of_talk_and_its_dead_letter_stand_in_the_log_and_one_above_the_limit_would_not(
    connection: Connection,
) -> None:
    """250 words a minute in letters of three bytes, three words a segment: 15 MB, of which the broker sees 4 or 5."""
    random = Random(48)
    said = ["".join(random.choices("कखगघचछजझटडतदनपबमयरलव", k=random.randint(2, 6))) for _ in range(20_000)]
    texts = tuple(" ".join(random.choices(said, k=3)) for _ in range(240_000))
    times = tuple(range(0, 720 * len(texts), 720))
    captions = captions_of("two-days").model_copy(
        update={"texts": texts, "starts_ms": times, "ends_ms": times, "words": 720_000}
    )
    assert len(encode(captions).value) > 14e6
    assert too_large(captions) is None
    records: list[Record] = []
    async with publisher(connection) as publish, fetcher(connection) as log:
        at = await publish.append(captions)
        record = await log.fetch(CAPTIONS, at.partition, at.offset)
        letter = dead_letter(record, handler="h", error=ValueError("poison"), attempt=1, at=AT)
        await publish.append(letter)
        beyond = captions.model_copy(update={"texts": (random.randbytes(10_000_000).decode("latin-1"),)})
        assert too_large(beyond) is not None
        with pytest.raises(MessageSizeTooLargeError):
            await publish.append(beyond)
    await read(connection, [CAPTIONS, DEAD_LETTERS], records.append)
    assert {record.event() == captions for record in records if record.topic == CAPTIONS.name} == {True}
    assert [record.event() for record in records if record.topic == DEAD_LETTERS.name] == [letter]


async def test_what_goes_together_shares_a_batch_a_partition_in_order(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 400 events in 12 partitions none has a batch of its own; what a partition holds is in the order it was given."""
    fetched: list[bytes] = []

    def keep(raw: bytes) -> MemoryRecords:
        fetched.append(raw)
        return MemoryRecords(raw)

    monkeypatch.setattr("aiokafka.consumer.fetcher.MemoryRecords", keep)
    records: list[Record] = []
    async with publisher(connection) as publish:
        await publish.append_all(map(discovered, range(400)))
    await read(connection, [VIDEOS], records.append)
    batches: list[int] = []
    for raw in fetched:
        found = MemoryRecords(raw)
        while found.has_next():
            batches.append(sum(1 for _ in found.next_batch()))
    assert sum(batches) == len(records) == 400
    assert len(batches) == 12
    for partition in range(12):
        here = [n for n in range(400) if partition_of(f"v{n}", 12) == partition]
        assert [r.event() for r in records if r.partition == partition] == list(map(discovered, here))


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "fresh"])
async def test_nothing_stands_behind_what_the_log_refused_and_a_repetition_brings_each_once(
    connection: Connection, *, warm: bool
) -> None:
    """A producer that the broker does not know yet has no sequence that would keep what follows out."""

    def titled(n: int, title: str = "") -> VideoDiscovered:
        return VideoDiscovered(
            at=AT + timedelta(seconds=n), video=Video(video_id="v", url="u", title=title, origin="poll")
        )

    too_much = titled(2, Random(1).randbytes(10_000_000).decode("latin-1"))
    async with publisher(connection) as publish:
        if warm:
            await publish.append(titled(9))
        with pytest.raises(MessageSizeTooLargeError):
            await publish.append_all(
                [titled(0), titled(1), too_much, titled(3)] if warm else [too_much, titled(3)]
            )
    async with publisher(connection) as publish:
        await publish.append_all(map(titled, range(4)))
    records: list[Record] = []
    await read(connection, [VIDEOS], records.append)
    found = [record.event().at.second for record in records]
    assert found == ([9, 0, 1] if warm else []) + [0, 1, 2, 3]


async def test_reading_to_the_end_skips_nothing(connection: Connection) -> None:
    """5,000 records in 12 partitions: every read has each once, in order within its partition, from where it is told."""
    async with publisher(connection) as publish:
        for first in range(0, 5000, 1000):
            await asyncio.gather(*(publish.append(discovered(n)) for n in range(first, first + 1000)))
    for _ in range(5):
        records: list[Record] = []
        await read(connection, TOPICS, records.append)
        assert len(records) == 5000
        offsets: dict[int, list[int]] = {}
        for record in records:
            offsets.setdefault(record.partition, []).append(record.offset)
        assert all(found == list(range(len(found))) for found in offsets.values())
    half = {("videos", partition): len(found) // 2 for partition, found in offsets.items()}
    rest: list[Record] = []
    await read(connection, [VIDEOS], rest.append, half)
    assert {(r.partition, r.offset) for r in rest} == {
        (r.partition, r.offset) for r in records if r.offset >= half["videos", r.partition]
    }


async def test_a_follower_is_up_to_date_when_it_says_so(connection: Connection) -> None:
    """What was published before `reach_now` is applied after it, of one partition or of all."""
    records: list[Record] = []
    async with publisher(connection) as publish, follow(connection, [VIDEOS], records.append) as follower:
        assert records == []
        for n in range(50):
            appended = await publish.append(discovered(n))
            async with asyncio.timeout(DEADLINE_S):
                await follower.reach_now(VIDEOS, appended.partition)
            assert records[-1].event() == discovered(n)
            assert follower.position(VIDEOS, appended.partition) == appended.offset + 1
        async with asyncio.timeout(DEADLINE_S):
            await follower.reach_now()
    assert len(records) == 50


@pytest.mark.parametrize("wait", ["reach_now", "moved"])
async def test_what_the_fold_raises_reaches_who_waits(connection: Connection, wait: str) -> None:
    """An error in `apply` ends the follower and every wait for it, the one under way and the next."""

    def apply(record: Record) -> None:
        raise EarmarkError(f"no verdict on {record.offset}")

    async with publisher(connection) as publish, follow(connection, [VIDEOS], apply) as follower:
        waiting = asyncio.create_task(_moves_for_ever(follower.moved))
        await publish.append(discovered(1))
        async with asyncio.timeout(DEADLINE_S):
            with pytest.raises(EarmarkError, match="no verdict on 0"):
                await waiting
            with pytest.raises(EarmarkError, match="no verdict on 0"):
                await getattr(follower, wait)()


async def _moves_for_ever(moved: Callable[[], asyncio.Future[None]]) -> None:
    while True:
        await moved()


async def test_a_follower_that_was_stopped_says_so(connection: Connection) -> None:
    """A wait for a stopped follower is an error, never a wait without end."""
    async with follow(connection, [VIDEOS], lambda _: None) as follower:
        await follower.stop()
        with pytest.raises(EarmarkError, match="stopped"):
            await follower.moved()


async def test_a_fetcher_finds_what_is_there_and_names_what_is_not(connection: Connection) -> None:
    """Bodies come by position, in any order; a place without a record is an error, and the next fetch still works."""
    async with publisher(connection) as publish, fetcher(connection, time_limit_s=2.0) as fetch:
        places = [await publish.append(discovered(n)) for n in range(30)]
        for n in [*range(29, -1, -1), 7, 7]:
            record = await fetch.fetch(VIDEOS, places[n].partition, places[n].offset)
            assert decode(record.headers, record.value) == discovered(n)
        for beyond in (0, 1000):
            with pytest.raises(EarmarkError, match=f"dead-letters.*{beyond}") as caught:
                await fetch.fetch(DEAD_LETTERS, 0, beyond)
            assert not isinstance(caught.value, TransientError), "the broker did answer"
        found = await asyncio.gather(
            *(fetch.fetch(VIDEOS, place.partition, place.offset) for place in places)
        )
        assert [record.event() for record in found] == [discovered(n) for n in range(30)]


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Path]:
    """The home of a broker that this test alone stops and starts."""
    broker.start(tmp_path)
    yield tmp_path
    broker.stop(tmp_path)


async def test_a_broker_that_is_away_is_not_taken_for_a_log_that_lacks_something(own_broker: Path) -> None:
    """What cannot be had now can be had later, by the same fetcher."""
    bootstrap = broker.find(own_broker)
    assert bootstrap is not None
    connection = Connection(bootstrap)
    admin = connection.admin()
    await admin.start()
    await apply(admin, connection.prefix)
    await admin.close()
    async with fetcher(connection, time_limit_s=2.0) as fetch:
        async with publisher(connection) as publish:
            place = await publish.append(discovered(1))
        assert (await fetch.fetch(VIDEOS, place.partition, place.offset)).event() == discovered(1)
        await asyncio.to_thread(broker.stop, own_broker)
        named = rf"earmark\.videos\[{place.partition}\] .* {place.offset} within 2 s"
        with pytest.raises(TransientError, match=named):
            await fetch.fetch(VIDEOS, place.partition, place.offset)
        with pytest.raises(TransientError, match=named):
            await fetch.read(VIDEOS, place.partition, place.offset, 1, print)
        await asyncio.to_thread(broker.start, own_broker)
        async with asyncio.timeout(DEADLINE_S):
            found = await _in_the_end(lambda: fetch.fetch(VIDEOS, place.partition, place.offset))
        assert found.event() == discovered(1)


async def _in_the_end(fetch: Callable[[], Awaitable[Record]]) -> Record:
    """What a fetch gives when the broker is back: a client that lost it looks for it only now and then."""
    while True:
        with suppress(TransientError):
            return await fetch()


async def test_a_broker_that_is_not_there_leaves_nothing_open(caplog: pytest.LogCaptureFixture) -> None:
    """What could not be opened is closed all the same: no complaint about it follows later."""
    nowhere = Connection("127.0.0.1:1")
    with pytest.raises(KafkaConnectionError):
        async with publisher(nowhere):
            pass
    with pytest.raises(KafkaConnectionError):
        async with follow(nowhere, [VIDEOS], lambda _: None):
            pass
    with pytest.raises(KafkaConnectionError):
        async with fetcher(nowhere):
            pass
    gc.collect()
    assert "Unclosed" not in caplog.text

"""The worker as a real process on the real broker: what is published ends as a result or a dead letter, whatever happens."""

import asyncio
import itertools
import signal
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.app.letters import letters_of, retry
from streams.broker import local as broker
from streams.clock import utc_now
from streams.events.dead_letters import DeadLettered, DeadLetterRetried
from streams.events.envelope import decode
from streams.events.record import Record
from streams.events.videos import Video, VideoDiscovered
from streams.log.connection import Connection
from streams.log.follow import Follower, follow
from streams.log.layout import apply
from streams.log.publish import Publisher, partition_of, publisher
from streams.log.topics import CAPTIONS_UNAVAILABLE, DEAD_LETTERS, VIDEOS
from streams.worker.wrapper import TRIES, ExitCode
from tests.builders.small_worker import worker

pytestmark = pytest.mark.kafka

DEADLINE_S = 90.0
OUTAGE_S = 12.0  # longer than the session of a group


def discovered(video_id: str) -> VideoDiscovered:
    video = Video(video_id=video_id, url=f"https://y.test/{video_id}", origin="poll")
    return VideoDiscovered(at=datetime(2026, 1, 1, tzinfo=UTC), video=video)


class Ends:
    """What became of the videos so far, as the log tells it."""

    def __init__(self) -> None:
        self.results: list[Record] = []
        self.letters: list[DeadLettered] = []

    def apply(self, record: Record) -> None:
        event = record.event()
        if isinstance(event, DeadLettered):
            self.letters.append(event)
        elif not isinstance(event, DeadLetterRetried):
            self.results.append(record)

    @property
    def counts(self) -> Counter[str]:
        """How often each video came out."""
        return Counter(record.header("ce_subject") or "" for record in self.results)

    async def until(
        self, follower: Follower, reached: Callable[[], bool], limit_s: float = DEADLINE_S
    ) -> None:
        async with asyncio.timeout(limit_s):
            while not reached():
                await follower.moved()


@asynccontextmanager
async def ends_of(connection: Connection) -> AsyncIterator[tuple[Ends, Follower, Publisher]]:
    ends = Ends()
    async with (
        publisher(connection) as publish,
        follow(connection, [CAPTIONS_UNAVAILABLE, DEAD_LETTERS], ends.apply) as follower,
    ):
        yield ends, follower, publish


async def exit_code(process: subprocess.Popen[str], limit_s: float = DEADLINE_S) -> int:
    return await asyncio.to_thread(process.wait, limit_s)


async def test_raising_hung_and_unreadable_messages_become_dead_letters_and_the_rest_goes_on(
    connection: Connection, tmp_path: Path
) -> None:
    """Nothing is lost: every message ends as a result or as a dead letter with its bytes, and SIGTERM then ends cleanly."""
    good = [f"ok-{n}" for n in range(60)]
    bad = ["raise-1", "hang-1"]
    producer = connection.producer()
    await producer.start()
    broken: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]] = [
        (b"\xff\x00key", b"\x80 no json", [("ce_type", b"\xfe"), ("x", b"1"), ("x", b"2")]),
        (b"tombstone", None, []),
        (None, b"{}", []),
    ]
    async with ends_of(connection) as (ends, follower, publish):
        for video_id in good[:30] + bad:
            await publish.append(discovered(video_id))
        places = []
        for key, value, headers in broken:
            sent = await producer.send_and_wait(
                connection.name(VIDEOS), value=value, key=key, headers=headers, partition=5
            )
            places.append(sent.offset)
        await producer.stop()
        await publish.append_all(map(discovered, good[30:]))
        with worker(connection, tmp_path) as process:
            await ends.until(follower, lambda: len(ends.results) >= 60 and len(ends.letters) >= 5)
            process.send_signal(signal.SIGTERM)
            assert await exit_code(process, 15.0) == 0
        await follower.reach_now()
        assert ends.counts == Counter(good)
        by_attempt = {True: [], False: []}  # type: dict[bool, list[DeadLettered]]
        for letter in ends.letters:
            by_attempt[letter.attempt == TRIES].append(letter)
        assert [
            (letter.partition, letter.offset, letter.key_bytes, letter.value_bytes, letter.header_bytes)
            for letter in by_attempt[False]
        ] == [(5, offset, *parts) for offset, parts in zip(places, broken, strict=True)]
        originals = [decode(letter.header_bytes, letter.value_bytes) for letter in by_attempt[True]]
        assert sorted(event.key for event in originals) == sorted(bad)


async def test_a_dead_letter_that_is_retried_is_handled_once_the_cause_is_gone(
    connection: Connection, tmp_path: Path
) -> None:
    """Retried before that, it fails again, as a letter of its own."""
    async with ends_of(connection) as (ends, follower, publish):
        await publish.append(discovered("raise-1"))
        with worker(connection, tmp_path):
            for letters in (1, 2):
                await ends.until(follower, lambda letters=letters: len(ends.letters) == letters)  # type: ignore[misc]
                if letters == 2:
                    (tmp_path / "fixed").touch()
                found = await letters_of(connection)
                assert [line async for line in retry(connection, found.open(), utc_now)] != []
            await ends.until(follower, lambda: bool(ends.results))
        await follower.reach_now()
    assert ends.counts == Counter({"raise-1": 1})
    assert [letter.offset for letter in ends.letters] == [0, 1]
    assert (await letters_of(connection)).open() == []


async def test_a_worker_killed_between_result_and_commit_tells_the_same_fact_again(
    connection: Connection, tmp_path: Path
) -> None:
    """SIGKILL after the result is in the log and before the commit: nothing lost, and the repetition has the same bytes."""
    videos = [f"ok-{n}" for n in range(100)] + ["kill-1"] + [f"ok-{n}" for n in range(100, 200)]
    async with ends_of(connection) as (ends, follower, publish):
        await publish.append_all(map(discovered, videos))
        with worker(connection, tmp_path) as process:
            assert await exit_code(process) == -signal.SIGKILL
        with worker(connection, tmp_path):
            await ends.until(follower, lambda: set(ends.counts) == set(videos) and ends.counts["kill-1"] > 1)
        told = {(record.key, record.value, tuple(record.headers)) for record in ends.results}
        assert len(told) == len(videos)
        assert ends.letters == []


async def test_what_is_not_the_events_fault_stops_the_worker_and_the_event_is_not_lost(
    connection: Connection, tmp_path: Path
) -> None:
    """A handler that cannot work now ends the process with a code of its own; the next start takes the event up again."""
    async with ends_of(connection) as (ends, follower, publish):
        await publish.append(discovered("later-1"))
        with worker(connection, tmp_path) as process:
            assert await exit_code(process) == ExitCode.TRY_LATER
        assert ends.results == []
        (tmp_path / "given-up").unlink()
        with worker(connection, tmp_path):
            await ends.until(follower, lambda: bool(ends.results))
        assert ends.counts == Counter({"later-1": 1})
        assert ends.letters == []


async def test_sigterm_in_the_middle_of_the_work_is_clean_and_loses_nothing(
    connection: Connection, tmp_path: Path
) -> None:
    """What is in flight is seen through and committed, what is not waits for the next worker of that slot."""
    videos = [f"slow-{n}" for n in range(120)]
    async with ends_of(connection) as (ends, follower, publish):
        await publish.append_all(map(discovered, videos))
        with worker(connection, tmp_path) as process:
            await ends.until(follower, lambda: len(ends.results) > 20)
            process.send_signal(signal.SIGTERM)
            assert await exit_code(process, 15.0) == 0
        await follower.reach_now()
        assert len(ends.counts) < len(videos)
        with worker(connection, tmp_path):
            await ends.until(follower, lambda: len(ends.counts) == len(videos))
        assert ends.letters == []


async def test_two_workers_share_the_partitions(connection: Connection, tmp_path: Path) -> None:
    """Work that goes on coming in is done by both slots."""
    async with ends_of(connection) as (ends, follower, publish):

        def slots() -> set[str]:
            return {record.event().model_dump()["reason"] for record in ends.results}

        with worker(connection, tmp_path, "w0"), worker(connection, tmp_path, "w1"):
            published: list[str] = []
            started = time.monotonic()
            while slots() != {"w0", "w1"}:
                assert time.monotonic() - started < DEADLINE_S
                batch = [f"slot-{len(published) + n}" for n in range(24)]
                await publish.append_all(map(discovered, batch))
                published += batch
                await follower.moved()
            await ends.until(follower, lambda: set(ends.counts) == set(published))


def names(kind: str, count: int, partition: int) -> list[str]:
    """So many videos of a kind, all of them in one partition."""
    every = (f"{kind}-{number}" for number in itertools.count())
    return list(
        itertools.islice((n for n in every if partition_of(n, VIDEOS.partitions) == partition), count)
    )


async def test_a_partition_that_is_long_at_it_holds_up_no_other_however_much_waits_behind_it(
    connection: Connection, tmp_path: Path
) -> None:
    """What is behind it came in the same fetch and is more than a buffer holds; it then goes faster than a buffer a second."""
    (long,), behind, elsewhere = names("long", 1, 3), names("ok", 400, 3), names("ok", 100, 4)
    async with ends_of(connection) as (ends, follower, publish):
        await publish.append_all(map(discovered, [long, *behind]))
        with worker(connection, tmp_path) as process:
            await ends.until(follower, (tmp_path / "begun").exists)
            await publish.append_all(map(discovered, elsewhere))
            await ends.until(follower, lambda: set(ends.counts) == set(elsewhere), 20.0)
            (tmp_path / "enough").touch()
            await ends.until(follower, lambda: set(ends.counts) == {*elsewhere, long, *behind}, 15.0)
            assert process.poll() is None
        assert ends.letters == []


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Path]:
    """The home of a broker that this test alone stops and starts."""
    home = tmp_path / "home"
    broker.start(home)
    yield home
    broker.stop(home)


async def test_a_broker_that_is_away_longer_than_a_session_loses_nothing_and_the_worker_goes_on(
    own_broker: Path, tmp_path: Path
) -> None:
    """The same process takes up its work again when the broker is back."""
    bootstrap = broker.find(own_broker)
    assert bootstrap is not None
    connection = Connection(bootstrap, f"t{uuid.uuid4().hex[:8]}.")
    admin = connection.admin()
    await admin.start()
    await apply(admin, connection.prefix)
    await admin.close()
    videos = [f"slow-{n}" for n in range(240)]
    async with ends_of(connection) as (ends, follower, publish):
        await publish.append_all(map(discovered, videos[:200]))
        with worker(connection, tmp_path) as process:
            await ends.until(follower, lambda: len(ends.results) > 20)
            await asyncio.to_thread(broker.stop, own_broker)
            await asyncio.sleep(OUTAGE_S)
            assert len(ends.counts) < len(videos[:200])
            assert await asyncio.to_thread(broker.start, own_broker) == bootstrap
            await publish.append_all(map(discovered, videos[200:]))
            await ends.until(follower, lambda: len(ends.counts) == len(videos))
            assert process.poll() is None
        assert ends.letters == []

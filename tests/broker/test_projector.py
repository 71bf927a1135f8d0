"""The projector as a process on the real log: killed, rebuilt under its feet, and read from all the while."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from random import Random
from threading import Event as Flag
from threading import Thread

import duckdb
import pytest

from projections import model
from projections.ingest import Place
from projections.projector import project
from projections.rebuild import rebuild, rebuild_words
from projections.snapshots import LINK, WORDS_LINK
from projections.transcripts_file import Transcripts
from streams.errors import EarmarkError
from streams.events.event import Event
from streams.log.connection import Connection
from streams.log.publish import publisher
from streams.log.topics import CAPTIONS, destination
from tests.builders.read_model_histories import history
from tests.builders.snapshot import assert_equal, assert_same_words

pytestmark = pytest.mark.kafka

PROJECTOR = "from streams.cli.projector import projector; projector()"
LIMIT_S = 60.0


class Reader(Thread):
    """Queries the newest snapshot in a loop and notes whatever a reader must never meet."""

    CHECK = """
        SELECT
          (SELECT sum(next_offset) FROM _positions),
          (SELECT count(*) FROM analyses a
           WHERE len(themes) <> 1 OR (
             SELECT count(*) FROM all_mentions m WHERE m.log_partition = a.log_partition AND m.log_offset = a.log_offset
           ) <> 3),
          (SELECT count(*) FROM all_mentions ANTI JOIN analyses USING (log_partition, log_offset))
    """

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._link = home / LINK
        self._enough = Flag()
        self.queries = 0
        self.complaints: list[str] = []

    def run(self) -> None:
        last = 0
        while not self._enough.wait(0.005):
            if not self._link.exists():
                continue
            try:
                with duckdb.connect(self._link, read_only=True) as database:
                    ((records, torn, orphans),) = database.execute(self.CHECK).fetchall()
            except duckdb.Error as error:
                self.complaints.append(str(error))
                continue
            self.queries += 1
            if torn or orphans or (records or 0) < last:
                self.complaints.append(f"{torn} torn, {orphans} orphans, {records} records after {last}")
            last = records or 0

    @contextmanager
    def reading(self) -> Iterator["Reader"]:
        self.start()
        try:
            yield self
        finally:
            self._enough.set()
            self.join()


@contextmanager
def projector(home: Path, connection: Connection) -> Iterator[subprocess.Popen[bytes]]:
    """A projector process; killed if it still runs at the end."""
    environment = {
        **os.environ,
        "EARMARK_HOME": str(home),
        "EARMARK_KAFKA": connection.bootstrap,
        "EARMARK_TOPIC_PREFIX": connection.prefix,
    }
    process = subprocess.Popen([sys.executable, "-c", PROJECTOR], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def append(connection: Connection, events: Sequence[Event]) -> None:
    async with publisher(connection) as log:
        await asyncio.gather(*(log.append(event) for event in events))


def captions(events: Sequence[Event]) -> int:
    """How many records there are in `captions`."""
    return sum(destination(event)[0] is CAPTIONS for event in events)


def read(home: Path) -> int:
    """How many records the newest snapshot has."""
    if not (home / LINK).exists():
        return 0
    with duckdb.connect(home / LINK, read_only=True) as database:
        return int(database.execute("SELECT coalesce(sum(next_offset), 0) FROM _positions").fetchall()[0][0])


def said(home: Path) -> int:
    """How many captions the words of readers are of."""
    if not (home / WORDS_LINK).exists():
        return 0
    with duckdb.connect(home / WORDS_LINK, read_only=True) as database:
        return int(database.execute("SELECT coalesce(sum(next_offset), 0) FROM _positions").fetchall()[0][0])


async def until(happened: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until that is so."""
    async with asyncio.timeout(LIMIT_S):
        while not happened():
            assert process is None or process.poll() is None, "the projector has died"
            await asyncio.sleep(0.05)


async def until_read(home: Path, records: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until readers see so many records."""
    await until(lambda: read(home) >= records, process)


async def until_all_is_said(home: Path, events: Sequence[Event], process: subprocess.Popen[bytes]) -> None:
    """Wait until readers see the words in all of the events."""
    await until(lambda: said(home) == captions(events), process)


async def test_killed_again_and_again_it_ends_as_an_undisturbed_rebuild(
    connection: Connection, tmp_path: Path
) -> None:
    home, fresh = tmp_path / "home", tmp_path / "fresh"
    events = history(Random(7), 60)
    cuts = [len(events) * part // 3 for part in range(4)]
    with Reader(home).reading() as reader:
        for begin, end in pairwise(cuts):
            if end == len(events):
                # Whoever has no words, or those of another version, gets them from the log.
                model.generation_file(home, 1, "transcripts").write_bytes(b"of another version")
            with projector(home, connection) as process:
                await until_read(home, begin, process)
                appending = asyncio.create_task(append(connection, events[begin:end]))
                await until_read(home, begin + 1, process)
                if end < len(events):
                    process.kill()  # in mid-batch or mid-copy, as it falls
                await appending
                if end == len(events):
                    await until_read(home, end, process)
                    await until_all_is_said(home, events, process)
                    process.send_signal(signal.SIGTERM)
                    assert await asyncio.to_thread(process.wait, LIMIT_S) == 0
    assert reader.complaints == []
    assert reader.queries > 0

    assert await rebuild(fresh, connection.consumer, connection.name) == len(events)
    assert await rebuild_words(fresh, connection.consumer, connection.name) == captions(events)
    assert_equal(home / LINK, fresh / LINK)
    assert_same_words(home / WORDS_LINK, fresh / WORDS_LINK)


async def test_a_rebuild_beside_a_running_projector_is_taken_over(
    connection: Connection, tmp_path: Path
) -> None:
    events = history(Random(8), 20)
    half = len(events) // 2
    await append(connection, events[:half])
    with Reader(tmp_path).reading() as reader, projector(tmp_path, connection) as process:
        await until_read(tmp_path, half, process)
        await rebuild(tmp_path, connection.consumer, connection.name)
        await rebuild_words(tmp_path, connection.consumer, connection.name)
        await append(connection, events[half:])
        await until_read(tmp_path, len(events), process)
        await until_all_is_said(tmp_path, events, process)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, LIMIT_S) == 0
    assert reader.complaints == []
    assert sorted(path.name for path in (tmp_path / "model").glob("*.duckdb")) == [
        "rm-2.duckdb",
        "transcripts-2.duckdb",
    ]

    await rebuild(tmp_path / "fresh", connection.consumer, connection.name)
    await rebuild_words(tmp_path / "fresh", connection.consumer, connection.name)
    assert_equal(tmp_path / LINK, tmp_path / "fresh" / LINK)
    assert_same_words(tmp_path / WORDS_LINK, tmp_path / "fresh" / WORDS_LINK)


async def test_stopped_while_it_takes_a_rebuild_over_it_ends_all_the_same(
    connection: Connection, tmp_path: Path
) -> None:
    """aiokafka's consumer, assigned anew and then stopped at once, would wait for ever."""
    await append(connection, events := history(Random(9), 5))
    with projector(tmp_path, connection) as process:
        await until_read(tmp_path, len(events), process)
        await rebuild(tmp_path, connection.consumer, connection.name)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, LIMIT_S) == 0


async def test_a_second_projector_is_refused_and_so_is_a_second_rebuild(
    connection: Connection, tmp_path: Path
) -> None:
    with model.lock(tmp_path, "projector", ""), model.lock(tmp_path, "rebuild", ""):
        with pytest.raises(EarmarkError, match="another projector keeps"):
            await project(tmp_path, connection.consumer, connection.name, asyncio.Event())
        with pytest.raises(EarmarkError, match="under way"):
            await rebuild(tmp_path, connection.consumer, connection.name)


async def test_a_model_of_another_log_is_refused_and_a_rebuild_mends_it(
    connection: Connection, tmp_path: Path
) -> None:
    await rebuild(tmp_path, connection.consumer, connection.name)
    database = model.open_model(model.generation_file(tmp_path, 1))
    place = Place("videos", 3)
    database.execute("INSERT INTO _positions (topic, log_partition, next_offset) VALUES (?, ?, 5)", [*place])
    database.close()

    with pytest.raises(EarmarkError, match=r"videos\[3\]@5, .* `earmark rebuild`"):
        await project(tmp_path, connection.consumer, connection.name, asyncio.Event())
    await rebuild(tmp_path, connection.consumer, connection.name)
    stop = asyncio.Event()
    stop.set()
    await project(tmp_path, connection.consumer, connection.name, stop)


async def test_words_of_another_log_are_made_anew(connection: Connection, tmp_path: Path) -> None:
    """As after a rebuild from another log that was killed once the model was in place."""
    await append(connection, events := history(Random(10), 5))
    await rebuild(tmp_path, connection.consumer, connection.name)
    words = Transcripts(tmp_path)
    words._database.execute("INSERT INTO _positions VALUES ('captions', 0, 9999)")
    words.publish(at_once=True)
    words.close()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as running:
        running.create_task(project(tmp_path, connection.consumer, connection.name, stop))
        await until(lambda: said(tmp_path) == captions(events))
        stop.set()


async def test_topics_that_are_not_there_are_named(bootstrap: str, tmp_path: Path) -> None:
    elsewhere = Connection(bootstrap, prefix="nowhere.")
    with pytest.raises(EarmarkError, match=r"topic nowhere\.\S+ is missing: run `earmark topics apply`"):
        await rebuild(tmp_path, elsewhere.consumer, elsewhere.name)

"""How long after it was sent an event is seen by another process that reads the read model, and what that writes.

The projector is the real one, a process of its own, beside the same one that publishes as 0.1.0 did.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from uuid import uuid4

import duckdb
import psutil
from confluent_kafka import Producer

from projections import model
from projections.snapshots import LINK
from streams.events.envelope import Message, encode
from streams.events.signals import MentionAdded
from streams.log.connection import Connection
from streams.log.topics import MENTION_SIGNALS
from tests.benchmarks.material import fresh
from tests.benchmarks.processes import ask, process
from tests.benchmarks.table import Result, at
from tests.builders.large_model import fill
from tests.builders.read_model_world import PROMPTS, completed, signals, video

NOW = ["-c", "from streams.cli.projector import projector; projector()"]
BEFORE = ["-m", "tests.benchmarks.whole_copies"]
ROOT = Path(__file__).parents[2]
LOOK_S = 0.002
TICK_S = 0.02
LIMIT_S = 300.0


@dataclass(frozen=True)
class Size:
    """Models of so many videos.

    After `warm_up` snapshots of an event each, for the first are whole copies, in 0.1.0's way after one, `events` come one
    each `pause_s`; then, for `load_s` seconds, `a_second` of them.
    """

    videos: Sequence[int]
    warm_up: int
    events: int
    pause_s: float
    a_second: int
    load_s: float


QUICK = Size(videos=(0,), warm_up=1, events=2, pause_s=0.1, a_second=200, load_s=0.2)
USUAL = Size(videos=(0, 100_000), warm_up=20, events=60, pause_s=1.0, a_second=1_000, load_s=20)
FULL = Size(videos=(0, 100_000, 1_000_000), warm_up=20, events=60, pause_s=1.0, a_second=1_000, load_s=20)


@dataclass
class Sight:
    """What a reader saw: of each partition, up to where it was read and since when (s since 1970)."""

    ends: dict[int, list[int]] = field(default_factory=dict)
    times: dict[int, list[float]] = field(default_factory=dict)
    snapshots: int = 0
    went_back: int = 0

    def take(self, rows: Sequence[tuple[int, int]], now: float) -> None:
        self.snapshots += 1
        for partition, end in rows:
            ends, times = self.ends.setdefault(partition, []), self.times.setdefault(partition, [])
            if ends and end < ends[-1]:
                self.went_back += 1
            if not ends or end > ends[-1]:
                ends.append(end)
                times.append(now)

    def seen(self, partition: int, offset: int) -> float | None:
        """When the record there was visible."""
        ends = self.ends.get(partition, [])
        place = bisect_right(ends, offset)
        return self.times[partition][place] if place < len(ends) else None


def look(home: Path, pipe: Pipe) -> None:
    """The reader: opens every snapshot that it finds, and tells what it saw when it is asked."""
    sight, last = Sight(), None
    link = home / LINK
    query = "SELECT log_partition, next_offset FROM _positions WHERE topic = ?"
    while True:
        if pipe.poll(LOOK_S):
            pipe.recv()
            pipe.send(sight)
        if not link.is_symlink() or (newest := link.readlink()) == last:
            continue
        with duckdb.connect(link, read_only=True) as database:
            rows = database.execute(query, [MENTION_SIGNALS.name]).fetchall()
        sight.take(rows, time.time())
        last = newest


@dataclass(frozen=True)
class Measured:
    """Milliseconds from sending to seeing; bytes written meanwhile, by snapshot and by hour; whether a reader went back."""

    waits_ms: Sequence[float]
    sent: int
    a_snapshot: float
    an_hour: float
    went_back: int

    def columns(self) -> list[str]:
        return [
            *(f"{at(self.waits_ms, percent):,.0f}" for percent in (50, 95)),
            f"{self.a_snapshot / 1e6:,.1f}",
            f"{self.an_hour / 1e9:,.1f}",
        ]


async def freshness(connection: Connection, size: Size) -> Result:
    """Both ways at each size, one after the other."""
    columns = ["p50 ms", "p95 ms", "MB a snapshot", "GB an hour"]
    rows = [["", *(f"0.1.0: {columns[0]}", *columns[1:]), *(f"now: {columns[0]}", *columns[1:])]]
    numbers = {"sent": 0.0, "seen": 0.0, "went_back": 0.0}
    for videos in size.videos:
        with _model(videos) as file:
            before, now = [await _both(connection, size, file, way) for way in (BEFORE, NOW)]
        for name, *ways in zip(
            (f"1 every {size.pause_s:g} s", f"{size.a_second:,} a second"), before, now, strict=True
        ):
            rows.append([f"{videos:,} videos, {name}", *ways[0].columns(), *ways[1].columns()])
            for measured in ways:
                numbers["sent"] += measured.sent
                numbers["seen"] += len(measured.waits_ms)
                numbers["went_back"] += measured.went_back
    return Result(
        "Fresh at any size",
        "From sending a MentionAdded until another process reads it from a snapshot, which it looks for every"
        f" {LOOK_S * 1000:g} ms; {size.events} of them one by one, then {size.load_s:g} s of many."
        " Ten or eleven mentions a video. Where a load needs one more copy than the trickle before it, that one is in its numbers."
        " Bytes are all that the projector wrote: its log of changes and its checkpoints, too."
        " 0.1.0's way: a whole copy each time, and a pause of ten times as long; everything else is as it is now.",
        rows,
        numbers,
    )


@contextmanager
def _model(videos: int) -> Iterator[Path]:
    """A model of so many videos that has read nothing of the log."""
    with tempfile.TemporaryDirectory(prefix="earmark-model-") as folder:
        file = Path(folder, "model")
        database = model.create(file)
        fill(database, videos)
        database.execute("DELETE FROM _positions")
        model.finish(database)
        yield file


async def _both(connection: Connection, size: Size, file: Path, way: Sequence[str]) -> list[Measured]:
    """One way at one size: event by event, and under a load."""
    own = await fresh(connection)
    load, warm_up = int(size.a_second * size.load_s), size.warm_up if way is NOW else 1
    messages = _messages(warm_up + size.events + load)
    with tempfile.TemporaryDirectory(prefix="earmark-fresh-") as folder:
        home = Path(folder)
        model.folder(home).mkdir()
        shutil.copyfile(file, model.generation_file(home, 1))
        async with _projector(own, home, way) as pid:
            with process(look, home) as reader:
                async with asyncio.timeout(LIMIT_S):
                    while True:
                        first: Sight = await ask(reader)
                        if first.snapshots:
                            break
                        await asyncio.sleep(0.1)

                def measure(begin: int, end: int, at_once: int, pause_s: float) -> Awaitable[Measured]:
                    return _measure(own, reader, pid, messages[begin:end], at_once, pause_s)

                few = warm_up + size.events
                for number in range(warm_up):
                    await measure(number, number + 1, 1, size.pause_s)
                return [
                    await measure(warm_up, few, 1, size.pause_s),
                    await measure(few, len(messages), max(1, int(size.a_second * TICK_S)), TICK_S),
                ]


async def _measure(
    connection: Connection, reader: Pipe, pid: int, messages: Sequence[Message], at_once: int, pause_s: float
) -> Measured:
    """Send so many at once, each pause, and wait until all are seen."""
    log = Producer({"bootstrap.servers": connection.bootstrap, "linger.ms": 2, "compression.type": "zstd"})
    topic = connection.name(MENTION_SIGNALS)
    before: Sight = await ask(reader)
    begun, written = time.time(), psutil.Process(pid).io_counters().write_bytes
    sent: list[tuple[int, int, float]] = []

    def send(message: Message) -> None:
        now = time.time()
        log.produce(
            topic,
            message.value,
            message.key,
            headers=list(message.headers),
            on_delivery=lambda _, there: sent.append((there.partition(), there.offset(), now)),
        )

    for number, first in enumerate(range(0, len(messages), at_once), 1):
        for message in messages[first : first + at_once]:
            send(message)
        log.poll(0)
        await asyncio.sleep(max(0.0, begun + number * pause_s - time.time()))
    await asyncio.to_thread(log.flush)
    async with asyncio.timeout(LIMIT_S):
        while True:
            sight: Sight = await ask(reader)
            seen = [sight.seen(partition, offset) for partition, offset, _ in sent]
            if None not in seen:
                break
            await asyncio.sleep(0.05)
    written = psutil.Process(pid).io_counters().write_bytes - written
    return Measured(
        [
            1000 * (visible - then)
            for visible, (*_, then) in zip(seen, sent, strict=True)
            if visible is not None
        ],
        len(messages),
        written / max(1, sight.snapshots - before.snapshots),
        written / (time.time() - begun) * 3600,
        sight.went_back,
    )


@asynccontextmanager
async def _projector(connection: Connection, home: Path, way: Sequence[str]) -> AsyncIterator[int]:
    environment = os.environ | {
        "EARMARK_KAFKA": connection.bootstrap,
        "EARMARK_TOPIC_PREFIX": connection.prefix,
        "EARMARK_HOME": str(home),
    }
    with (home / "projector.log").open("wb") as out:
        child = await asyncio.create_subprocess_exec(
            sys.executable, *way, stdout=out, stderr=out, env=environment, cwd=ROOT
        )
    try:
        yield child.pid
    finally:
        child.kill()
        await child.wait()


def _messages(count: int) -> list[Message]:
    """Signals of different mentions of two hundred videos."""
    answers = [completed(video(number), PROMPTS[0], uuid4()) for number in range(200)]
    added = [
        next(event for event in signals(answer) if isinstance(event, MentionAdded)) for answer in answers
    ]
    return [
        encode(added[number % len(added)].model_copy(update={"mention_id": uuid4()}))
        for number in range(count)
    ]

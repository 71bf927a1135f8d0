"""The dashboard at work: how long each page takes, what that costs the projector, and what the process holds.

The projector is the real one, and so are the log and the snapshots; the dashboard is a process of its own. Each request
is timed from when it was due, so one that waits for another counts in full.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, cycle, islice
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import psutil
from aiohttp import ClientSession

from projections import model, transcripts, transcripts_file
from projections.web.forms import address
from projections.web.page import Outside
from projections.web.render import PATHS
from projections.web.routes import PAGES
from projections.web.server import Site, serve
from streams.events.record import Record
from streams.log.connection import Connection
from tests.benchmarks import freshness
from tests.benchmarks.material import fresh
from tests.benchmarks.processes import ask, process, told
from tests.benchmarks.search import said, spoken_words
from tests.benchmarks.table import Result, at, spread
from tests.builders.large_model import large_model

READERS = 10
BATCH = 1_000
MEGABYTE = 2**20
LIMIT_S = 300.0


@dataclass(frozen=True)
class Size:
    """A model of so many videos, with the words of so many beside it.

    `events` come one each `pause_s`, without and with READERS who ask for `a_second` pages; then `requests` in all.
    """

    videos: int
    transcripts: int
    events: int
    pause_s: float
    a_second: float
    early: int
    requests: int


QUICK = Size(videos=300, transcripts=20, events=2, pause_s=0.2, a_second=20, early=20, requests=40)
FULL = Size(
    videos=100_000, transcripts=10_000, events=90, pause_s=1, a_second=10, early=1_000, requests=10_000
)


@dataclass(frozen=True)
class Job:
    """What the dashboard's process is given."""

    home: Path
    now: datetime


def dashboard_process(job: Job, pipe: Pipe) -> None:
    """The dashboard: it tells its port and serves until it is killed."""
    asyncio.run(_serve(job, pipe))


async def _serve(job: Job, pipe: Pipe) -> None:
    async def look() -> Outside:
        return Outside(job.now, (), (), None, (), (), ())

    runner = await serve(Site(job.home, Decimal(5), look, lambda: job.now).app(), "127.0.0.1", 0)
    pipe.send((os.getpid(), runner.addresses[0][1]))
    await asyncio.Event().wait()


async def dashboard(connection: Connection, size: Size) -> Result:
    """Freshness alone, the same while pages are asked for, and memory to the last request."""
    own = await fresh(connection)
    messages = freshness._messages(2 * size.events + 1)
    with _home(size) as home:
        now, pages = _asked(model.generation_file(home, 1))
        async with freshness._projector(own, home, freshness.NOW) as projector:
            with process(freshness.look, home) as reader, process(dashboard_process, Job(home, now)) as pipe:
                pid, port = await told(pipe)
                await _until_seen(reader)

                def measure(begin: int, end: int) -> Awaitable[freshness.Measured]:
                    return freshness._measure(own, reader, projector, messages[begin:end], 1, size.pause_s)

                async with ClientSession(f"http://127.0.0.1:{port}") as session:
                    for each in chain(*(known[:2] for known in pages.values())):
                        await _timed(session, each, time.perf_counter())
                    # The first snapshot is a whole copy.
                    await measure(0, 1)
                    alone = await measure(1, size.events + 1)
                    resident = [_resident(pid)]
                    asking = asyncio.create_task(_readers(session, pages, size))
                    together = await measure(size.events + 1, 2 * size.events + 1)
                    took = await asking
                    done = sum(map(len, took.values()))
                    for until in (size.early, size.requests // 2, size.requests):
                        await _more(session, pages, until - done)
                        done = max(done, until)
                        resident.append(_resident(pid))
    return _result(size, took, alone, together, resident)


@contextmanager
def _home(size: Size) -> Iterator[Path]:
    """A home whose model has read nothing of the log, and has the words of its newest videos."""
    with tempfile.TemporaryDirectory(prefix="earmark-dashboard-") as folder:
        home = Path(folder)
        model.folder(home).mkdir()
        file = model.generation_file(home, 1)
        large_model(file, size.videos)
        with duckdb.connect(file) as database:
            database.execute("DELETE FROM _positions")
            videos = database.execute(
                "SELECT video_id, captions_id FROM videos WHERE captions_id IS NOT NULL"
                " ORDER BY published_at DESC, video_id LIMIT ?",
                [size.transcripts],
            ).fetchall()
        held = transcripts_file.create(model.generation_file(home, 1, transcripts_file.KIND))
        spoken = said(Random(1), spoken_words())
        for begin in range(0, len(videos), BATCH):
            batch = [
                _of(video_id, str(captions_id), next(spoken))
                for video_id, captions_id in videos[begin : begin + BATCH]
            ]
            transcripts.take(held, batch)
        held.execute("DELETE FROM _positions")
        model.finish(held)
        yield home


def _of(video_id: str, captions_id: str, record: Record) -> Record:
    """The same words, said in another video."""
    body = json.loads(record.value or b"")
    body["captions_id"] = captions_id
    body["video"] |= {"video_id": video_id, "url": f"https://www.youtube.com/watch?v={video_id}"}
    return replace(record, key=video_id.encode(), value=json.dumps(body).encode())


def _asked(file: Path) -> tuple[datetime, dict[str, list[str]]]:
    """The time at which the model's newest video is an hour old, and addresses of each page, common and rare ones."""
    with duckdb.connect(file, read_only=True) as database:
        database.execute("SET TimeZone = 'UTC'")

        def column(query: str) -> list[Any]:
            return [value for (value,) in database.execute(query).fetchall()]

        [newest] = column("SELECT max(published_at) FROM videos")
        symbols = column("SELECT symbol FROM mentions GROUP BY symbol ORDER BY count(*) DESC, symbol")
        channels = column("SELECT DISTINCT channel_id FROM videos WHERE channel_id IS NOT NULL ORDER BY 1")
        videos = column("SELECT video_id FROM videos ORDER BY published_at DESC, video_id LIMIT 1000")
    # From the one that everybody names to one that few do.
    some = symbols[:: max(1, len(symbols) // 20)]
    common = spoken_words()[:100]
    pages = {
        "calls": [
            address(PATHS["calls"]),
            address(PATHS["calls"], window="30d", conviction=0.8),
            address(PATHS["calls"], words=common[40], rejected=1),
            address(PATHS["calls"], number=20, action=("buy", "sell")),
            *(address(PATHS["calls"], symbol=each) for each in some),
            *(address(PATHS["calls"], channel=each, horizon="months") for each in channels[:10]),
        ],
        "video": [address(PATHS["video"], each) for each in videos[::20]],
        "symbol": [address(PATHS["symbol"], each) for each in some],
        "channel": [address(PATHS["channel"], each) for each in channels],
        "consensus": [address(PATHS["consensus"])],
        "search": [address(PATHS["search"], q=" ".join(common[each : each + 2])) for each in range(20)],
        "prompts": [address(PATHS["prompts"])],
        "operations": [address(PATHS["operations"])],
    }
    return newest + timedelta(hours=1), {page.name: pages[page.name] for page in PAGES}


async def _until_seen(reader: Pipe) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not (await ask(reader)).snapshots:  # noqa: ASYNC110  it is another process that sees it
            await asyncio.sleep(0.1)


async def _readers(
    session: ClientSession, pages: Mapping[str, Sequence[str]], size: Size
) -> dict[str, list[float]]:
    """READERS ask by turns for as long as events come, each for every page; milliseconds by page."""
    took: dict[str, list[float]] = {name: [] for name in pages}
    turns = islice(cycle(_by_turns(pages)), int(size.events * size.pause_s * size.a_second))
    begun, one = time.perf_counter(), asyncio.Semaphore(READERS)

    async def ask_for(name: str, each: str, due: float) -> None:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        async with one:
            took[name].append(await _timed(session, each, due))

    await asyncio.gather(
        *(ask_for(*turn, begun + number / size.a_second) for number, turn in enumerate(turns))
    )
    return took


def _by_turns(pages: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Every page as often as every other, through all its addresses."""
    most = max(map(len, pages.values()))
    return [(name, known[number % len(known)]) for number in range(most) for name, known in pages.items()]


async def _more(session: ClientSession, pages: Mapping[str, Sequence[str]], requests: int) -> None:
    """So many requests, as fast as READERS get their answers."""
    turns = islice(cycle(_by_turns(pages)), max(0, requests))

    async def read() -> None:
        for _, each in turns:
            await _timed(session, each, time.perf_counter())

    await asyncio.gather(*(read() for _ in range(READERS)))


async def _timed(session: ClientSession, each: str, due: float) -> float:
    """Milliseconds until a page is there, whole, from when it was due."""
    async with session.get(each) as response:
        await response.read()
        assert response.status == 200, (response.status, each)
    return (time.perf_counter() - due) * 1000


def _resident(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / MEGABYTE


def _result(
    size: Size,
    took: Mapping[str, Sequence[float]],
    alone: freshness.Measured,
    together: freshness.Measured,
    resident: Sequence[float],
) -> Result:
    fresh_ms = {
        f"{who} p{percent} ms": at(measured.waits_ms, percent)
        for who, measured in (("alone", alone), ("with readers", together))
        for percent in (50, 95)
    }
    rows = [["page", "requests", "p50 ms", "p95 ms", "p99 ms"]]
    rows += [[name, f"{len(each):,}", *spread(each)] for name, each in took.items()]
    start, early, half, end = resident
    return Result(
        "The dashboard",
        f"{size.videos:,} videos, the words of {size.transcripts:,} of them, {size.a_second:g} requests a second by up to"
        f" {READERS} readers for {size.events * size.pause_s:g} s while an event comes every {size.pause_s:g} s and the"
        " projector publishes; each from when it was due, and none answered by 304. An event was seen by another process"
        f" after {fresh_ms['alone p50 ms']:,.0f} ms without readers and {fresh_ms['with readers p50 ms']:,.0f} ms with"
        f" them (p50), {fresh_ms['alone p95 ms']:,.0f} and {fresh_ms['with readers p95 ms']:,.0f} ms (p95). The process"
        f" held {start:,.0f} MB once each page was shown, {early:,.0f} MB after {size.early:,} requests,"
        f" {half:,.0f} MB after {size.requests // 2:,} and {end:,.0f} MB after {size.requests:,}.",
        rows,
        {
            **fresh_ms,
            **{f"{name} p50 ms": at(each, 50) for name, each in took.items()},
            **{f"{name} p95 ms": at(each, 95) for name, each in took.items()},
            "sent": alone.sent + together.sent,
            "seen": len(alone.waits_ms) + len(together.waits_ms),
            "went_back": alone.went_back + together.went_back,
            "pages": len(took),
            "early_mb": early,
            "half_mb": half,
            "end_mb": end,
        },
    )

"""The read model made anew from a long log: as 0.1.0 did it, as SQLFlow does, as we do, and what cannot be exceeded."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from streams.log.connection import Connection
from streams.log.topics import ANALYSES, TOPICS, Topic
from tests.benchmarks import rebuild_process
from tests.benchmarks.material import fresh
from tests.benchmarks.processes import process, told
from tests.benchmarks.rebuild_process import Job, Measured
from tests.benchmarks.start_up import unflushed
from tests.benchmarks.table import Result
from tests.benchmarks.videos_log import RECORDS, write

WHOLE = (
    "0.1.0",
    "ours",
    "ours and the words",
    "ours with librdkafka",
    "limit",
    "reading alone, aiokafka",
    "reading alone, librdkafka",
)
ONE_TOPIC = ("0.1.0", "SQLFlow's way", "ours", "limit")

Part = tuple[str, tuple[Topic, ...], Sequence[str]]


@dataclass(frozen=True)
class Size:
    """So many videos, and of each part of the log its name, its topics and the ways to read it."""

    videos: int
    parts: Sequence[Part] = (("all topics", TOPICS, WHOLE), ("`analyses`", (ANALYSES,), ONE_TOPIC))


QUICK = Size(20, [("all topics", TOPICS, ("0.1.0", "ours", "limit", "SQLFlow's way"))])
USUAL = Size(5_000)
FULL = Size(
    100_000,
    [
        ("all topics", TOPICS, ("0.1.0", "ours", "ours and the words", "limit")),
        ("`analyses`", (ANALYSES,), ONE_TOPIC),
    ],
)


async def rebuild(connection: Connection, size: Size, home: Path) -> Result:
    """Each way in a process of its own, one after the other, on the same records."""
    rows = [["", "records/s", "times 0.1.0", "of the limit", "seconds", "CPU s", "peak MB"]]
    numbers: dict[str, float] = {}
    for part, topics, ways in size.parts:
        log = await fresh(connection)
        await unflushed(log)
        await asyncio.to_thread(write, log, size.videos, {topic.name for topic in topics})
        found = {way: await _measure(log, home / f"rebuild-{uuid4().hex[:8]}", way) for way in ways}
        rates = {way: each.records / each.seconds for way, each in found.items()}
        for way, each in found.items():
            rows.append(
                _row(f"{part}: {way}", each, rates[way] / rates["0.1.0"], rates[way] / rates["limit"])
            )
            numbers[f"{part}: {way}: records"] = each.records
            numbers[f"{part}: {way}: times"] = rates[way] / rates["0.1.0"]
    return Result(
        f"Rebuild of {size.videos:,} videos",
        f"{RECORDS} records each, every record a batch of its own, as 0.1.0 wrote them. The limit reads"
        " by librdkafka, parses and appends on two threads, and checks nothing. SQLFlow's way leaves no duplicate out."
        " Ours ends when the model is in place, ours and the words when transcripts and search are, too.",
        rows,
        numbers,
    )


def _row(name: str, each: Measured, times: float, share: float) -> Sequence[str]:
    rate = each.records / each.seconds
    return [name, f"{rate:,.0f}", f"{times:.1f}", f"{share:.0%}", f"{each.seconds:,.1f}", f"{each.cpu_s:,.1f}",
            f"{each.peak_bytes / 2**20:,.0f}"]  # fmt: skip


async def _measure(log: Connection, home: Path, way: str) -> Measured:
    with process(rebuild_process.main, Job(log, home, way)) as measuring:
        measured: Measured = await told(measuring)
    return measured

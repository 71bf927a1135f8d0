"""What somebody waits for who types a verb: the process from its start to its end, on a long log and a large read model."""

import asyncio
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from projections import model
from projections.snapshots import LINK
from streams.events.channels import ChannelFollowed
from streams.events.ledger import ReplayFilter
from streams.events.prompts import PromptRegistered
from streams.log.connection import Connection
from streams.log.follow import ends_of
from streams.log.publish import publisher
from streams.log.topics import CAPTIONS, TOPICS
from streams.replay.wish import Wish
from tests.benchmarks.material import BEGAN, PROMPT, fresh
from tests.benchmarks.start_up import unflushed, write
from tests.benchmarks.table import Result, at
from tests.builders.large_model import large_model
from tests.builders.site import publish_large

CHANNELS = 40
REPLAYING = "`earmark replay status`, a replay of all videos begins"
VERBS = (
    "--version",
    "--help",
    "sql 'SELECT 1'",
    "sql 'FROM mentions LIMIT 1000'",
    "sql --describe mentions",
    "replay compare old now",
    "budget",
    "replay status",
    "channels",
    "status",
)
IMPORTED = (
    ("import duckdb", "import duckdb"),
    ("import duckdb, connect", "import duckdb; duckdb.connect({file!r}, read_only=True)"),
    ("import aiokafka", "import aiokafka"),
)


@dataclass(frozen=True)
class Size:
    """So many finished analyses in the log, as many videos in the read model, and how often each verb is typed."""

    analyses: int
    times: int


QUICK = Size(analyses=100, times=0)
FULL = Size(analyses=100_000, times=11)


async def verbs(connection: Connection, size: Size, home: Path) -> Result:
    """Each verb, after a first time that is not counted: what it keeps for the next one is kept then."""
    own = await fresh(connection)
    await unflushed(own)
    await asyncio.to_thread(write, own, size.analyses)
    await _follow(own)
    ends = {topic.name: await ends_of(own, topic) for topic in TOPICS}
    captions_ends = await asyncio.to_thread(_publish, home, size.analyses, ends)
    environment = os.environ | {
        "EARMARK_KAFKA": own.bootstrap,
        "EARMARK_TOPIC_PREFIX": own.prefix,
        "EARMARK_HOME": str(home),
    }
    table = Table([["typed", "p50 s", "p95 s", "CPU s", "the first time s"]], {})
    earmark = Path(sys.executable).with_name("earmark")

    async def typed(name: str, command: str) -> None:
        await asyncio.to_thread(table.add, name, command, size.times, environment)

    for verb in VERBS:
        await typed(f"`earmark {verb}`", f"{earmark} {verb}")
    await _replay_all(own, captions_ends)
    await typed(REPLAYING, f"{earmark} replay status")
    for name, code in IMPORTED:
        await typed(f"python: {name}", f'{sys.executable} -c "{code.format(file=str(home / LINK))}"')
    return Result(
        "What a verb takes",
        f"{size.analyses:,} finished analyses in the ledger, {CHANNELS} channels followed, and a read model of as many"
        f" videos; each is typed {size.times} times, from the start of the process to its end, its output into a pipe."
        " The first time nothing is kept yet: `budget` folds the ledger then, and leaves a checkpoint for all verbs."
        " The replay has just begun: none of its videos is asked for, so each is looked up by its id.",
        table.rows,
        table.p50_s,
    )


@dataclass(frozen=True)
class Table:
    """What was typed so far, a row each, and the median of each in seconds."""

    rows: list[list[str]]
    p50_s: dict[str, float]

    def add(self, name: str, command: str, times: int, environment: Mapping[str, str]) -> None:
        """Type `command` once, and then as often as is counted."""
        (first, _), *others = taken = [_took(command, environment) for _ in range(1 + times)]
        walls, cpus = zip(*(others or taken), strict=True)
        self.rows.append(
            [
                name,
                *(f"{at(walls, percent):.2f}" for percent in (50, 95)),
                f"{at(cpus, 50):.2f}",
                f"{first:.2f}",
            ]
        )
        self.p50_s[name] = at(walls, 50)


def _took(command: str, environment: Mapping[str, str]) -> tuple[float, float]:
    """Seconds by the clock and of CPU. Raises AssertionError with what was said where it fails; `status` may tell of trouble."""
    began = time.perf_counter()
    process = subprocess.Popen(
        shlex.split(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    )
    assert process.stdout is not None
    with process.stdout:
        said = process.stdout.read()
    _, code, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(code)
    assert process.returncode == 0 or command.endswith(" status"), f"{command}: {said.decode()}"
    return took, used.ru_utime + used.ru_stime


async def _follow(connection: Connection) -> None:
    async with publisher(connection) as log:
        for number in range(CHANNELS):
            await log.append(
                ChannelFollowed(
                    at=BEGAN,
                    channel_id=f"UC{number:022}",
                    handle=f"@channel{number}",
                    title=f"Channel {number}",
                    since=None,
                )
            )


async def _replay_all(connection: Connection, captions_ends: Sequence[int]) -> None:
    """A replay of the whole read model, of which only its start is in the log."""
    wish = Wish(PROMPT, ReplayFilter(), 0, Decimal("0.5"), Decimal(1000), follow=False)
    async with publisher(connection) as log:
        await log.append(PromptRegistered(at=BEGAN, prompt_id=PROMPT.prompt_id, prompt=PROMPT))
        await log.append(wish.start(BEGAN, tuple(captions_ends)))


def _publish(home: Path, videos: int, ends: Mapping[str, Sequence[int]]) -> list[int]:
    """A snapshot of a large read model that says it has read the log up to these ends, and all of its own captions.

    Returns the ends of those.
    """
    file = model.generation_file(home, 1)
    file.parent.mkdir(parents=True)
    large_model(file, videos)
    database = model.open_model(file)
    last = dict(
        database.execute("SELECT log_partition, max(log_offset) FROM captions GROUP BY ALL").fetchall()
    )
    captions_ends = [last.get(partition, -1) + 1 for partition in range(CAPTIONS.partitions)]
    for topic, partitions in {**ends, CAPTIONS.name: captions_ends}.items():
        for partition, end in enumerate(partitions):
            database.execute(
                "INSERT OR REPLACE INTO _positions (topic, log_partition, next_offset, clock, first_offset)"
                " VALUES (?, ?, ?, now(), 0)",
                [topic, partition, end],
            )
    model.finish(database)
    publish_large(home, videos)
    return captions_ends

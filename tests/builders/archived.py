"""A log to be backed up, another one to be restored into, and what both hold, byte for byte."""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner, Result

from streams.archive.backup import Done, backup
from streams.archive.log import Place
from streams.archive.restore import restore
from streams.budget.entries import read_entry
from streams.budget.ledger import Ledger, Verdict
from streams.cli.main import earmark as verbs
from streams.clock import utc_now
from streams.events.event import Event
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.gaps import go_on
from streams.log.publish import publisher
from streams.log.topics import LEDGER, TOPICS


def elsewhere(connection: Connection) -> Connection:
    """A log of which nothing is there yet, not even its topics."""
    return replace(connection, prefix=f"r{uuid.uuid4().hex[:8]}.")


async def append(connection: Connection, events: Sequence[Event]) -> None:
    """Append events, many at a time, as a log has them where several processes write."""
    async with publisher(connection) as log:
        await asyncio.gather(*(log.append(event) for event in events))


async def back_up(connection: Connection, folder: Path) -> Done:
    """A backup that tells nobody."""
    return await backup(connection, folder, utc_now, lambda _: None)


async def bring_back(connection: Connection, folder: Path) -> int:
    """A restore that tells nobody. Returns how many offsets it wrote."""
    return (await restore(connection, folder, 1, lambda _: None)).written


async def records_of(connection: Connection) -> dict[Place, list[Record]]:
    """Every record of the log as it stands there, place, time and headers included."""
    found: dict[Place, list[Record]] = {
        (topic.name, partition): [] for topic in TOPICS for partition in range(topic.partitions)
    }

    def keep(record: Record) -> None:
        headers = tuple(record.headers)
        found[record.topic, record.partition].append(replace(record, headers=headers))

    await read(connection, TOPICS, keep, on_gaps=go_on)
    return found


async def verdicts_of(connection: Connection) -> list[tuple[int, Verdict | None]]:
    """What the ledger's fold says to each of its records."""
    ledger, verdicts = Ledger(), []

    def fold(record: Record) -> None:
        entry = read_entry(record)
        if entry is not None:
            verdicts.append((record.offset, ledger.apply(entry, record.offset, record.timestamp_ms)))

    await read(connection, [LEDGER], fold)
    return verdicts


def environment(connection: Connection, home: Path) -> dict[str, str]:
    """What the verbs need to find the log."""
    return {
        "EARMARK_HOME": str(home),
        "EARMARK_KAFKA": connection.bootstrap,
        "EARMARK_TOPIC_PREFIX": connection.prefix,
    }


async def earmark(connection: Connection, home: Path, *words: str | Path) -> Result:
    """`earmark`, in this process."""
    return await asyncio.to_thread(
        CliRunner().invoke, verbs, [*map(str, words)], env=environment(connection, home)
    )


async def killed(connection: Connection, home: Path, *words: str | Path, where: str, after: int) -> None:
    """`earmark` in a process of its own, killed when it calls `where` (module:class.method) for the `after`-th time."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _KILLED, where, str(after), *map(str, words)),
        env={**os.environ, **environment(connection, home)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        assert await asyncio.wait_for(process.wait(), 120) == -signal.SIGKILL
    finally:
        if process.returncode is None:
            process.kill()


_KILLED = """
import os, signal, sys
from importlib import import_module
from itertools import count

_, where, after, *words = sys.argv
module, _, name = where.partition(":")
owner, _, method = name.rpartition(".")
owner = getattr(import_module(module), owner)
calls, original = count(1), getattr(owner, method)

def fatal(*args, **kwargs):
    if next(calls) == int(after):
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **kwargs)

setattr(owner, method, fatal)
sys.argv[1:] = words
import streams.archive.restore
streams.archive.restore.BATCH_BYTES = 2000
from streams.cli.main import main
main()
"""

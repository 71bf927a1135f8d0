"""How long an activation takes a worker that has just started, and how much memory: `python -m tests.benchmarks.activation`.

The promise: 100,000 videos within 10 minutes and 500 MB. Each video has an analysis under the old prompt and one under
the new, with three mentions of which one is changed, one dropped and one new; the worker folds all of it first.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.events.analyses import AnalysisCompleted
from streams.events.envelope import encode
from streams.events.prompts import PromptActivated
from streams.log import broker
from streams.log.connection import Connection
from streams.log.fold import ends_of
from streams.log.publish import publisher
from streams.log.topics import ANALYSES, MENTION_SIGNALS, OUTLOOK_SIGNALS, PROMPTS, apply
from streams.replay.activate import difference
from tests.contract.histories import completed, mention, moment, video
from tests.contract.publishing import activated, written

ROOT = Path(__file__).parents[2]
LIMIT_S = 1800.0
AT_ONCE = 500
# An answer of about 4 KB, a body of about 6 KB: what the real ones have.
ANSWER = '{"summary": "' + "a word or two about the market and the names in it " * 80 + '"}'
SYMBOLS = {"p1": ("NVDA", "T", "KO"), "p2": ("NVDA", "T", "PEP")}


@dataclass(frozen=True)
class Measured:
    """`dry_run_s` seconds to count, `seconds` from the worker's start to the last signal, its peak resident memory."""

    videos: int
    signals: int
    counted: int
    dry_run_s: float
    seconds: float
    peak_mb: float

    def __str__(self) -> str:
        return (
            f"activation over {self.videos} videos: {self.signals} signals (the dry run counted {self.counted} in"
            f" {self.dry_run_s:.0f} s) in {self.seconds:.0f} s with the worker's start, peak {self.peak_mb:.0f} MB resident"
        )


def analyses(prompt: str, count: int) -> Iterator[AnalysisCompleted]:
    """One analysis a video."""
    for number in range(count):
        of = video(f"v{number:010}", "poll")
        said = [
            mention(
                of.video_id, symbol, start_ms=1000 * n, action="sell" if (prompt, n) == ("p2", 1) else "buy"
            )
            for n, symbol in enumerate(SYMBOLS[prompt])
        ]
        yield completed(prompt, of=of, mentions=said).model_copy(update={"raw_answer": ANSWER})


async def measure(connection: Connection, videos: int, folder: Path) -> Measured:
    """Write the history, count, activate, and watch a worker until everything that was counted is told."""
    await _activate(connection, "p1", None)
    await written(connection, await activated(0, "p1"))
    for prompt in SYMBOLS:
        await _write(connection, prompt, videos)
    started = time.monotonic()
    counted = (await difference(connection, "p2", moment(9))).signals.total()
    dry_run_s = time.monotonic() - started
    await _begin_here(connection)
    await _activate(connection, "p2", 0)
    started = time.monotonic()
    signals, peak = await _worker_until(connection, counted, folder)
    return Measured(videos, signals, counted, dry_run_s, time.monotonic() - started, peak / 2**20)


async def _activate(connection: Connection, prompt: str, previous: int | None) -> None:
    async with publisher(connection) as log:
        await log.append(PromptActivated(at=moment(9), prompt_id=prompt, previous=previous))


async def _write(connection: Connection, prompt: str, videos: int) -> None:
    producer = connection.producer()
    await producer.start()
    try:
        sent = []
        for analysis in analyses(prompt, videos):
            message = encode(analysis)
            sent.append(
                await producer.send(
                    connection.name(ANALYSES), message.value, message.key, headers=list(message.headers)
                )
            )
            if len(sent) == AT_ONCE:
                await asyncio.gather(*sent)
                sent.clear()
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def _begin_here(connection: Connection) -> None:
    """Let the workers' group have handled everything so far: only the activation is measured."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=connection.bootstrap,
        group_id=f"{connection.prefix}worker",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        places = {
            TopicPartition(connection.name(topic), partition): end
            for topic in (ANALYSES, PROMPTS)
            for partition, end in enumerate(await ends_of(connection, topic))
        }
        consumer.assign(list(places))
        await consumer.commit(places)
    finally:
        await consumer.stop()


async def _worker_until(connection: Connection, signals: int, folder: Path) -> tuple[int, int]:
    """Run a worker until so many signals stand in the log; how many there are, and its peak resident bytes."""
    environment = os.environ | {
        "EARMARK_KAFKA": connection.bootstrap,
        "EARMARK_TOPIC_PREFIX": connection.prefix,
        "EARMARK_HOME": str(folder),
    }
    peak, told = 0, 0
    with (folder / "worker.log").open("wb") as log:
        command = [sys.executable, "-m", "streams", "worker"]
        process = await asyncio.create_subprocess_exec(
            *command, stderr=log, stdout=log, env=environment, cwd=ROOT
        )
    try:
        resident = psutil.Process(process.pid)
        async with asyncio.timeout(LIMIT_S):
            while told < signals:
                peak = max(peak, resident.memory_info().rss)
                told = sum(await ends_of(connection, MENTION_SIGNALS)) + sum(
                    await ends_of(connection, OUTLOOK_SIGNALS)
                )
                await asyncio.sleep(0.25)
    finally:
        process.kill()
        await process.wait()
    return told, peak


@click.command()
@click.option("--videos", default=100_000, show_default=True)
def main(videos: int) -> None:
    """On a broker of its own, in a temporary folder."""

    async def run(connection: Connection, folder: Path) -> None:
        admin = connection.admin()
        await admin.start()
        await apply(admin, connection.prefix)
        await admin.close()
        print(await measure(connection, videos, folder))

    with tempfile.TemporaryDirectory() as folder:
        try:
            asyncio.run(run(Connection(broker.start(Path(folder))), Path(folder)))
        finally:
            broker.stop(Path(folder))


if __name__ == "__main__":
    main()

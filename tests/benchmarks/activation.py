"""How long an activation takes a worker that has just started, and how much memory.

The promise: 100,000 videos within 10 minutes and 500 MB. Each video has an analysis under the old prompt and one under
the new, with three mentions of which one is changed, one dropped and one new; the worker folds all of it first.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from streams.events.analyses import AnalysisCompleted
from streams.events.envelope import encode
from streams.events.prompts import PromptActivated
from streams.log.connection import Connection
from streams.log.follow import ends_of
from streams.log.publish import publisher
from streams.log.topics import ANALYSES, MENTION_SIGNALS, OUTLOOK_SIGNALS, PROMPTS
from streams.replay.activate import difference
from tests.benchmarks.material import fresh
from tests.benchmarks.table import Result
from tests.benchmarks.worker import begin_here, worker
from tests.builders.histories import completed, mention, moment, video
from tests.builders.publishing import activated, written

QUICK = 200
FULL = 100_000
LIMIT_S = 1800.0
AT_ONCE = 500
# An answer of about 4 KB, a body of about 6 KB: what the real ones have.
ANSWER = '{"summary": "' + "a word or two about the market and the names in it " * 80 + '"}'
SYMBOLS = {"p1": ("NVDA", "T", "KO"), "p2": ("NVDA", "T", "PEP")}


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


async def activation(connection: Connection, videos: int, home: Path) -> Result:
    """Write the history, count, activate, and watch a worker until everything that was counted is told."""
    own = await fresh(connection)
    await _activate(own, "p1", None)
    await written(own, await activated(0, "p1"))
    for prompt in SYMBOLS:
        await _write(own, prompt, videos)
    started = time.monotonic()
    counted = (await difference(own, "p2", moment(9))).signals.total()
    dry_run_s = time.monotonic() - started
    await begin_here(own, ANALYSES, PROMPTS)
    await _activate(own, "p2", 0)
    started = time.monotonic()
    told, peak_bytes = await _worker_until(own, counted, home)
    seconds, peak_mb = time.monotonic() - started, peak_bytes / 2**20
    return Result(
        "Activation",
        "A prompt is activated under which every video has an analysis; each of them changes one mention, drops one and"
        " adds one. The worker has just started: its start and the fold of all analyses are in the time, and the memory is"
        " all that it ever held.",
        [
            ["videos", "signals", "dry run s", "activation s", "resident MB at most"],
            [f"{videos:,}", f"{told:,}", f"{dry_run_s:.0f}", f"{seconds:.0f}", f"{peak_mb:.0f}"],
        ],
        {"counted": counted, "told": told, "seconds": seconds, "peak_mb": peak_mb},
    )


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


async def _worker_until(connection: Connection, signals: int, home: Path) -> tuple[int, int]:
    """Run a worker until so many signals stand in the log; how many there are, and its peak resident bytes."""
    peak, told = 0, 0
    async with worker(connection, home) as process, asyncio.timeout(LIMIT_S):
        resident = psutil.Process(process.pid)
        while told < signals:
            assert process.returncode is None, (home / "worker.log").read_text()[-2000:]
            peak = max(peak, resident.memory_info().rss)
            told = sum(await ends_of(connection, MENTION_SIGNALS)) + sum(
                await ends_of(connection, OUTLOOK_SIGNALS)
            )
            await asyncio.sleep(0.25)
    return told, peak

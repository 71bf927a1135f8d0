"""All of Earmark under violence: `python -m tests.chaos.whole` runs minutes of it and prints what became of it.

`earmark up` on this machine with a YouTube and a Claude that fail now and then; kill -9 of any of its processes, of the
broker and of `up` itself, the broker hung, the disk full, and an analyst whose clock is off.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from streams.clock import utc_now
from streams.loopback import refusals
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import OVERLOADED, RATE_LIMITED, SERVER_ERROR, Step
from streams.loopback.youtube import LoopbackYoutube, serve
from tests.benchmarks.table import at
from tests.chaos.whole_judge import broken_promises
from tests.chaos.whole_machine import BROKER, CHILDREN, MIN_FREE_BYTES, UP, Machine, small_disk
from tests.pipeline.harbour_notes import EMPTY, HANDLE, answer, video
from tests.pipeline.installation import Installation

COMPANIES = ("rope", "salt", "tar", "kelp", "hemp", "cork")
EVERY_S = (3.0, 6.0)
SHORT_EVERY_S = (1.0, 2.0)
SETTLE_LIMIT_S = 900.0
CALL_TIMEOUT_S = 6
# Of resident memory, in any process of ours: what they hold grows with what they know, not with what happens to them.
MOST_MB = 300
CLOCK_OFF = timedelta(minutes=5)
# It says nothing of the video: all of watch pauses for minutes, and one video tries.
BUSY = refusals.http_error(503)
# Before anything else of Earmark is imported: whoever asks for the time gets this one.
OTHER_CLOCK = f"""
import sys
from datetime import timedelta
if "analyst" in sys.orig_argv:
    import streams.clock
    right = streams.clock.utc_now
    streams.clock.utc_now = lambda: right() + timedelta(seconds={CLOCK_OFF.total_seconds():g})
"""


@dataclass(frozen=True)
class Plan:
    """How many videos; for how many seconds at least somebody is killed every few, everybody in turn.

    `hung_s` and `full_s`: for so long the broker hangs and the disk is full, once; 0: never.
    """

    videos: int
    seconds: float
    seed: int
    hung_s: float = 0.0
    full_s: float = 0.0
    cap_usd: str = "5"


@dataclass
class Claude:
    """Answers as Harbour Notes says, but for one call in six, which fails in one of the ways there are."""

    draw: Random
    calm: bool = False

    def __call__(self, body: Mapping[str, Any]) -> Step:
        if self.calm or self.draw.random() > 1 / 6:
            return answer(body)
        return self.draw.choice(
            [
                RATE_LIMITED,
                OVERLOADED,
                SERVER_ERROR,
                replace(answer(body), delivery="hang"),
                replace(answer(body), delivery="cut_connection"),
                replace(answer(body), delivery="broken_json"),
            ]
        )


@asynccontextmanager
async def world(
    plan: Plan, folder: Path
) -> AsyncIterator[tuple[Machine, LoopbackYoutube, LoopbackClaude, Claude]]:
    """The machine, its YouTube, and its Claude with who answers there."""
    draw = Random(plan.seed)
    old = utc_now() - timedelta(days=3)
    videos = tuple(
        video(f"Harbour{number:04d}", old + timedelta(minutes=number), COMPANIES[number % len(COMPANIES)])
        for number in range(plan.videos)
    )
    voice = Claude(Random(plan.seed + 1))
    clock = folder / "clock"
    clock.mkdir()
    (clock / "sitecustomize.py").write_text(OTHER_CLOCK)
    async with (
        serve(LoopbackYoutube(replace(EMPTY, videos=videos))) as youtube,
        LoopbackClaude({}, improvise=voice, latency_s=0.2) as claude,
    ):
        variables = {
            "EARMARK_YOUTUBE_URL": youtube.origin,
            "EARMARK_YOUTUBE_PER_MINUTE": "600"
            if plan.seconds < 60
            else f"{60 * plan.videos / plan.seconds:.0f}",
            "EARMARK_POLL_INTERVAL": "10s",
            "EARMARK_CAPTIONS_DELAYS": "2s,3s,5s,8s",
            "EARMARK_CALL_TIMEOUT": str(CALL_TIMEOUT_S),
            "EARMARK_DAILY_CAP_USD": plan.cap_usd,
            "EARMARK_BACKFILL_SHARE": "0.9",
            "EARMARK_REPLAY_SHARE": "0.1",
            "EARMARK_DISK_MIN_FREE": str(MIN_FREE_BYTES),
            "ANTHROPIC_BASE_URL": claude.base_url,
            "ANTHROPIC_API_KEY": "a key",
            "PYTHONPATH": str(clock),
        }
        yield Machine(Installation(folder, variables), draw), youtube, claude, voice


async def violence(plan: Plan, machine: Machine, youtube: LoopbackYoutube) -> None:
    """Kill somebody every few seconds; in between, YouTube turns videos away, the broker hangs and the disk fills up."""
    now = asyncio.get_running_loop().time
    until = now() + plan.seconds
    victims = list(CHILDREN) * (2 if plan.seconds else 1) + [BROKER, UP]
    machine.draw.shuffle(victims)
    number = 0
    began = now()
    others = [
        (began + plan.seconds * when, act, lasts_s)
        for when, act, lasts_s in (
            (0.3, machine.fill_disk, plan.full_s),
            (0.55, machine.hang_broker, plan.hung_s),
        )
        if lasts_s
    ]
    while now() < until or number < len(victims):
        while others and now() >= others[0][0]:
            _, act, lasts_s = others.pop(0)
            await act(lasts_s)
        if plan.seconds:  # it pauses watch for minutes
            youtube.refuses = lambda _: BUSY if machine.draw.random() < 1 / 8 else None
        youtube.feed_status = lambda _channel, _now: 500 if machine.draw.random() < 1 / 4 else 200
        await machine.kill(victims[number % len(victims)])
        number += 1
        machine.weigh()
        await asyncio.sleep(machine.draw.uniform(*(EVERY_S if plan.seconds else SHORT_EVERY_S)))
    youtube.refuses = lambda _: None
    youtube.feed_status = 200


async def run(plan: Plan, folder: Path, console: Console) -> list[str]:
    """Play it; every promise that was broken, as a sentence."""
    with ExitStack() as stack:
        if plan.full_s:
            stack.enter_context(small_disk(folder / "home"))
        async with world(plan, folder) as (machine, youtube, claude, voice):
            earmark = machine.earmark
            earmark.printed.touch()
            await machine.start()
            try:
                await earmark.until(lambda: "running: " in earmark.printed.read_text())
                code, said = await earmark.run("follow", HANDLE, "--since", "30d", "--yes")
                if code != 0:
                    return [f"follow: {said}"]
                await violence(plan, machine, youtube)
                voice.calm = True
                await _settled(plan, earmark)
                broken = await broken_promises(earmark, claude, plan.videos)
                if await machine.stop() != 0:
                    broken.append(f"`up` ended badly: {earmark.printed.read_text()[-2000:]}")
                left = [process.info["cmdline"][-2:] for process in earmark.processes()]
                if left:
                    broken.append(f"processes are left: {left}")
                broken += [
                    f"{name} held {held:.0f} MB" for name, held in machine.most_mb.items() if held > MOST_MB
                ]
                _print(machine, console)
                return broken
            finally:
                for process in earmark.processes():
                    with suppress(psutil.NoSuchProcess):
                        process.kill()


async def _settled(plan: Plan, earmark: Installation) -> None:
    query = (
        "SELECT (SELECT count(*) FROM video_status WHERE status = 'analysed'),"
        " (SELECT count(*) FROM signals), (SELECT coalesce(sum(open_usd), 0) FROM daily_costs)"
    )
    try:
        async with asyncio.timeout(SETTLE_LIMIT_S):
            while earmark.rows(query) != [(plan.videos, 2 * plan.videos, 0)]:  # noqa: ASYNC110
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise AssertionError(
            f"not settled: {earmark.rows(query)}: {earmark.rows('FROM video_status')}"
        ) from None


def _print(machine: Machine, console: Console) -> None:
    table = Table("killed", "times", "back after p50", "p95", "max, s", "most memory, MB")
    back = machine.recovered
    for name in (*CHILDREN, BROKER, UP):
        memory = machine.most_mb.get(name)
        table.add_row(
            name,
            str(machine.kills[name]),
            *_spread(back.after_s.get(name, [])),
            "" if memory is None else f"{memory:.0f}",
        )
    table.add_row("all", str(machine.kills.total()), *_spread(back.all_s), "")
    console.print(table)


def _spread(seconds: Sequence[float]) -> list[str]:
    return [f"{at(seconds, percent):.1f}" for percent in (50, 95, 100)] if seconds else ["", "", ""]


def main() -> None:
    """The long run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=80)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--hung", type=float, default=90)
    parser.add_argument("--full", type=float, default=30)
    given = parser.parse_args()
    plan = Plan(given.videos, given.seconds, given.seed, given.hung, given.full)
    with tempfile.TemporaryDirectory() as folder:
        broken = asyncio.run(run(plan, Path(folder), Console(width=100)))
    for sentence in broken:
        print("BROKEN", sentence)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()

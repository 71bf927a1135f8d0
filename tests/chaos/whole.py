"""All of Earmark under violence: `python -m tests.chaos.whole` runs minutes of it and prints what became of it.

`earmark up` on this machine with a YouTube and a Claude that fail now and then; kill -9 of any of its processes, of the
broker and of `up` itself, the broker hung, the disk full, and an analyst whose clock is off.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from streams.broker import local
from streams.bulletin import board_of, boards
from streams.clock import utc_now
from streams.loopback import refusals
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import OVERLOADED, RATE_LIMITED, SERVER_ERROR, Step
from streams.loopback.youtube import LoopbackYoutube, serve
from tests.chaos.whole_judge import broken_promises
from tests.pipeline.harbour_notes import EMPTY, HANDLE, answer, video
from tests.pipeline.installation import Installation

COMPANIES = ("rope", "salt", "tar", "kelp", "hemp", "cork")
CHILDREN = ("projector", "worker", "analyst", "watch")
BROKER, UP = "broker", "up"
EVERY_S = (3.0, 6.0)
SHORT_EVERY_S = (1.0, 2.0)
LOOK_S = 0.05
BACK_LIMIT_S = 180.0
SETTLE_LIMIT_S = 900.0
CALL_TIMEOUT_S = 6
DISK_BYTES = 900_000_000
MIN_FREE_BYTES = 150_000_000
LEFT_BYTES = 100_000_000
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
class Recovered:
    """Seconds from each kill until the victim worked again, by victim; victims that were not back at the next kill."""

    after_s: dict[str, list[float]] = field(default_factory=dict)

    def add(self, victim: str, seconds: float) -> None:
        self.after_s.setdefault(victim, []).append(seconds)

    @property
    def all_s(self) -> list[float]:
        return sorted(second for seconds in self.after_s.values() for second in seconds)


def share_of(values: list[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    return values[min(int(share * len(values)), len(values) - 1)] if values else 0.0


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


@dataclass
class Machine:
    """`earmark up` in a folder, which is started again when it is killed."""

    earmark: Installation
    draw: Random
    recovered: Recovered = field(default_factory=Recovered)
    kills: Counter[str] = field(default_factory=Counter)
    most_mb: dict[str, float] = field(default_factory=dict)
    up: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.earmark.printed.open("a") as output:
            self.up = await self.earmark.start(
                "up", stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
            )

    async def stop(self) -> int:
        assert self.up is not None
        self.up.terminate()
        async with asyncio.timeout(BACK_LIMIT_S):
            return await self.up.wait()

    async def kill(self, victim: str) -> None:
        """Kill -9, and wait until it works again."""
        process = self._find(victim)
        if process is None:
            return
        began, pid = asyncio.get_running_loop().time(), process.pid
        children: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            children = process.children(recursive=True)
            process.kill()
        self.kills[victim] += 1
        if victim == UP:
            assert self.up is not None
            await self.up.wait()
            await self.start()
        try:
            async with asyncio.timeout(BACK_LIMIT_S):
                while not self._works(victim, pid):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_S)
                while any(child.is_running() for child in children):  # noqa: ASYNC110  a yt-dlp, or all of `up`'s
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            left = [child.cmdline()[-2:] for child in children if child.is_running()]
            shown = "\n".join(map(str, boards(self.earmark.home)))
            printed = self.earmark.printed.read_text()[-3000:]
            raise AssertionError(f"{victim} is not back; left of it: {left}\n{shown}\n{printed}") from None
        self.recovered.add(victim, asyncio.get_running_loop().time() - began)

    def _find(self, victim: str) -> psutil.Process | None:
        if victim == UP:
            return None if self.up is None or self.up.returncode is not None else psutil.Process(self.up.pid)
        if victim == BROKER:
            pid = local.status(self.earmark.home).pid
            return None if pid is None else psutil.Process(pid)
        return self.earmark.child(victim)

    def _works(self, victim: str, before: int) -> bool:
        if victim == BROKER:
            pid = local.status(self.earmark.home).pid
            return pid not in {None, before} and self._ready(CHILDREN)
        if victim == UP:
            own = board_of(self.earmark.home, UP)
            return own is not None and own.pid not in {None, before} and own.ready and self._ready(CHILDREN)
        found = self.earmark.child(victim)
        return found is not None and found.pid != before and self._ready([victim])

    def _ready(self, names: Any) -> bool:
        shown = {board.process.removesuffix("-w0"): board for board in boards(self.earmark.home)}
        for name in names:
            child, board = self.earmark.child(name), shown.get(name)
            if child is None or board is None or board.pid != child.pid or not board.ready:
                return False
            if any(trouble.kind == "kafka-away" for trouble in board.troubles):
                return False
        return True

    def weigh(self) -> None:
        """Keep the most memory that each process was seen with."""
        for name in CHILDREN:
            found = self.earmark.child(name)
            with suppress(psutil.NoSuchProcess):
                if found is not None:
                    held = found.memory_info().rss / 1e6
                    self.most_mb[name] = max(held, self.most_mb.get(name, 0))

    async def hang_broker(self, seconds: float) -> None:
        process = self._find(BROKER)
        if process is None:
            return
        process.suspend()
        await asyncio.sleep(seconds)
        with suppress(psutil.NoSuchProcess):
            process.resume()

    async def fill_disk(self, seconds: float) -> None:
        ballast = self.earmark.home / "ballast"
        free = os.statvfs(self.earmark.home)
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(free.f_bavail * free.f_frsize - LEFT_BYTES, 1))
        await asyncio.sleep(seconds)
        ballast.unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of its own for `folder`, in memory. Only root may make one."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


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
    others = [
        (plan.seconds * 0.3, machine.fill_disk(plan.full_s) if plan.full_s else None),
        (plan.seconds * 0.55, machine.hang_broker(plan.hung_s) if plan.hung_s else None),
    ]
    began = now()
    while now() < until or number < len(victims):
        for at, act in list(others):
            if now() - began >= at:
                others.remove((at, act))
                if act is not None:
                    await act
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
    for name in (*CHILDREN, BROKER, UP):
        seconds = sorted(machine.recovered.after_s.get(name, []))
        memory = machine.most_mb.get(name)
        table.add_row(
            name,
            str(machine.kills[name]),
            *(
                f"{value:.1f}"
                for value in (median(seconds or [0]), share_of(seconds, 0.95), max(seconds or [0]))
            ),
            "" if memory is None else f"{memory:.0f}",
        )
    console.print(table)
    every = machine.recovered.all_s
    console.print(
        f"all: p50 {median(every or [0]):.1f} s, p95 {share_of(every, 0.95):.1f} s, max {max(every or [0]):.1f} s"
    )


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

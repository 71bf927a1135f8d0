"""`earmark up` as a thing to be hurt: killed, hung, on a disk that fills up, and watched until it works again."""

import asyncio
import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil

from streams.broker import local
from streams.bulletin import board_of, boards
from tests.pipeline.installation import Installation

CHILDREN = ("projector", "worker", "analyst", "watch")
BROKER, UP = "broker", "up"
LOOK_S = 0.05
BACK_LIMIT_S = 180.0
DISK_BYTES = 900_000_000
MIN_FREE_BYTES = 150_000_000
LEFT_BYTES = 100_000_000


@dataclass
class Recovered:
    """Seconds from each kill until the victim worked again, by victim; victims that were not back at the next kill."""

    after_s: dict[str, list[float]] = field(default_factory=dict)

    def add(self, victim: str, seconds: float) -> None:
        self.after_s.setdefault(victim, []).append(seconds)

    @property
    def all_s(self) -> list[float]:
        return sorted(second for seconds in self.after_s.values() for second in seconds)


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
        # The next `up` takes the broker over, if it comes before that is told to stop.
        broker = local.status(self.earmark.home).pid
        with suppress(psutil.NoSuchProcess):
            children = [child for child in process.children(recursive=True) if child.pid != broker]
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

    def _ready(self, names: Iterable[str]) -> bool:
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
        """Leave the disk with less than the least, for a time."""
        with ballast(self.earmark.home):
            await asyncio.sleep(seconds)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of its own for `folder`, in memory. Only root may make one."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def ballast(home: Path) -> Iterator[None]:
    """A file that leaves the disk of `home` LEFT_BYTES, for as long as the block lasts."""
    file = home / "ballast"
    free = os.statvfs(home)
    with file.open("wb") as sink:
        os.posix_fallocate(sink.fileno(), 0, max(free.f_bavail * free.f_frsize - LEFT_BYTES, 1))
    yield
    file.unlink()

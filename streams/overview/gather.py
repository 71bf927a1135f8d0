"""Where an overview comes from: boards, the newest snapshot, the disk, and the log's ends. Cheap enough for every second."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import psutil

from projections.overview import Picture, picture, version_of
from streams.budget.limits import Limits
from streams.bulletin import Board, boards
from streams.clock import Clock
from streams.discovery.watch_state import read_state
from streams.errors import EarmarkError
from streams.log.connection import Connection
from streams.overview.build import Gathered, Usage, overview
from streams.overview.ends import ANSWER_LIMIT_S, Ends
from streams.overview.model import Overview

EVENTS = 5
MEASURE_EVERY_S = 30.0
ASK_SHARE = 10
"""The read model is asked a tenth of the time at most, however large it is."""


class Gatherer:
    """Looks again and again. What has not changed is not asked for again."""

    def __init__(
        self,
        home: Path,
        limits: Limits,
        min_free: int,
        connect: Callable[[], Connection],
        now: Clock,
    ) -> None:
        self._home = home
        self._limits = limits
        self._min_free = min_free
        self._now = now
        self._ends = Ends(connect, now)
        self._picture: Picture | None = None
        self._problem: str | None = None
        self._shown: tuple[tuple[str, int] | None, datetime] | None = None
        self._ask_again = 0.0
        self._usage: Usage | None = None
        self._measure_again = 0.0

    async def look(self, kafka_wait_s: float = ANSWER_LIMIT_S + 1) -> Overview:
        """The overview now. Where Kafka takes longer than `kafka_wait_s`, its last answer stands."""
        log, _ = await asyncio.gather(self._ends.look(kafka_wait_s), asyncio.to_thread(self._read_files))
        found = boards(self._home)
        gathered = Gathered(
            boards=found,
            present={board.process for board in found if _is_there(board)},
            watch=read_state(self._home),
            picture=self._picture,
            problem=self._problem,
            log=log,
            usage=self._usage,
            min_free=self._min_free,
        )
        return overview(gathered, self._limits, self._now())

    async def close(self) -> None:
        """Leave the log."""
        await self._ends.close()

    def _read_files(self) -> None:
        now = time.monotonic()
        if now >= self._measure_again:
            self._usage, self._measure_again = usage(self._home), now + MEASURE_EVERY_S
        at = self._now()
        # What falls due does so without a new snapshot.
        wanted = (version_of(self._home), at.replace(second=0, microsecond=0))
        if wanted != self._shown and now >= self._ask_again:
            self._ask(at)
            self._shown = wanted
            self._ask_again = now + ASK_SHARE * (time.monotonic() - now)

    def _ask(self, at: datetime) -> None:
        try:
            self._picture, self._problem = picture(self._home, at, EVENTS), None
        except EarmarkError as error:
            self._picture, self._problem = None, str(error)


@asynccontextmanager
async def gathering(
    home: Path, limits: Limits, min_free: int, connect: Callable[[], Connection], now: Clock
) -> AsyncIterator[Gatherer]:
    """A gatherer for as long as the block lasts. `connect` raises EarmarkError where there is no broker."""
    gatherer = Gatherer(home, limits, min_free, connect, now)
    try:
        yield gatherer
    finally:
        await gatherer.close()


def _is_there(board: Board) -> bool:
    """Whether the process is there: its number may be another's by now, who began later than it showed itself last."""
    try:
        process = psutil.Process(board.pid)
        began = process.create_time()
        return bool(process.status() != psutil.STATUS_ZOMBIE) and began <= board.at.timestamp()
    except psutil.Error:
        return False


def usage(home: Path) -> Usage | None:
    """What the disk of `home` has and what `home` takes of it; None where it cannot be measured."""
    try:
        disk = shutil.disk_usage(home)
    except OSError:
        return None
    kafka = _taken(_files(home / "kafka"))
    rest = _taken(path for path in _files(home) if home / "kafka" not in path.parents)
    return Usage(free=disk.free, total=disk.total, used=kafka + rest, kafka=kafka)


def _files(folder: Path) -> Iterable[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def _taken(files: Iterable[Path]) -> int:
    taken = 0
    for file in files:
        try:
            # Blocks, not lengths: Kafka makes its indexes longer than they are.
            taken += file.lstat().st_blocks * 512
        except OSError:  # it is gone by now
            continue
    return taken

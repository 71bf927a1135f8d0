"""The processes of one machine as children of this one: started, started again when they end, stopped in good order."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from streams.app.child import Child
from streams.app.log_file import LogFile
from streams.broker.keeper import NAME as BROKER
from streams.bulletin import Board, Trouble, board_of, news, show, together
from streams.clock import Clock
from streams.errors import EarmarkError
from streams.settings import Settings

GRACE_S = 30.0
BROKER_GRACE_S = 60.0
BROKER_START_S = 150.0
PATIENCE_S = 2.0
# A terminal and a wrapper round this process may both hand on the same Ctrl-C.
TWICE_S = 1.0
BACKOFF_S = (0.0, 1.0, 2.0, 5.0, 15.0, 30.0)
"""The wait before a start, by how many lives before it ended without any work done."""
LOOK_EVERY_S = 0.25
NEEDS_PERSON_AFTER = 3

Say = Callable[[str], None]
"""Shows a person one line."""


@dataclass(frozen=True)
class Part:
    """A process to be kept running: its name, the verb that is it, whose board it puts up, and how long a stop may take."""

    name: str
    verb: tuple[str, ...]
    board: str
    grace_s: float = GRACE_S


def parts_of(settings: Settings) -> tuple[Part, ...]:
    """The processes of `earmark up` besides the broker."""
    return (
        Part("projector", ("projector",), "projector"),
        Part("worker", ("worker",), f"worker-{settings.worker_slot}"),
        # The analyst's calls are paid for, so they are finished.
        Part("analyst", ("analyst",), "analyst", settings.call_timeout + GRACE_S),
        Part("watch", ("watch",), "watch"),
    )


@dataclass
class _Life:
    """What is known of a part: its process, whether that has done any work, and how many before it did none."""

    child: Child | None = None
    worked: bool = False
    failures: int = 0
    trouble: Trouble | None = None


@dataclass
class Supervisor:
    """Keeps parts running. `say` takes what a person has to see; `environment` is what children have besides."""

    home: Path
    say: Say
    now: Clock
    environment: Mapping[str, str] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    """What keeps Earmark from its work now, whoever of its processes says so."""
    _lives: dict[str, _Life] = field(default_factory=dict)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _may_hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _hurrying: asyncio.Event = field(default_factory=asyncio.Event)
    _began: datetime | None = None

    def signalled(self) -> None:
        """Stop; at the second signal hurry."""
        if not self._stopping.is_set():
            asyncio.get_running_loop().call_later(TWICE_S, self._may_hurry.set)
            self._stopping.set()
        elif self._may_hurry.is_set():
            self._hurrying.set()

    @property
    def is_stopping(self) -> bool:
        """Whether a signal has come."""
        return self._stopping.is_set()

    async def keep_running(self, part: Part, again: Sequence[str] = ()) -> None:
        """Start a process, and again when it ends by itself, later each time that it ends without any work done.

        `again`: what its command has besides from the second start on. Returns once it has stopped.
        """
        life = self._lives.setdefault(part.name, _Life())
        verb = part.verb
        while not self.is_stopping:
            life.worked = False
            await self._live(part, life, verb)
            verb = (*part.verb, *again)
            if self.is_stopping:
                return
            life.failures = 0 if life.worked else life.failures + 1
            wait_s = BACKOFF_S[min(life.failures, len(BACKOFF_S) - 1)]
            life.trouble = self._ended(part, life, wait_s)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait_s)

    def _ended(self, part: Part, life: _Life, wait_s: float) -> Trouble:
        since = self.now() if life.trouble is None else life.trouble.since
        words = "" if life.child is None else life.child.words
        again = "at once" if wait_s == 0 else f"in {wait_s:g} s, and again until it stays"
        return Trouble(
            "process-ends",
            since,
            f"{part.name} ended: {words}",
            f"it starts again {again}",
            subject=part.name,
            needs_person=life.failures >= NEEDS_PERSON_AFTER,
        )

    async def _live(self, part: Part, life: _Life, verb: Sequence[str]) -> None:
        with LogFile(self.home / "logs" / f"{part.name}.log") as log:
            child = life.child = await Child.start(verb, log.write, self.environment)
            try:
                await _first(child.ended, self._stopping)
                if not child.ended.done():
                    await self._stop(part, child)
            finally:
                child.kill()
                await child.ended

    async def _stop(self, part: Part, child: Child) -> None:
        child.terminate()
        if part.name == "analyst" and not await _first(child.ended, self._hurrying, PATIENCE_S):
            self.say(
                f"finishing calls that are paid for, {part.grace_s:g} s at most; Ctrl-C again drops them"
            )
        await _first(child.ended, self._hurrying, part.grace_s)
        if not child.ended.done():
            self.say(f"{part.name} was killed before it had stopped")

    async def tell(self) -> None:
        """Say what begins and what is over, until cancelled."""
        self._began = self.now()
        while True:
            self._look()
            await asyncio.sleep(LOOK_EVERY_S)

    def _look(self) -> None:
        boards = []
        for name, life in self._lives.items():
            board = None if life.child is None else board_of(self.home, self._board_name(name))
            if board is None or life.child is None or board.pid != life.child.pid:
                continue
            if life.child.ended.done():
                continue
            boards.append(board)
            if board.ready:
                life.worked = True
                life.trouble = self._hangs(name, board)
        own = Board(
            "up",
            os.getpid(),
            self._began or self.now(),
            self.now(),
            ready=all(life.worked for life in self._lives.values()),
            troubles=tuple(life.trouble for life in self._lives.values() if life.trouble is not None),
        )
        with suppress(OSError):
            show(self.home, own)
        found = together([own, *boards])
        begun, over = news(self.troubles, found)
        if not self.is_stopping:
            for trouble in begun:
                self.say(f"TROUBLE {trouble.sentence(self.now())}")
            for trouble in over:
                self.say(f"over: {_end_of(trouble, self.now())}")
        self.troubles = found

    def _hangs(self, name: str, board: Board) -> Trouble | None:
        if not board.is_stale(self.now()):
            return None
        what = f"{name} (process {board.pid}) is there and does nothing"
        fix = f"see logs/{name}.log; `kill -9 {board.pid}` starts it again"
        return Trouble("process-hangs", board.at, what, fix, subject=name, needs_person=True)

    def _board_name(self, name: str) -> str:
        return self._boards.get(name, name)

    _boards: dict[str, str] = field(default_factory=dict)

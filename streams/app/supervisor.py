"""The processes of one machine as children of this one: started, started again when they end, stopped in good order."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from streams.app.child import Child
from streams.app.log_file import LogFile
from streams.bulletin import Board, Trouble, board_of, news, show, together
from streams.clock import Clock

GRACE_S = 30.0
PATIENCE_S = 2.0
# A terminal and a wrapper round this process may both hand on the same Ctrl-C.
TWICE_S = 1.0
BACKOFF_S = (0.0, 1.0, 2.0, 5.0, 15.0, 30.0)
"""The wait before a start, by how many lives in a row ended without any work done."""
WORKED = timedelta(seconds=5)
"""How long a process must have been ready for its life to count."""
STEADY = timedelta(seconds=20)
"""How long it must be, to be out of trouble, once it ended again and again."""
LOOK_EVERY_S = 0.25
BOARD_EVERY = timedelta(seconds=1)
NEEDS_PERSON_AFTER = 3

Say = Callable[[str], None]
"""Shows a person one line."""


@dataclass(frozen=True)
class Part:
    """A process to be kept running: its name, the verb that it is, the name on its board, and how long a stop may take.

    `again`: what its verb has besides from the second start on. `pays`: what it has begun is paid for. `environment`:
    what it has besides this process's. `says`: what a person is told once it is ready.
    """

    name: str
    verb: tuple[str, ...]
    board: str
    grace_s: float = GRACE_S
    again: tuple[str, ...] = ()
    pays: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    says: str = ""


@dataclass
class Life:
    """What is known of a part: its last process, what that showed, and how many in a row did no work."""

    part: Part
    child: Child | None = None
    board: Board | None = None
    ready_since: datetime | None = None
    failures: int = 0
    trouble: Trouble | None = None
    is_down: bool = True
    has_said: bool = False

    @property
    def boards(self) -> list[Board]:
        """What its process showed last, while that still says why Earmark does not work."""
        return [self.board] if self.board is not None and (not self.is_down or self.halts) else []

    @property
    def halts(self) -> bool:
        """Whether its last process showed why it ends by itself until a person does something."""
        return self.board is not None and any(found.kind == "claude-refuses" for found in self.board.troubles)

    def begins(self, child: Child) -> None:
        """Another process of it was started."""
        self.child, self.ready_since, self.is_down = child, None, False

    def shows(self, board: Board | None, now: datetime) -> None:
        """Take what its process shows at `now`; None: nothing yet."""
        # What the last process put up stays when it has ended.
        if self.is_down or self.child is None or board is None or board.pid != self.child.pid:
            return
        self.board = board
        if not board.ready:
            return
        self.ready_since = self.ready_since or now
        if board.is_stale(now):
            name = self.part.name
            self.trouble = Trouble(
                "process-hangs",
                board.at,
                f"{name} (process {board.pid}) is there and does nothing",
                f"it ends by itself after two minutes of that, and starts again; `kill -9 {board.pid}` does it now",
                subject=name,
                needs_person=True,
            )
        elif self.failures <= 1 or now >= self.ready_since + STEADY:
            self.trouble = None

    def ends(self, words: str, now: datetime) -> float:
        """Its process has ended. After how many seconds the next one starts."""
        self.is_down = True
        worked = self.ready_since is not None and now >= self.ready_since + WORKED and not self.halts
        self.failures = 0 if worked else self.failures + 1
        wait_s = BACKOFF_S[min(self.failures, len(BACKOFF_S) - 1)]
        if self.halts:
            self.trouble = None
            return wait_s
        again = "at once" if wait_s == 0 else f"in {wait_s:g} s, and again until it stays"
        ended = self.trouble is not None and self.trouble.kind == "process-ends"
        since = self.trouble.since if self.trouble is not None and ended else now
        self.trouble = Trouble(
            "process-ends",
            since,
            f"{self.part.name} ended: {words}",
            f"it starts again {again}",
            subject=self.part.name,
            needs_person=self.failures >= NEEDS_PERSON_AFTER,
        )
        return wait_s


@dataclass
class Supervisor:
    """Keeps parts of `home` running. `say` takes what a person has to see."""

    home: Path
    say: Say
    now: Clock
    lives: dict[str, Life] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    """What keeps Earmark from its work now, whichever of its processes says so."""
    is_starting: bool = False
    """Whether what goes wrong is an error of whoever starts everything, and nothing is said of it here."""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _may_hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _hurrying: asyncio.Event = field(default_factory=asyncio.Event)
    _shown: Board | None = None

    def signalled(self) -> None:
        """Stop; at the second signal hurry."""
        if not self._stopping.is_set():
            self.stop()
        elif self._may_hurry.is_set():
            self._hurrying.set()

    def stop(self) -> None:
        """Let every part end, in good order."""
        asyncio.get_running_loop().call_later(TWICE_S, self._may_hurry.set)
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        """Whether a signal has come."""
        return self._stopping.is_set()

    async def keep_running(self, part: Part, until: asyncio.Event | None = None) -> None:
        """Start a process, and again when it ends by itself, later each time that it ends without any work done.

        Returns once it has stopped: after the signal, or after `until`.
        """
        until = until or self._stopping
        life = self.lives[part.name] = Life(part)
        verb = part.verb
        while not until.is_set():
            words = await self._live(life, verb, until)
            if until.is_set():
                return
            # What it put up as it ended says why.
            life.shows(board_of(self.home, part.board), self.now())
            verb = (*part.verb, *life.part.again)
            with suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), life.ends(words, self.now()))

    async def _live(self, life: Life, verb: Sequence[str], until: asyncio.Event) -> str:
        """One life of a process; its last words."""
        log = LogFile(self.home / "logs" / f"{life.part.name}.log")
        child = await Child.start(verb, log.write, life.part.environment)
        life.begins(child)
        try:
            await _first(child.ended, until)
            if not child.ended.done():
                await self._stop(life.part, child)
        finally:
            child.kill()
            await child.ended
        return child.words

    async def _stop(self, part: Part, child: Child) -> None:
        child.terminate()
        if part.pays and not await _first(child.ended, self._hurrying, PATIENCE_S):
            self.say(
                f"finishing calls that are paid for, {part.grace_s:g} s at most; Ctrl-C again drops them"
            )
        await _first(child.ended, self._hurrying, part.grace_s)
        if not child.ended.done():
            self.say(f"{part.name} was killed before it had stopped")

    async def tell(self) -> None:
        """Look at every board again and again, and say what begins and what is over, until cancelled."""
        began = self.now()
        while True:
            self._look(began)
            await asyncio.sleep(LOOK_EVERY_S)

    def _look(self, began: datetime) -> None:
        now = self.now()
        for life in self.lives.values():
            life.shows(board_of(self.home, life.part.board), now)
            if life.part.says and life.ready_since is not None and not life.has_said:
                life.has_said = True
                self.say(life.part.says)
        own = Board(
            "up",
            os.getpid(),
            began,
            now,
            ready=all(life.ready_since is not None for life in self.lives.values()),
            troubles=tuple(life.trouble for life in self.lives.values() if life.trouble is not None),
        )
        shown = self._shown
        if shown is None or now >= shown.at + BOARD_EVERY or replace(own, at=shown.at) != shown:
            self._shown = own
            show(self.home, own)
        found = together([own, *(board for life in self.lives.values() for board in life.boards)])
        if self.is_starting or self.is_stopping:
            return
        begun, over = news(self.troubles, found)
        self.troubles = found
        for trouble in begun:
            self.say(f"TROUBLE {trouble.sentence(now)}")
        for trouble in over:
            self.say(f"over, after {_lasted(now - trouble.since)}: {trouble.what}")


def _lasted(time: timedelta) -> str:
    seconds = max(time.total_seconds(), 0.0)  # another process's clock may be ahead
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


async def _first(ended: asyncio.Task[int], event: asyncio.Event, limit_s: float | None = None) -> bool:
    """Wait for an end or an event, whichever comes first; whether one came within `limit_s` seconds."""
    came = asyncio.create_task(event.wait())
    done, _ = await asyncio.wait({ended, came}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    came.cancel()
    return bool(done)

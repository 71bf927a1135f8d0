"""What a process is doing, for other processes of the same EARMARK_HOME to show. Nothing depends on it."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")
FOLDER = "state"
STALE = timedelta(seconds=30)

_OfClaude = Literal[
    "claude-away",
    "claude-paused",
    "claude-refuses",
    "prompt-fails",
    "ledger-alarm",
    "cap-used-up",
    "share-used-up",
]
_OfYoutube = Literal["youtube-refuses", "youtube-away", "ytdlp-fails"]
Kind = Literal[
    _OfClaude, _OfYoutube, "kafka-away", "disk-full", "tables-change", "process-ends", "process-hangs"
]
"""What can keep Earmark from its work; the names are those of the metric `earmark_trouble`."""
OF_CLAUDE: frozenset[Kind] = frozenset(get_args(_OfClaude))
"""What keeps Claude from being asked."""
OF_YOUTUBE: frozenset[Kind] = frozenset(get_args(_OfYoutube))
"""What keeps YouTube from being asked."""


@dataclass(frozen=True)
class Trouble:
    """What keeps a process from its work since `since`.

    `what` and `fix` are a sentence each, without a full stop; an empty `fix`: nothing is to be done. `until`: when it is
    over or tried again, null: nobody knows. `subject`: of what, where several of a kind may stand at a time.
    `needs_person`: it does not end by itself.
    """

    kind: Kind
    since: datetime
    what: str
    fix: str = ""
    until: datetime | None = None
    subject: str = ""
    needs_person: bool = False

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it the same trouble, whoever says it and however it changes."""
        return self.kind, self.subject

    def sentence(self, now: datetime) -> str:
        """What, since when, until when, and what to do, in one line."""
        until = "" if self.until is None else f", until {moment(self.until, now)}"
        fix = f" → {self.fix}" if self.fix else ""
        return f"{self.what} (since {moment(self.since, now)}{until}){fix}"


Positions = Mapping[str, Mapping[str, Mapping[int, int]]]
"""Who reads → topic without prefix → partition → the offset of the next record."""


@dataclass(frozen=True)
class Board:
    """What a process shows of itself at `at`.

    `ready`: it has caught up with what its work needs. `positions`: how far each of its readers has come.
    `in_flight`: calls to Claude, or captions on their way.
    """

    process: str
    pid: int
    began: datetime
    at: datetime
    ready: bool = False
    troubles: tuple[Trouble, ...] = ()
    positions: Positions = field(default_factory=dict)
    in_flight: int = 0

    def is_stale(self, now: datetime) -> bool:
        """Whether the process writes no more: it has ended, or hangs."""
        return now > self.at + STALE


def news(before: Iterable[Trouble], now: Iterable[Trouble]) -> tuple[list[Trouble], list[Trouble]]:
    """Which troubles have begun, and which are over."""
    known = {trouble.identity: trouble for trouble in before}
    present = {trouble.identity: trouble for trouble in now}
    begun = [trouble for identity, trouble in present.items() if identity not in known]
    over = [trouble for identity, trouble in known.items() if identity not in present]
    return begun, over


def together(boards: Iterable[Board]) -> list[Trouble]:
    """The troubles of several processes, each once, as the first to have it says it, the oldest first."""
    found: dict[tuple[str, str], Trouble] = {}
    for trouble in sorted((each for board in boards for each in board.troubles), key=lambda each: each.since):
        found.setdefault(trouble.identity, trouble)
    return list(found.values())


_BOARD = TypeAdapter(Board)


def show(home: Path, board: Board) -> None:
    """Put a board up in `home`; not on a full disk, which keeps nobody from work."""
    with suppress(OSError):
        put_up(home / FOLDER / f"{board.process}.json", _BOARD, board)


def boards(home: Path) -> Sequence[Board]:
    """Every board in `home`, in the order of their names; also of processes that have ended."""
    found = (read(path, _BOARD) for path in sorted((home / FOLDER).glob("*.json")))
    return [board for board in found if board is not None]


def board_of(home: Path, process: str) -> Board | None:
    """What a process last put up, or None."""
    return read(home / FOLDER / f"{process}.json", _BOARD)


def put_up(path: Path, form: TypeAdapter[T], value: T) -> None:
    """Write it, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}")
    new.write_bytes(form.dump_json(value))
    new.replace(path)


def read(path: Path, form: TypeAdapter[T]) -> T | None:
    """What was last written, or None where there is nothing that can be read."""
    try:
        return form.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def moment(at: datetime, now: datetime) -> str:
    """A time for people, in UTC: with its day where that is not today's."""
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"

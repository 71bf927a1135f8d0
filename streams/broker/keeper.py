"""The local broker in the foreground: started, watched, and stopped with whoever asked for it, also after kill -9."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

from streams.broker import local
from streams.broker.place import lives
from streams.bulletin import Board, show
from streams.clock import Clock
from streams.errors import EarmarkError
from streams.parent import PARENT

NAME = "broker"
LOOK_EVERY_S = 0.2
BOARD_EVERY_S = 1.0
LOG_LIMIT_BYTES = 20_000_000
SIBLINGS_LIMIT_S = 300.0
LAST_LINES = 5


def keep(home: Path, parent: int | None, port: int | None, now: Clock, serves: Callable[[str], None]) -> None:
    """Run the broker of `home` until SIGTERM, SIGINT or the end of process `parent`; then stop it.

    One that runs already is taken over; one that a person started is left running at the end. `serves` is called with
    the bootstrap servers. `port`: the one that its clients know. Raises EarmarkError where the broker ends by itself, or does not start.
    """
    stopping = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    began = now()
    address = local.start(home, kept=True, port=port)
    with suppress(OSError):  # whoever asked may be gone
        serves(address)
    status = local.status(home)
    shown = float("-inf")
    while not stopping and (parent is None or os.getppid() == parent):
        if status.pid is None or not lives(status.pid):
            raise EarmarkError(_end(home, status))
        if time.monotonic() - shown >= BOARD_EVERY_S:
            shown = time.monotonic()
            show(home, Board(NAME, os.getpid(), began, now(), ready=True))
            _bound(status.log)
        time.sleep(LOOK_EVERY_S)
    if parent is not None and not stopping:
        _wait_for_siblings(parent)
    if status.kept:
        local.stop(home)


def _wait_for_siblings(parent: int) -> None:
    """Wait until the others that `parent` had started have ended: what they have paid for goes into the log."""
    deadline = time.monotonic() + SIBLINGS_LIMIT_S
    while time.monotonic() < deadline and any(pid != os.getpid() for pid in _children_of(parent)):
        time.sleep(LOOK_EVERY_S)


def _children_of(parent: int) -> Iterator[int]:
    for process in psutil.process_iter(["environ"]):
        if (process.info["environ"] or {}).get(PARENT) == str(parent) and lives(process.pid):
            yield process.pid


def _bound(log: Path) -> None:
    """Begin the server's log anew when it is long: the server appends, so what it writes next stands at the beginning."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.with_name("kafka-before.log").write_bytes(log.read_bytes())
        os.truncate(log, 0)


def _end(home: Path, status: local.Status) -> str:
    lines = status.log.read_text(errors="replace").splitlines()[-LAST_LINES:] if status.log.exists() else []
    words = local.complaint("\n".join(reversed(lines)))
    return f"the local broker of {home} (process {status.pid}) ended by itself: {words or 'it said nothing'}; see {status.log}"

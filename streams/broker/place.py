"""Where a home keeps its broker, and the process that serves it.

There is no pid file to go stale: the broker is the process whose command line ends in `kafka.Kafka` and this home's
properties file, and its address stands on that command line too.
"""

from dataclasses import dataclass
from pathlib import Path

import psutil

from streams.broker.server import SERVER_CLASS
from streams.errors import EarmarkError

ADDRESS = "-Dearmark.bootstrap="
KEPT = "-Dearmark.kept=true"


@dataclass(frozen=True)
class Place:
    """Where a home keeps its broker."""

    home: Path

    @property
    def folder(self) -> Path:
        """Everything of the broker but its log file."""
        return self.home / "kafka"

    @property
    def data(self) -> Path:
        """The records."""
        return self.folder / "data"

    @property
    def properties(self) -> Path:
        """The server's settings."""
        return self.folder / "server.properties"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "logs" / "kafka.log"


@dataclass(frozen=True)
class Process:
    """A server, by its number and its command line."""

    pid: int
    command: tuple[str, ...]

    @property
    def bootstrap(self) -> str:
        """Its address."""
        return next(part.removeprefix(ADDRESS) for part in self.command if part.startswith(ADDRESS))


def place_of(home: Path) -> Place:
    """The place in a home. Raises EarmarkError where Kafka cannot read its path."""
    if "," in str(home.resolve()):  # Kafka would take it for two folders
        raise EarmarkError(
            f"the local broker cannot live in {home.resolve()}: EARMARK_HOME must have no comma"
        )
    return Place(home.resolve())


def process_of(place: Place) -> Process | None:
    """The server of a place, or None while none runs."""
    # A process that has ended and was not waited for has no command line, and so is none.
    for process in psutil.process_iter(["cmdline"]):
        command = tuple(process.info["cmdline"] or ())
        if command[-2:] == (SERVER_CLASS, str(place.properties)):
            return Process(process.pid, command)
    return None


def lives(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False

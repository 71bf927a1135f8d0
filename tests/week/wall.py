"""One clock for all processes of a simulation: it stands still until the driver moves it."""

import mmap
import struct
from datetime import UTC, datetime
from pathlib import Path


class Wall:
    """The time in a file of eight bytes, shared in memory."""

    def __init__(self, path: Path, begin: datetime | None = None) -> None:
        if begin is not None:
            path.write_bytes(struct.pack("d", begin.timestamp()))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 8)

    def __call__(self) -> datetime:
        (seconds,) = struct.unpack("d", self._memory[:8])
        return datetime.fromtimestamp(seconds, UTC)

    def move(self, to: datetime) -> None:
        """Let it be another time."""
        self._memory[:8] = struct.pack("d", to.timestamp())

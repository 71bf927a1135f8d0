"""The file that a process's lines go to: it never grows beyond seven times 20 MB."""

from pathlib import Path

MAX_BYTES = 20_000_000
FILES = 7


class LogFile:
    """Appends lines to `path`; before it grows beyond `max_bytes`, it becomes `path`.1, that one `path`.2, and so on.

    `files`: how many there are at most, `path` itself among them; the oldest is removed.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, files: int = FILES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._files = files
        self._lost = 0

    def write(self, line: str) -> None:
        """Append a line, given without its end. On a full disk it is lost; the next that fits says how many were."""
        lost = f"({self._lost} lines lost: the disk took none)\n" if self._lost else ""
        data = f"{lost}{line}\n".encode(errors="replace")
        try:
            self._make_room(len(data))
            # Opened for each line: who moves or removes the file finds the next line in a new one.
            with self._path.open("ab") as file:
                file.write(data)
        except OSError:
            self._lost += 1
        else:
            self._lost = 0

    def _make_room(self, size: int) -> None:
        held = self._path.stat().st_size if self._path.exists() else 0
        if held == 0 or held + size <= self._max_bytes:
            return
        for number in range(self._files - 1, 0, -1):
            newer = self._numbered(number - 1)
            if newer.exists():
                newer.replace(self._numbered(number))

    def _numbered(self, number: int) -> Path:
        return self._path if number == 0 else self._path.with_name(f"{self._path.name}.{number}")

"""A process whose stdout and stderr are a terminal."""

import os
import re
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.demo.stage import read_to_the_end

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(command: Sequence[str], wide: int, environment: Mapping[str, str], folder: Path) -> str:
    """What it prints on a terminal of `wide` columns, which COLUMNS does not name."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, wide))
    inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    variables = {**inherited, "TERM": "dumb", "NO_COLOR": "1", **environment}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=variables, cwd=folder):
        os.close(theirs)
        return read_to_the_end(ours).decode().replace("\r\n", "\n")


class Terminal:
    """A pseudo-terminal that is read while a process writes to its `end`."""

    def __init__(self, rows: int, columns: int) -> None:
        self._ours, self.end = os.openpty()
        termios.tcsetwinsize(self.end, (rows, columns))
        os.set_blocking(self._ours, False)
        self._written = b""

    def text(self) -> str:
        """What was written so far, with a line for each move of the cursor."""
        try:
            while piece := os.read(self._ours, 65536):
                self._written += piece
        except OSError:  # nothing more, or nobody writes any more
            pass
        return _CONTROL.sub("\n", self._written.decode(errors="replace")).replace("\r", "")

    def close(self) -> None:
        """Give both ends back."""
        os.close(self._ours)
        os.close(self.end)

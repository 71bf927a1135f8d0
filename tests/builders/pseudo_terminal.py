"""A process whose stdout and stderr are a terminal."""

import os
import subprocess
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path


def on_a_terminal(command: Sequence[str], wide: int, environment: Mapping[str, str], folder: Path) -> str:
    """What it prints on a terminal of `wide` columns, which COLUMNS does not name."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, wide))
    inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    variables = {**inherited, "TERM": "dumb", "NO_COLOR": "1", **environment}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=variables, cwd=folder):
        os.close(theirs)
        parts = []
        with os.fdopen(ours, "rb", buffering=0) as output, suppress(OSError):
            # Linux ends a terminal that nobody writes to any more with an error.
            while part := output.read(4096):
                parts.append(part)
    return b"".join(parts).decode().replace("\r\n", "\n")

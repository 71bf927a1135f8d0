"""A process as a child of this one: started, listened to, and stopped."""

import asyncio
import json
import os
import re
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from streams.parent import PARENT

LINES_KEPT = 50
# A line may be as long as a traceback's longest; what is longer is cut where it is read.
LINE_LIMIT = 2**20
_SENTENCE = re.compile(r"earmark: (.+)")
_COMPLAINT = re.compile(r"\b(ERROR|CRITICAL|error|critical)\b")


def last_words(lines: Sequence[str], code: int) -> str:
    """Why a process ended, in its own last words: its sentence, else its last complaint, else how it ended."""
    if code < 0:
        return f"it was killed ({signal.Signals(-code).name})"
    for line in reversed(lines):
        if (sentence := _sentence(line)) is not None:
            return sentence
    complaints = [line for line in lines if _COMPLAINT.search(line)]
    return (complaints or list(lines) or [f"exit code {code}, and it said nothing"])[-1]


def _sentence(line: str) -> str | None:
    """What a process says that ends, if `line` is that, in either form of its lines."""
    if found := _SENTENCE.fullmatch(line):
        return found[1]
    if '"CRITICAL"' not in line:
        return None
    try:
        return str(json.loads(line)["event"])
    except (ValueError, KeyError, TypeError):
        return None


class Child:
    """One life of a process `python -m streams <verb>`. `write` takes each line that it says."""

    def __init__(self, process: asyncio.subprocess.Process, write: Callable[[str], None]) -> None:
        self._process = process
        self._write = write
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self.ended = asyncio.create_task(self._listen())
        """Done with the exit code once the process has ended."""

    @classmethod
    async def start(
        cls, verb: Sequence[str], write: Callable[[str], None], environment: Mapping[str, str]
    ) -> "Child":
        """Start it, with `environment` besides what this process has; it ends with this process."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams", *verb),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **environment, PARENT: str(os.getpid())},
            # A session of its own: Ctrl-C in the terminal is for `up`, which then stops its children in good order.
            start_new_session=True,
            limit=LINE_LIMIT,
        )
        return cls(process, write)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def words(self) -> str:
        """Why it ended; it must have."""
        return last_words(self._lines, self.ended.result())

    async def _listen(self) -> int:
        if self._process.stdout is None:
            raise AssertionError("it was started with a pipe")
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:
                continue  # longer than LINE_LIMIT: dropped by asyncio
            if not line:
                return await self._process.wait()
            text = line.decode(errors="replace").rstrip("\n")
            self._lines.append(text)
            self._write(text)

    def terminate(self) -> None:
        """Ask it to stop."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """Kill it and whatever it started in its group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

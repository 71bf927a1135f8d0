"""What people see: tables as wide as their terminal, and text that cannot command it."""

import sys

from rich.console import Console
from rich.text import Text

from streams.events.text import printable

__all__ = ["PIPED", "cell", "console", "printable", "say"]

PIPED = 100_000
"""Columns where no terminal reads: no row is folded."""
_LAYOUT = "\n\t"


def console(piped: int = PIPED) -> Console:
    """A console on stdout: as wide as the terminal, or `piped` columns where something else reads."""
    return Console() if sys.stdout.isatty() else Console(width=piped)


def cell(text: str | None) -> Text:
    """A stranger's words in a table: neither control characters nor markup, and nothing for null."""
    return Text(printable(text or "", _LAYOUT))


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print `text`, on a terminal without control characters; into a file or a pipe as it is."""
    stream = sys.stderr if err else sys.stdout
    # Not click's own: into a pipe it leaves out what looks like a colour.
    print(
        printable(text, _LAYOUT) if stream.isatty() else text, end="\n" if nl else "", file=stream, flush=True
    )

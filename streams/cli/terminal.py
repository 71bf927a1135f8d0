"""What people see: text that cannot command their terminal, and how wide that is. Tables are in tables.py."""

import shutil
import sys

from streams.events.text import printable

__all__ = ["printable", "say", "window"]

_LAYOUT = "\n\t"


def window() -> int | None:
    """Columns of the terminal on stdout, COLUMNS first; None where something else reads, and no row is folded."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print `text`, on a terminal without control characters; into a file or a pipe as it is."""
    stream = sys.stderr if err else sys.stdout
    # Not click's own: into a pipe it leaves out what looks like a colour.
    print(
        printable(text, _LAYOUT) if stream.isatty() else text, end="\n" if nl else "", file=stream, flush=True
    )

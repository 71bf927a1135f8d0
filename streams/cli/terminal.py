"""What people see: text that cannot command their terminal, and how wide that is. Tables are in tables.py."""

import re
import shutil
import sys
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

from streams.events.text import printable

__all__ = ["LINK", "fold", "printable", "say", "window"]

LINK = re.compile(r"https?://\S+")

_LAYOUT = "\n\t"


def window() -> int | None:
    """Columns of the terminal on stdout, COLUMNS first; None where something else reads, and nothing is folded."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def fold(text: str, wide: int | None) -> list[str]:
    """`text` in lines of at most `wide`, broken at blanks, and inside a word only where it alone is wider; a link never."""
    if wide is None:
        return text.split("\n")
    folded: list[str] = []
    for line in text.split("\n"):
        folded += [line] if cell_len(line) <= wide else _folded(line, wide)
    return folded


def _folded(line: str, wide: int) -> Iterator[str]:
    current, room = "", wide
    for word in line.split():
        needed = cell_len(word) + (1 if current else 0)
        if needed <= room:
            current, room = f"{current} {word}" if current else word, room - needed
            continue
        if current:
            yield current
        *whole, current = [word] if LINK.search(word) else chop_cells(word, wide)
        yield from whole
        room = wide - cell_len(current)
    if current:
        yield current


def say(text: str, *, err: bool = False, nl: bool = True, folds: bool = False) -> None:
    """Print `text`, on a terminal without control characters; into a file or a pipe as it is.

    `folds`: a sentence, whose lines end at blanks where stdout is narrower.
    """
    if folds:
        text = "\n".join(fold(text, window()))
    stream = sys.stderr if err else sys.stdout
    # Not click's own: into a pipe it leaves out what looks like a colour.
    print(
        printable(text, _LAYOUT) if stream.isatty() else text, end="\n" if nl else "", file=stream, flush=True
    )

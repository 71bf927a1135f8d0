"""A transcript as plain text: `[mm:ss]` or `[h:mm:ss]`, then what is said from there to the next mark: pure."""

import re
from itertools import pairwise
from pathlib import Path

from streams.captions.json3 import Transcript
from streams.evaluation.gold import GoldError

_MARKED = re.compile(r"\[(?:(\d+):)?(\d+):(\d\d)\](.*)")
LAST_LINE_MS = 10_000
"""How long the last line lasts where no mark ends it."""


def timed_lines(file: Path, text: str) -> Transcript:
    """The segments of the text of `file`; a mark without words ends the one before it. Raises GoldError."""
    marks: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        mark = _MARKED.fullmatch(line.strip())
        if mark is None:
            raise GoldError(
                f"{file}, line {number}: it does not begin with a time: write it like [01:23] words"
            )
        start_ms = (3600 * int(mark[1] or 0) + 60 * int(mark[2]) + int(mark[3])) * 1000
        if marks and start_ms < marks[-1][0]:
            raise GoldError(
                f"{file}, line {number}: its time is before that of the line above: put it in order"
            )
        marks.append((start_ms, mark[4].strip()))
    ends = [*(end for _, (end, _) in pairwise(marks)), *(start + LAST_LINE_MS for start, _ in marks[-1:])]
    said = [(words, start, end) for (start, words), end in zip(marks, ends, strict=True) if words]
    if not said:
        raise GoldError(f"{file}: nothing is said in it: write lines like [01:23] words")
    texts, starts, stops = zip(*said, strict=True)
    return Transcript(texts, starts, stops)

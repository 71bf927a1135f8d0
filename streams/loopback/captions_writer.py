"""Writes captions as YouTube serves them (json3) from plain text with `[mm:ss]` marks.

A line of the text is what is said from its mark to the next one's; the last mark stands alone and ends the video.
"""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise
from textwrap import wrap
from typing import Any

import orjson

_COLUMNS = 40
_MARKED = re.compile(r"\[(\d+):(\d\d)\](.*)")
_WORD = re.compile(r"(?:>> )?\S+")
Spoken = tuple[int, int, str]
"""From, to (milliseconds) and the words between."""


def read_spoken(source: str) -> list[Spoken]:
    """The marked lines of a source, in order."""
    marks = [_MARKED.fullmatch(line) for line in source.strip().splitlines()]
    timed = [((60 * int(mark[1]) + int(mark[2])) * 1000, mark[3].strip()) for mark in marks if mark]
    if len(timed) != len(marks):
        raise ValueError("every line begins with a mark like [01:23]")
    return [(start, end, words) for (start, words), (end, _) in pairwise(timed)]


def automatic(source: str) -> bytes:
    """An automatic track: rows of up to 40 letters that roll up two at a time, each word with its own time."""
    spoken = read_spoken(source)
    rows = [row for said in spoken for row in _rows(_timed_words(*said))]
    starts = [row[0][0] for row in rows] + [spoken[-1][1]] * 2
    # A row stays until the one after the next pushes it out, so the events of a roll-up overlap.
    events: list[dict[str, Any]] = [
        {"tStartMs": 0, "dDurationMs": starts[-1], "id": 1, "wpWinPosId": 1, "wsWinStyleId": 1}
    ]
    for index, row in enumerate(rows):
        start, gone = starts[index], starts[index + 2]
        if index:
            newline = {"tStartMs": start - 10, "dDurationMs": starts[index + 1] - start + 10}
            events.append({**newline, "wWinId": 1, "aAppend": 1, "segs": [{"utf8": "\n"}]})
        segs = [_seg(word, at - start) for at, word in row]
        events.append({"tStartMs": start, "dDurationMs": gone - start, "wWinId": 1, "segs": segs})
    return _document(events)


def manual(source: str) -> bytes:
    """A track that people wrote: cues of up to two rows, one after the other."""
    events: list[dict[str, Any]] = []
    for start, end, text in read_spoken(source):
        rows = wrap(text, _COLUMNS)
        cues = ["\n".join(rows[index : index + 2]) for index in range(0, len(rows), 2)]
        shares = _shares(start, end, [len(cue) for cue in cues])
        for cue, (first, last) in zip(cues, pairwise(shares), strict=True):
            events.append({"tStartMs": first, "dDurationMs": last - first, "segs": [{"utf8": cue}]})
    return _document(events)


def _timed_words(start: int, end: int, text: str) -> Iterator[tuple[int, str]]:
    words = _WORD.findall(text)
    return zip(_shares(start, end, [len(word) + 1 for word in words]), words, strict=False)


def _rows(words: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    row: list[tuple[int, str]] = []
    for at, word in words:
        if row and sum(len(said) + 1 for _, said in row) + len(word) > _COLUMNS:
            yield row
            row = []
        row.append((at, word))
    yield row


def _shares(start: int, end: int, weights: list[int]) -> list[int]:
    """`start` to `end` cut in proportion to `weights`: one bound more than there are weights."""
    return [start + (end - start) * done // sum(weights) for done in accumulate(weights, initial=0)]


def _seg(word: str, offset: int) -> dict[str, Any]:
    seg: dict[str, Any] = {"utf8": f" {word}" if offset else word}
    if offset:
        seg["tOffsetMs"] = offset
    if not word.startswith("["):
        seg["acAsrConf"] = 0
    if word.startswith(">>"):
        seg["isSpeakerChange"] = 1
    return seg


def _document(events: list[dict[str, Any]]) -> bytes:
    head: dict[str, Any] = {
        "wireMagic": "pb3",
        "pens": [{}],
        "wsWinStyles": [{}, {"mhModeHint": 2, "juJustifCode": 0, "sdScrollDir": 3}],
        "wpWinPositions": [{}, {"apPoint": 6, "ahHorPos": 20, "avVerPos": 100, "rcRows": 2, "ccCols": 40}],
    }
    return orjson.dumps({**head, "events": events}, option=orjson.OPT_INDENT_2)

"""What was taken out of a text and what was put in, word by word: pure, and in bounded time."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from heapq import heappop, heappush
from itertools import accumulate, groupby
from typing import Literal

Kind = Literal["same", "removed", "added"]
KINDS: tuple[Kind, ...] = ("removed", "added", "same")
EFFORT = 1_000_000
"""Pairs of equal words that are looked at, which is some tenths of a second; what is not compared by then is replaced whole."""
# A word has the blanks behind it: blanks alone would match everywhere.
_WORDS = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True)
class Piece:
    """A stretch of text that both have, or that only the text before (removed) or the one after (added) has."""

    kind: Kind
    text: str


def word_diff(before: str, after: str, effort: int = EFFORT) -> tuple[Piece, ...]:
    """The pieces in order: those that are not added make up `before`, those that are not removed make up `after`."""
    told: list[Piece] = []
    by_lines = _Comparison(effort)
    by_lines.compare(before.splitlines(keepends=True), after.splitlines(keepends=True))
    by_words = _Comparison(by_lines.effort)
    for removed, added, same in by_lines.told:
        by_words.told.clear()
        by_words.compare(_WORDS.findall(removed), _WORDS.findall(added))
        for pieces in (*by_words.told, ("", "", same)):
            told += [Piece(kind, text) for kind, text in zip(KINDS, pieces, strict=True)]
    return tuple(_joined(piece for piece in told if piece.text))


def _joined(pieces: Iterable[Piece]) -> Iterable[Piece]:
    for kind, alike in groupby(pieces, key=lambda piece: piece.kind):
        yield Piece(kind, "".join(piece.text for piece in alike))


class _Comparison:
    """Compares sequences as difflib does, the longest stretch that both have first, while the effort lasts."""

    def __init__(self, effort: int) -> None:
        self.effort = effort
        self.told: list[tuple[str, str, str]] = []
        """What was removed, what was added, and what is the same behind them."""

    def compare(self, a: Sequence[str], b: Sequence[str]) -> None:
        i = j = 0
        for at_a, at_b, length in (*sorted(self._matches(a, b)), (len(a), len(b), 0)):
            self.told.append(("".join(a[i:at_a]), "".join(b[j:at_b]), "".join(a[at_a : at_a + length])))
            i, j = at_a + length, at_b + length

    def _matches(self, a: Sequence[str], b: Sequence[str]) -> Iterable[tuple[int, int, int]]:
        matcher = SequenceMatcher(None, a, b, autojunk=False)
        # What looking for the longest match costs: for each part of `a`, as often as it stands in `b`.
        costs = [0, *accumulate(1 + len(matcher.b2j.get(part, ())) for part in a)]  # type: ignore[attr-defined]
        open_: list[tuple[int, int, int, int, int]] = []

        def ask(from_a: int, to_a: int, from_b: int, to_b: int) -> None:
            if from_a < to_a and from_b < to_b:
                heappush(open_, (costs[to_a] - costs[from_a], from_a, to_a, from_b, to_b))

        ask(0, len(a), 0, len(b))
        # The cheapest first: one that is too much takes the effort from no other.
        while open_:
            cost, from_a, to_a, from_b, to_b = heappop(open_)
            if cost > self.effort:
                return
            self.effort -= cost
            at_a, at_b, length = matcher.find_longest_match(from_a, to_a, from_b, to_b)
            if length:
                yield at_a, at_b, length
                ask(from_a, at_a, from_b, at_b)
                ask(at_a + length, to_a, at_b + length, to_b)

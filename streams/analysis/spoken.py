"""Spoken words as they are compared, and the text that they stand in."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from streams.analysis.levels import Heard, is_number_word, number_of
from streams.analysis.words import words_of

_PIECES_A_NUMBER = 7


class _Piece(NamedTuple):
    """What stands between two blanks: its first word's number, how many words it has, and how it is written."""

    first: int
    length: int
    text: str


class Spoken:
    """The words of several texts in a row (without cues). `places` is where each word stands, in order."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self.words: list[str] = []
        self.segments: list[int] = []
        self.places: dict[str, list[int]] = defaultdict(list)
        for segment, text in enumerate(texts):
            for word in words_of(text):
                self.places[word].append(len(self.words))
                self.words.append(word)
                self.segments.append(segment)
        self._pieces: dict[int, list[_Piece]] = {}
        self._numbers: dict[int, Mapping[int, Heard]] = {}

    def runs(self, words: Sequence[str], begin: int, end: int) -> Iterator[int]:
        """Where `words` stand in a row, of the places from `begin` to before `end`."""
        rarest = min(range(len(words)), key=lambda at: len(self.places.get(words[at], ())))
        places = self.places.get(words[rarest], [])
        for place in places[bisect_left(places, begin + rarest) : bisect_left(places, end + rarest)]:
            start = place - rarest
            if self.words[start : start + len(words)] == words:
                yield start

    def text(self, start: int, count: int) -> str:
        """The `count` words from `start` on as they are written, with the blanks and signs between them."""
        end = start + count
        return " ".join(
            piece.text for piece in takewhile(lambda piece: piece.first < end, self._pieces_from(start))
        )

    def numbers(self, start: int) -> Mapping[int, Heard]:
        """The numbers that may begin at `start`, by how many words they are said in."""
        if start not in self._numbers:
            self._numbers[start] = dict(self._numbers_from(start))
        return self._numbers[start]

    def _numbers_from(self, start: int) -> Iterator[tuple[int, Heard]]:
        if start >= len(self.words) or not is_number_word(self.words[start]):
            return
        said = ""
        for number, piece in enumerate(self._pieces_from(start)):
            if (number == 0 and piece.first != start) or number == _PIECES_A_NUMBER:
                return
            said = f"{said} {piece.text}"
            if (heard := number_of(said)) is not None:
                yield piece.first + piece.length - start, heard
            if not piece.text[-1].isalnum() and piece.text[-1] not in "%$€":
                return

    def _pieces_from(self, start: int) -> Iterator[_Piece]:
        """The pieces from that which holds the word `start` on."""
        for segment in range(self.segments[start], len(self._texts)):
            for piece in self._pieces_of(segment):
                if piece.first + piece.length > start:
                    yield piece

    def _pieces_of(self, segment: int) -> list[_Piece]:
        if segment not in self._pieces:
            first = bisect_left(self.segments, segment)
            pieces = self._pieces[segment] = []
            for text in self._texts[segment].split():
                pieces.append(_Piece(first, len(words_of(text)), text))
                first += pieces[-1].length
        return self._pieces[segment]

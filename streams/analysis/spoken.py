"""Spoken words as they are compared, and the text that they stand in."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from streams.analysis.levels import (
    Heard,
    is_number_word,
    is_of_number,
    names_part,
    number_of,
    says_what,
)
from streams.analysis.words import words_of

_PIECES_A_NUMBER = 7
_ENDS = ",.;:!?"


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
        # By its rarest word, or each "I" would be looked at.
        common = [len(self.places.get(word, ())) for word in words]
        rarest = common.index(min(common))
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

    def around_number(self, start: int, count: int) -> str:
        """The `count` words from `start` on, and beside them what belongs to a number that begins or ends there."""
        end = start + count
        while more := self._more_before(start):
            start -= more
        while more := self._more_behind(end - 1):
            end += more
        return self.text(start, end - start)

    def _more_before(self, first: int) -> int:
        """How many words before `first` belong to the number that begins there."""
        one, two = self._word(first - 1), self._word(first - 2)
        if not is_of_number(self.words[first]) or self._is_end(first - 1):
            return 0
        if one == "and" and is_of_number(two) and not two[:1].isdecimal() and not self._is_end(first - 2):
            return 2
        return int(is_of_number(one) or names_part(one))

    def _more_behind(self, last: int) -> int:
        """How many words behind `last` belong to the number that ends there."""
        one, two = self._word(last + 1), self._word(last + 2)
        if not is_of_number(self.words[last]) or self._is_end(last):
            return 0
        if one == "and" and is_of_number(two) and not two[:1].isdecimal():
            return 2
        return int(is_of_number(one) or says_what(one))

    def _word(self, place: int) -> str:
        return self.words[place] if 0 <= place < len(self.words) else ""

    def _is_end(self, place: int) -> bool:
        """Whether a sign behind the word parts it from the next one."""
        if place < 0:
            return True
        piece = next(self._pieces_from(place))
        return piece.first + piece.length - 1 == place and piece.text[-1] in _ENDS

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
            if piece.text[-1] in _ENDS:
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

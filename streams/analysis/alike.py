"""Where a quote stands but for what its writer left out or wrote otherwise: fillers, words said twice, numbers.

Every other word must stand in the transcript, in order, with nothing else between: what is found is what was said.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from streams.analysis.levels import is_number_word
from streams.analysis.spoken import Spoken

_FILLERS = {("uh",), ("uhm",), ("um",), ("er",), ("erm",), ("ah",), ("hm",), ("hmm",), ("mm",), ("mhm",)} | {
    ("you", "know"),
    ("i", "mean"),
}
_REPEATED_AT_MOST = 3
_SLACK = 8


class Alike(NamedTuple):
    """The `length` words from `start` on; `numbers`: one of them is written otherwise in the quote."""

    start: int
    length: int
    numbers: bool


def alike(quote: Spoken, transcript: Spoken, begin: int, end: int) -> Iterator[Alike]:
    """Where `quote` stands in `transcript`, of the places from `begin` to before `end`."""
    solid = [at for at, word in enumerate(quote.words) if not is_number_word(word)]
    if any(quote.words[at] not in transcript.places for at in solid):
        return
    starts = set(range(begin, end))
    if solid:
        rarest = min(solid, key=lambda at: len(transcript.places[quote.words[at]]))
        reach = 2 * rarest + _SLACK
        places = transcript.places[quote.words[rarest]]
        starts = {
            start
            for place in places[bisect_left(places, begin) : bisect_left(places, end + reach)]
            for start in range(max(begin, place - reach), min(end, place + 1))
        }
    for start in sorted(starts):
        if _may_begin(quote, transcript, start) and (found := _from(quote, transcript, start)) is not None:
            yield found


def _may_begin(quote: Spoken, transcript: Spoken, start: int) -> bool:
    first, heard = quote.words[0], transcript.words[start]
    return first == heard or (is_number_word(first) and is_number_word(heard))


def _from(quote: Spoken, transcript: Spoken, start: int) -> Alike | None:
    """The words from `start` on that are alike. What is likeliest is tried first, each step once."""
    limit = min(len(transcript.words), start + 2 * len(quote.words) + _SLACK)
    tried: set[tuple[int, int]] = set()
    open_steps = [(0, start, False)]
    while open_steps:
        at, place, numbers = open_steps.pop()
        if at == len(quote.words):
            return Alike(start, place - start, numbers)
        if place >= limit or (at, place) in tried:
            continue
        tried.add((at, place))
        if at:
            open_steps += [
                (at, place + skipped, numbers) for skipped in _skips(quote.words, at, transcript.words, place)
            ]
        open_steps += [
            (at + written, place + said, True)
            for written, number in quote.numbers(at).items()
            for said, heard in transcript.numbers(place).items()
            if number.is_like(heard)
        ]
        if quote.words[at] == transcript.words[place]:
            open_steps.append((at + 1, place + 1, numbers))
    return None


def _skips(quote: Sequence[str], at: int, said: Sequence[str], place: int) -> Iterator[int]:
    """How many words at `place` say nothing: a filler, or what was said just before once more."""
    for count in range(1, _REPEATED_AT_MOST + 1):
        words = said[place : place + count]
        if tuple(words) in _FILLERS or (count <= at and words == quote[at - count : at]):
            yield count

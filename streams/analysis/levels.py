"""The number in a speaker's words: what "around one twenty" or "the low one-twenties" may mean, or why it is not read.

English as prices are said, and digits as captions write them. Where words have two meanings ("one twenty": 120 and 1.20)
both are kept, for whoever knows the price; where they have none, or hold two numbers, there is no number to be had.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import regex

from streams.analysis.spoken_numbers import (
    DECADES,
    ONES,
    SCALES,
    TEENS,
    TENS,
    ZEROS,
    Range,
    Reader,
    UnreadNumberError,
)
from streams.events.analyses import Unit

_UNITS: dict[str, Unit] = {
    **dict.fromkeys(("$", "dollar", "dollars", "buck", "bucks", "usd", "cent", "cents"), "USD"),
    **dict.fromkeys(("€", "euro", "euros", "eur"), "EUR"),
    **dict.fromkeys(("%", "percent", "pct"), "percent"),
    **dict.fromkeys(("points", "pts"), "points"),
}
# What a number counts before these is no price: the 200 day line, a 52 week low, 100 shares.
_COUNTED = frozenset(
    f"{one}{s}"
    for one in ("day", "week", "month", "year", "hour", "minute", "share", "contract", "time")
    for s in ("", "s")
)
# Which ninths of a decade: the low one-twenties are 120 to 123.
_PARTS = {
    **dict.fromkeys(("low", "lower"), (0, 3)),
    **dict.fromkeys(("mid", "middle"), (4, 6)),
    **dict.fromkeys(("high", "upper"), (7, 9)),
}
_PART_WITHIN = 4
_BEGINNINGS = frozenset({*ONES, *TEENS, *TENS, *DECADES, *ZEROS, "a", "half", "point"})
_WITHIN = frozenset({*SCALES, "hundred", "hundreds", "quarter", "quarters"})
_TO = frozenset({"to", "through", "-"})
# A range that ends farther from its beginning joins two meanings: one twenty (1.20) to twenty five.
_FARTHEST = 10
_TOKEN = regex.compile(r"\d[\d.,]*(?:(?<=\d)s\b)?|\p{L}+|[$€%-]")
_HYPHENS = str.maketrans("\u2010\u2011\u2012\u2013\u2014", "-----")


@dataclass(frozen=True)
class Heard:
    """What the words may mean, the likeliest first, and their unit where they name one."""

    readings: tuple[Range, ...]
    unit: Unit | None

    def is_like(self, other: "Heard") -> bool:
        """Whether both may be the same number; a percentage is like percentages alone."""
        units = {self.unit, other.unit}
        return (len(units) == 1 or (None in units and "percent" not in units)) and not set(
            self.readings
        ).isdisjoint(other.readings)

    def reading_of(self, value: Decimal, unit: Unit) -> Range | None:
        """The reading that `value` in `unit` lies in; None where the words do not say that."""
        if self.unit not in {None, unit} or (self.unit is None and unit == "percent"):
            return None
        return next((reading for reading in self.readings if reading.low <= value <= reading.high), None)


def heard(words: str) -> Heard:
    """The number in `words`. Raises UnreadNumberError, which says what is in the way."""
    tokens = _tokens(words)
    unit = _unit(tokens)
    numbers = list(_numbers(tokens))
    # "Buy that one at ninety."
    found = [readings for said, readings in numbers if said != ["one"] or len(numbers) == 1]
    match found:
        case [readings]:
            return Heard(readings, unit)
        case []:
            raise UnreadNumberError("no number stands in the words")
        case _:
            raise UnreadNumberError("more than one number stands in the words")


def number_of(words: str) -> Heard | None:
    """The number that `words` are, perhaps with its unit; None where they are none, or more than that."""
    tokens = _tokens(words)
    reader = Reader(tokens[1:] if tokens[:1] in (["$"], ["€"]) else tokens)
    try:
        unit, readings = _unit(tokens), reader.number()
    except UnreadNumberError:
        return None
    if readings is None or any(token not in _UNITS for token in reader.tokens[reader.at :]):
        return None
    return Heard(readings, unit)


def is_number_word(word: str) -> bool:
    """Whether a number may begin with `word`, in lower case."""
    return word[:1].isdecimal() or word in _BEGINNINGS


def is_of_number(word: str) -> bool:
    """Whether `word`, in lower case, may be a part of a number."""
    return is_number_word(word) or word in _WITHIN


def names_part(word: str) -> bool:
    """Whether `word` says which part of a decade is meant: the low one-twenties."""
    return word in _PARTS


def says_what(word: str) -> bool:
    """Whether a number before `word` is so many of it: dollars, percent, days."""
    return word in _UNITS or word in _COUNTED


def _tokens(words: str) -> list[str]:
    text = words.casefold().translate(_HYPHENS).replace("per cent", "percent")
    found = [str(token) for token in _TOKEN.findall(text)]
    # A hyphen is a range's only between numbers in digits; else it joins words.
    near = zip(["", *found], found, [*found[1:], ""], strict=False)
    return [it for before, it, after in near if it != "-" or (before[-1:].isdecimal() and _is_price(after))]


def _is_price(token: str) -> bool:
    return token[:1].isdecimal() or token in {"$", "€"}


def _unit(tokens: Sequence[str]) -> Unit | None:
    found = {_UNITS[token] for token in tokens if token in _UNITS}
    if len(found) > 1:
        raise UnreadNumberError(f"the words name two units: {', '.join(sorted(found))}")
    return next(iter(found), None)


def _numbers(tokens: Sequence[str]) -> Iterator[tuple[Sequence[str], tuple[Range, ...]]]:
    """Each number in the words, a range as one: the words it is said in, and what they may mean."""
    reader = Reader(tokens)
    while not reader.is_done:
        begun = reader.at
        readings = reader.number()
        if readings is None:
            reader.at += 1
            continue
        readings = _within_decade(tokens[max(0, begun - _PART_WITHIN) : begun], readings)
        ends = _end_of_range(reader, tokens[:begun])
        if ends is not None:
            readings = _from_to(readings, ends)
        if reader.is_done or tokens[reader.at] not in _COUNTED:
            yield tokens[begun : reader.at], readings


def _end_of_range(reader: Reader, before: Sequence[str]) -> tuple[Range, ...] | None:
    """What the number may mean that the one just read goes to; None, and nothing passed, where it goes nowhere."""
    begun = reader.at
    if not any(reader.take(word) for word in _TO) and not ("between" in before and reader.take("and")):
        return None
    parts = reader.at
    while not reader.is_done and reader.tokens[reader.at] in {"$", "€", "the", *_PARTS}:
        reader.at += 1
    until = reader.at
    readings = reader.number()
    if readings is None:
        reader.at = begun
        return None
    return _within_decade(reader.tokens[parts:until], readings)


def _from_to(low: Sequence[Range], high: Sequence[Range]) -> tuple[Range, ...]:
    """The readings of a range by those of its ends."""
    found = []
    for at, first in enumerate(low):
        last = high[min(at, len(high) - 1)]
        if last.high < 100 <= first.low:
            # "One twenty to twenty five": of its end the last two digits are said.
            base = first.low - first.low % 100
            last = Range(base + last.low, base + last.high)
        if first.low < last.high <= _FARTHEST * first.low:
            found.append(Range(first.low, last.high))
    if not found:
        raise UnreadNumberError("the range ends below its beginning, or far from it")
    return tuple(found)


def _within_decade(before: Sequence[str], readings: Sequence[Range]) -> tuple[Range, ...]:
    """Of a decade that part which the words before it name: low, mid, high, or from one to another."""
    named = [_PARTS[word] for word in before if word in _PARTS]
    if not named:
        return tuple(readings)
    (first, _), (_, last) = named[0], named[-1]
    return tuple(
        Range(low + first * (high - low) / 9, low + last * (high - low) / 9) for low, high in readings
    )

"""Why a gold symbol is not among those that were heard in its video: pure."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal

from streams.analysis.symbols import Symbols
from streams.analysis.words import words_of
from streams.evaluation.gold import GoldCall, GoldVideo
from streams.evaluation.heard import Answer, HeardCall

Miss = Literal["share class", "alias", "misheard", "rejected", "not listed", "not heard"]
MISSES: tuple[Miss, ...] = ("share class", "alias", "misheard", "rejected", "not listed", "not heard")
"""The first of these that holds.

- share class: another class of the same company's shares was heard.
- alias: another name or listing of it.
- misheard: at its place, or under a symbol that is spelled alike where no place is known, another symbol was heard.
- rejected: it was heard, and what was said of it did not count.
- not listed: neither the operator's list nor the bundled one knows it.
"""

NEAR_S = 10.0
ALIKE = 0.6
SHARED_WORDS = 0.5
_RENAMED = {"FB": "META", "SQ": "XYZ", "TWTR": "X"}
_CLASS = re.compile(r"[.-][A-Z]$")
_EXCHANGE = re.compile(r"\.[A-Z]{1,2}$")
# GOOG and GOOGL, FOX and FOXA: the letters that mark a class without a dot.
_CLASS_LETTERS = "ABCKL"


def misses_of(video: GoldVideo, answer: Answer, symbols: Symbols) -> Iterator[Miss]:
    """The kind of each gold symbol of a video that was not heard."""
    heard, gold = (
        {call.symbol for call in answer.calls},
        {call.symbol: call for call in reversed(video.calls)},
    )
    others = [call for call in answer.calls if call.symbol not in gold]
    rejected = {call.symbol for call in answer.rejected}
    for symbol in sorted(gold.keys() - heard):
        yield _kind(gold[symbol], others, rejected, symbols)


def _kind(call: GoldCall, others: list[HeardCall], rejected: set[str], symbols: Symbols) -> Miss:
    if any(_is_class_of(call.symbol, other.symbol) for other in others):
        return "share class"
    if any(_is_alias(call.symbol, other, symbols) for other in others):
        return "alias"
    if any(_is_misheard(call, other) for other in others):
        return "misheard"
    if call.symbol in rejected:
        return "rejected"
    listings = [symbols.bundled, *([] if symbols.own is None else [symbols.own])]
    return "not heard" if any(call.symbol in listing.symbols for listing in listings) else "not listed"


def _is_class_of(one: str, other: str) -> bool:
    if _CLASS.sub("", one) == _CLASS.sub("", other):
        return True
    short, long = sorted((one, other), key=len)
    return len(short) > 1 and long[:-1] == short and long[-1] in _CLASS_LETTERS


def _is_alias(symbol: str, other: HeardCall, symbols: Symbols) -> bool:
    now, then = _RENAMED.get(symbol, symbol), _RENAMED.get(other.symbol, other.symbol)
    return (
        now == then
        or _EXCHANGE.sub("", symbol) == _EXCHANGE.sub("", other.symbol)
        or symbols.symbol_of(other.said_as) == symbol
    )


def _is_misheard(call: GoldCall, other: HeardCall) -> bool:
    if call.second is None and call.quote is None:
        return SequenceMatcher(None, call.symbol, other.symbol).ratio() >= ALIKE
    if call.second is not None and abs(call.second - other.second) <= NEAR_S:
        return True
    words = set(words_of(call.quote or ""))
    return bool(words) and len(words & set(words_of(other.quote))) >= SHARED_WORDS * len(words)

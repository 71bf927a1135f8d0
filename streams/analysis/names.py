"""Companies' names, and the symbols they are listed under."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from streams.analysis.words import words_of
from streams.events.symbols import normalise

_FORMS = re.compile(
    r"(?: (?:inc|incorporated|corp|corporation|co|company|plc|ltd|limited|llc|lp|ag|kg|kgaa|gmbh|se|sa|sas|nv|bv|spa"
    r"|ab|asa|oyj|and))+$"
)
_ASIDE = re.compile(r"\([^()]*\)")


@dataclass(frozen=True)
class Listing:
    """Symbols in the record's spelling, and folded names; None is the symbol of a name that has several."""

    symbols: frozenset[str] = frozenset()
    names: Mapping[str, str | None] = field(default_factory=dict)


def folded(name: str) -> str:
    """A name as it is compared, whole: without case, punctuation, what is in parentheses and its company's form."""
    joined = re.sub(r"[.'\u2019]", "", _ASIDE.sub(" ", name)).replace("&", " and ")
    return _FORMS.sub("", " ".join(words_of(joined)))


def names_of(named: Iterable[tuple[str, str]]) -> Mapping[str, str | None]:
    """The names of a listing, from symbols in the record's spelling and names as they are written."""
    names: dict[str, str | None] = {}
    for symbol, name in named:
        if key := folded(name):
            names[key] = symbol if names.get(key, symbol) == symbol else None
    return names


def bundled() -> Listing:
    """The members of some twenty stock indices of America, Europe and Japan, as pytickersymbols has them.

    It takes some 35 ms and 8 MB.
    """
    from pytickersymbols import PyTickerSymbols  # noqa: PLC0415  its data are for the analyst alone

    book = PyTickerSymbols()
    symbols: set[str] = set()
    named: list[tuple[str, str]] = []
    for index in book.get_all_indices():
        for stock in book.get_stocks_by_index(index):
            elsewhere = set(_spelled(listed["yahoo"] for listed in stock.get("symbols", [])))
            symbols |= elsewhere
            for symbol in _spelled([stock.get("symbol")]):
                # A local code without its exchange is another company's symbol in America.
                if "." in symbol or symbol in elsewhere:
                    symbols.add(symbol)
                    named.append((symbol, stock["name"]))
    return Listing(frozenset(symbols), names_of(named))


def _spelled(symbols: Iterable[str | None]) -> Iterator[str]:
    return (spelled for symbol in symbols if symbol and (spelled := normalise(symbol)))

"""The symbols that an analyst knows: the operator's list, and the names of companies."""

import re
from dataclasses import dataclass
from pathlib import Path

from streams.analysis.names import Listing, folded, names_of
from streams.errors import EarmarkError
from streams.events.symbols import normalise


@dataclass(frozen=True)
class Symbols:
    """`own`: the operator's list, None without one; `bundled`: what is known beside it."""

    own: Listing | None = None
    bundled: Listing = Listing()  # noqa: RUF009  frozen

    def is_listed(self, symbol: str) -> bool | None:
        """Whether a symbol is in the operator's list; None without a list."""
        return None if self.own is None else symbol in self.own.symbols

    def symbol_of(self, said: str) -> str | None:
        """The symbol that an answer means, in the record's spelling, or None where it means none.

        A known symbol goes before a name ("ON"), a known name before a symbol that nobody listed ("APPLE"), and the
        operator's names before the others. A name with several symbols is no name.
        """
        spelled = normalise(said)
        listings = [self.bundled] if self.own is None else [self.own, self.bundled]
        if any(spelled in listing.symbols for listing in listings):
            return spelled
        name = folded(said)
        return next((listing.names[name] for listing in listings if name in listing.names), None) or spelled


def read_symbols(path: Path) -> Listing:
    """The listing in a file: a line has a symbol and, behind a blank, comma or tab, perhaps a name; `#` begins a comment.

    Raises EarmarkError, with the line that cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EarmarkError(f"EARMARK_SYMBOLS: {path} cannot be read: {error}") from error
    named: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        if words := line.partition("#")[0].strip():
            symbol, *name = re.split(r"[\s,]+", words, maxsplit=1)
            spelled = normalise(symbol)
            if spelled is None:
                raise EarmarkError(
                    f"EARMARK_SYMBOLS: {path}, line {number}: {line.strip()!r} does not begin with a symbol:"
                    " write it like NVDA or BRK.B, then the name"
                )
            named.append((spelled, "".join(name)))
    return Listing(frozenset(symbol for symbol, _ in named), names_of(named))

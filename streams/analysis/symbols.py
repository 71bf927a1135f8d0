"""Ticker symbols: one spelling each."""

import re
from pathlib import Path

from streams.errors import EarmarkError
from streams.events.analyses import SYMBOL


def normalise(symbol: str) -> str | None:
    """A symbol as the record spells it ("$brk b" → "BRK.B"), or None where it is none."""
    spelled = re.sub(r"[\s/]+", ".", symbol.strip().lstrip("$").strip().upper())
    return spelled if SYMBOL.fullmatch(spelled) else None


def read_symbols(path: Path) -> frozenset[str]:
    """The listed symbols in a file: the first word of each line that is no comment. Raises EarmarkError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EarmarkError(f"EARMARK_SYMBOLS: {path} cannot be read: {error}") from error
    words = (line.split()[0] for line in lines if line.strip() and not line.startswith("#"))
    return frozenset(spelled for word in words if (spelled := normalise(word)))

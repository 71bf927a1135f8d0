"""Times, spans, money and counts in the words of a story."""

from datetime import datetime, timedelta
from decimal import Decimal

_CENT, _LEAST = Decimal("0.01"), Decimal("0.0001")
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def minute(moment: datetime) -> str:
    """A time to the minute."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def span(length: timedelta) -> str:
    """A span in its two largest units: 3 d 4 h, 12 min 5 s, 0.4 s."""
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    left, parts = round(seconds), []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])


def usd(amount: Decimal) -> str:
    """Money for people: cents, or a hundredth of a cent where it is so little; the log has it to the billionth."""
    if amount >= 1 or amount == amount.quantize(_CENT):
        return f"${amount:,.2f}"
    return f"${amount:.4f}" if amount >= _LEAST else f"less than ${_LEAST}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """So many of something."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def sentence(text: str) -> str:
    """A stranger's words as the end of a clause: without a full stop of their own."""
    return text.strip().rstrip(".")

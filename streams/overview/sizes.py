"""Sizes and spans for people."""

from datetime import timedelta


def size(count: float) -> str:
    """Bytes in the greatest unit that leaves a number from 1 on, in powers of 1,000."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def span(length: timedelta) -> str:
    """A length of time in its greatest unit, or two of them: "45 s", "12 min", "3 h 20 min", "5 d 4 h"."""
    seconds = max(0, round(length.total_seconds()))
    for unit, in_it, smaller, in_smaller in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60)):
        if seconds >= in_it:
            rest = seconds % in_it // in_smaller
            return f"{seconds // in_it} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"

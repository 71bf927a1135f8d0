"""What stands in a page's address, checked; times are UTC."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote, urlencode

from multidict import MultiMapping

from projections.web.page import WrongFilterError

LONGEST = 200
"""Letters of a word that somebody looks for."""
WINDOWS = {"1d": 1, "7d": 7, "30d": 30, "90d": 90, "365d": 365}
"""The days of each window up to now."""


def text(query: MultiMapping[str], name: str) -> str:
    """What was typed, without blanks round it; "" where nothing was. Raises WrongFilterError where it is too long."""
    typed = query.get(name, "").strip()
    if len(typed) > LONGEST:
        raise WrongFilterError(f"{name} is longer than {LONGEST} letters: shorten it")
    return typed


def choice(query: MultiMapping[str], name: str, known: Iterable[str]) -> str:
    """One of `known`, or "". Raises WrongFilterError."""
    return _known(name, text(query, name), tuple(known))


def choices(query: MultiMapping[str], name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Those of `known` that are chosen, in their order; none is the same as all. Raises WrongFilterError."""
    names = tuple(known)
    chosen = {_known(name, typed.strip(), names) for typed in query.getall(name, [])} - {""}
    return tuple(each for each in names if each in chosen)


def number(query: MultiMapping[str], name: str, least: float, most: float) -> float | None:
    """A number in [least, most], None where none was typed. Raises WrongFilterError."""
    typed = text(query, name)
    if not typed:
        return None
    try:
        value = float(typed)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise WrongFilterError(f"{name} is {typed!r}: write a number from {least:g} to {most:g}")
    return value


def whole(query: MultiMapping[str], name: str, least: int, most: int, default: int) -> int:
    """A whole number in [least, most]. Raises WrongFilterError."""
    typed = text(query, name)
    if not typed:
        return default
    if not (typed.isascii() and typed.isdecimal() and least <= int(typed) <= most):
        raise WrongFilterError(f"{name} is {typed!r}: write a whole number from {least} to {most}")
    return int(typed)


def day(query: MultiMapping[str], name: str) -> date | None:
    """A day as it is written in an address, None where none was typed. Raises WrongFilterError."""
    typed = text(query, name)
    if not typed:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise WrongFilterError(f"{name} is {typed!r}: write a day as 2026-03-31") from None


def since(window: str, now: datetime) -> datetime | None:
    """When a window of WINDOWS begins: at a midnight, so that a day's pages are the same; None for "": it is as old as all."""
    if not window:
        return None
    return datetime.combine(now.date() - timedelta(days=WINDOWS[window] - 1), datetime.min.time(), UTC)


def address(path: str, /, *parts: str, **query: object) -> str:
    """A page's address: `parts` take the place of the braces in `path`; what is empty is left out of the query."""
    for part in parts:
        path = path.replace("{}", quote(part, safe=""), 1)
    pairs = [
        (name, each)
        for name, value in query.items()
        for each in (value if isinstance(value, tuple | list) else (value,))
        if each is not None and each is not False and each != ""
    ]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _known(name: str, typed: str, known: tuple[str, ...]) -> str:
    if typed and typed not in known:
        raise WrongFilterError(f"{name} is {typed!r}: choose one of {', '.join(known)}")
    return typed

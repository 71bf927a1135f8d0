"""`--since`: a date or an age."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from streams.clock import utc_now
from streams.settings import parse_duration


@dataclass(frozen=True)
class Since:
    """The time that was named; `back`: how far back, as it was typed, or None where a date was."""

    at: datetime
    back: str | None


def named(text: str, now: datetime) -> Since:
    """What `text` names at `now`: a date's time, or so far back, at the beginning of that UTC day.

    To the day, so that it is the same time all day. Raises ValueError, OverflowError.
    """
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        back = now.astimezone(UTC) - timedelta(seconds=parse_duration(text))
        return Since(back.replace(hour=0, minute=0, second=0, microsecond=0), text)
    return Since(date if date.tzinfo else date.replace(tzinfo=UTC), None)


def _since(_context: click.Context, _option: click.Parameter, text: str | None) -> Since | None:
    if text is None:
        return None
    try:
        since = named(text, utc_now())
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r}: write a date like 2026-10-01 or an age like 30d") from None
    if since.at > utc_now():
        raise click.BadParameter(f"{text!r} is in the future")
    return since


def since_option(meaning: str) -> Callable[[Any], Any]:
    """The option `--since D`, a time in the past."""
    return click.option(
        "--since",
        callback=_since,
        metavar="D",
        help=f"{meaning} An age counts back to the beginning of that UTC day.",
    )

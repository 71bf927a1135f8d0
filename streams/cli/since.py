"""`--since`: a date or an age."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from streams.clock import utc_now
from streams.settings import parse_duration


def moment(text: str, now: datetime) -> datetime:
    """The time that `text` names at `now`: a date's, or so far back, at the beginning of that UTC day.

    To the day, so that who types it again on the same day means the same. Raises ValueError, OverflowError.
    """
    try:
        since = datetime.fromisoformat(text)
    except ValueError:
        back = now.astimezone(UTC) - timedelta(seconds=parse_duration(text))
        return back.replace(hour=0, minute=0, second=0, microsecond=0)
    return since if since.tzinfo else since.replace(tzinfo=UTC)


def _since(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        since = moment(text, utc_now())
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r}: write a date like 2026-10-01 or an age like 30d") from None
    if since > utc_now():
        raise click.BadParameter(f"{text!r} is in the future")
    return since


def since_option(meaning: str) -> Callable[[Any], Any]:
    """The option `--since D`, an aware datetime in the past."""
    return click.option(
        "--since",
        callback=_since,
        metavar="D",
        help=f"{meaning} An age counts back to the beginning of that UTC day.",
    )

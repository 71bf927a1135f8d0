"""`--since`: a date, or how far back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from streams.clock import utc_now
from streams.settings import parse_duration


def _since(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        since = datetime.fromisoformat(text)
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
    except ValueError:
        try:
            since = utc_now() - timedelta(seconds=parse_duration(text))
        except (ValueError, OverflowError):
            raise click.BadParameter(
                f"{text!r}: write a date like 2026-10-01, or how far back, like 30d"
            ) from None
    if since > utc_now():
        raise click.BadParameter(f"{text!r} is in the future")
    return since


def since_option(meaning: str) -> Callable[[Any], Any]:
    """The option `--since D`, an aware datetime in the past."""
    return click.option("--since", callback=_since, metavar="D", help=meaning)

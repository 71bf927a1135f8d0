"""The only place that asks the machine for the time; everything else is passed it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present as an aware UTC time."""


def utc_now() -> datetime:
    """The present as an aware UTC time."""
    return datetime.now(UTC)

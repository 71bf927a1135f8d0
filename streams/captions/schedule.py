"""What follows a try that brought no captions: the one schedule, pure.

- Only a try that said something of the video is counted: `later` and `unknown` follow the configured delays, `slow` its own.
- What YouTube refuses (`soon`) is due at once and never final: watch says when YouTube may be asked again.
- A video that has not aired (`not_yet`) is asked for when it should be over. It is final some days after its last
  announced start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from streams.events.captions import FailureClass

SLOW = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
STREAM_LENGTH = timedelta(hours=1)
MARGIN = timedelta(minutes=15)
ON_AIR = timedelta(minutes=30)
# A start can also move forward.
LOOK_AGAIN = timedelta(days=1)
NEVER_AIRED = timedelta(days=30)


@dataclass(frozen=True)
class Failure:
    """Why there are no captions. Of a video that has not aired: its announced start, or in how long it is, and its length."""

    reason: str
    failure: FailureClass
    starts_at: datetime | None = None
    starts_in: timedelta | None = None
    length: timedelta | None = None


@dataclass(frozen=True)
class Next:
    """`tries`: counted so far. `at`: when to try again, None = never. `starts_at`: the start that was last announced."""

    tries: int
    at: datetime | None
    starts_at: datetime | None = None


def after(
    failure: Failure, tries: int, starts_at: datetime | None, delays: Sequence[float], now: datetime
) -> Next:
    """What follows `failure`, with `tries` counted and `starts_at` announced before it; `delays` in seconds."""
    match failure.failure:
        case "permanent":
            return Next(tries + 1, None)
        case "slow":
            return Next(tries + 1, now + SLOW[tries] if tries < len(SLOW) else None)
        case "later" | "unknown":
            return Next(tries + 1, now + timedelta(seconds=delays[tries]) if tries < len(delays) else None)
        case "soon":
            return Next(tries, now, starts_at)
        case "not_yet":
            return _until_aired(failure, tries, starts_at, now)
        case _:
            assert_never(failure.failure)


def _until_aired(failure: Failure, tries: int, announced: datetime | None, now: datetime) -> Next:
    start = failure.starts_at or announced
    if failure.starts_at is None and failure.starts_in is not None:
        start = now + failure.starts_in
    start = start or now
    if now > start + NEVER_AIRED:
        return Next(tries, None, start)
    over = start + (failure.length or STREAM_LENGTH) + MARGIN
    at = min(over, now + LOOK_AGAIN) if over > now else now + ON_AIR
    return Next(tries, at, start)

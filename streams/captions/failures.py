"""Why there are no captions, whether to ask again, and when.

permanent: there will never be any. later: the video is not ready, or not for us; a few retries. soon: YouTube
throttles, so nothing is known of the video. An unknown sentence is `later`: neither lost nor tried for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from streams.events.captions import FailureClass

SOON = timedelta(minutes=10)
SOON_ATTEMPTS = 3

# The first sentence found decides. "Sign in" also stands in what is said of private and age-restricted videos, and
# "video unavailable" before most reasons, so the order matters. All in lower case, with a straight '.
_SENTENCES: tuple[tuple[str, FailureClass], ...] = (
    ("not a bot", "soon"),
    ("content isn't available, try again later", "soon"),
    ("captcha", "soon"),
    ("failed to extract any player response", "soon"),
    ("your ip is likely being blocked", "soon"),
    ("private video", "permanent"),
    ("video is private", "permanent"),
    ("join this channel", "permanent"),
    ("members-only", "permanent"),
    ("confirm your age", "permanent"),
    ("removed by the uploader", "permanent"),
    ("account associated with this video has been terminated", "permanent"),
    ("account has been terminated", "permanent"),
    ("copyright", "permanent"),
    ("violating", "permanent"),
    ("premieres in", "later"),
    ("live event will begin", "later"),
    ("processing this video", "later"),
    ("in your country", "later"),
    ("video unavailable", "later"),
)


@dataclass(frozen=True)
class Failure:
    """A reason in words and its class."""

    reason: str
    failure: FailureClass


def of_error(kind: str, text: str, status: int | None) -> Failure:
    """What yt-dlp's error says: the parts of an ExtractionError."""
    reason = text.partition(" Use --cookies")[0]  # the rest is advice for yt-dlp's command line
    if kind == "TransportError" or (status is not None and (status == 429 or status >= 500)):
        return Failure(reason, "soon")
    plain = reason.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").lower()
    return Failure(reason, next((failure for sentence, failure in _SENTENCES if sentence in plain), "later"))


def of_status(status: int) -> Failure:
    """What an HTTP status other than 200 on the track says: its address was good a second ago."""
    return Failure(f"HTTP {status} on the captions", "soon")


def of_no_track(live_status: str | None, *, trusted: bool) -> Failure:
    """What a missing track says; `trusted`: YouTube has shown that it would have given one."""
    if live_status in ("is_live", "is_upcoming", "post_live"):
        return Failure(f"the live stream is not finished ({live_status})", "later")
    if not trusted:
        return Failure("YouTube showed neither captions nor formats: it throttles", "soon")
    return Failure("no captions yet", "later")


def next_try_at(
    failure: FailureClass, attempt: int, delays: Sequence[float], now: datetime
) -> datetime | None:
    """When to try again after the `attempt`-th try (from 1) failed, `delays` in seconds; None: that was the last."""
    if failure == "permanent":
        return None
    if failure == "soon" and attempt <= SOON_ATTEMPTS:
        return now + SOON
    return now + timedelta(seconds=delays[attempt - 1]) if attempt <= len(delays) else None

"""What a check found, and what numbers mean: pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

Verdict = Literal["ok", "look", "broken"]

OLD_YTDLP = timedelta(days=60)
"""YouTube changes faster than that."""
SKEW_SEEN, SKEW_BREAKS = timedelta(seconds=10), timedelta(minutes=5)
"""From the first on, times in the log mislead; from the second on, logins and TLS fail."""


@dataclass(frozen=True)
class Finding:
    """A check in one line, without a full stop: `found`, and the fix where it is not ok."""

    check: str
    verdict: Verdict
    found: str
    fix: str = ""


def is_broken(findings: Iterable[Finding]) -> bool:
    """Whether anything must be mended before Earmark works."""
    return any(finding.verdict == "broken" for finding in findings)


def clock(whose: str, date: str | None, now: datetime) -> Finding:
    """This machine's clock against the Date header of `whose` answer."""
    name = f"clock ({whose})"
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return Finding(name, "look", f"{whose} says no time", "none: another clock may be compared")
    return skew(name, now - theirs.replace(tzinfo=theirs.tzinfo or UTC), whose)


def skew(check: str, ahead: timedelta, whose: str) -> Finding:
    """This machine's clock, `ahead` of another's."""
    seconds = ahead.total_seconds()
    if abs(ahead) <= SKEW_SEEN:
        return Finding(check, "ok", f"within {SKEW_SEEN.seconds} s of {whose}'s")
    where = "ahead of" if seconds > 0 else "behind"
    return Finding(
        check,
        "broken" if abs(ahead) > SKEW_BREAKS else "look",
        f"this machine's clock is {abs(seconds):.0f} s {where} {whose}'s",
        "set the clock by NTP",
    )


def ytdlp_age(version: str, now: datetime) -> Finding:
    """Whether yt-dlp is young enough for YouTube of today: its version is its day."""
    year, month, day, *_ = (int(part) for part in version.split(".") if part.isdecimal())
    age = now - datetime(year, month, day, tzinfo=UTC)
    if age.days <= OLD_YTDLP.days:
        return Finding("yt-dlp", "ok", f"{version}, {age.days} days old")
    return Finding(
        "yt-dlp",
        "look",
        f"{version} is {age.days} days old: YouTube refuses old clients",
        "pip install --upgrade yt-dlp",
    )


def room(free: int, min_free: int, where: str) -> Finding:
    """Whether the disk has room, in bytes."""
    found = f"{free / 1e9:.1f} GB free at {where}"
    if free < min_free:
        return Finding(
            "disk",
            "broken",
            f"{found}, less than EARMARK_DISK_MIN_FREE ({min_free / 1e9:.1f} GB): nothing new is begun",
            "free some space, or move EARMARK_HOME to another disk",
        )
    if free < 2 * min_free:
        return Finding(
            "disk", "look", f"{found}: nothing new is begun below {min_free / 1e9:.1f} GB", "free some space"
        )
    return Finding("disk", "ok", found)

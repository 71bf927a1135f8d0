"""How much a backfill is, before anything is requested."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from streams.discovery.channels import Follow
from streams.discovery.listing import Listed, wanted

UNKNOWN_DURATION_S = 600.0


@dataclass(frozen=True)
class Size:
    """How many videos, and how long they are together in seconds."""

    videos: int
    seconds: float


def size(tabs: Iterable[Iterable[Listed]], follow: Follow, known: Container[str]) -> Size:
    """The videos of `tabs` that `follow` wants and the log does not know; one without a duration counts as the mean."""
    durations: dict[str, float | None] = {}
    for listed in tabs:
        entries = {entry.video_id: entry for entry in listed}
        for video in wanted(list(entries.values()), follow):
            if video.video_id not in known:
                durations[video.video_id] = entries[video.video_id].duration_s
    known_s = [seconds for seconds in durations.values() if seconds is not None]
    mean = sum(known_s) / len(known_s) if known_s else UNKNOWN_DURATION_S
    return Size(len(durations), sum(known_s) + mean * (len(durations) - len(known_s)))


def days(usd: Decimal, daily_cap_usd: Decimal, share: Decimal) -> int | None:
    """How many days `usd` takes at a share of the cap; None if the cap is 0: never."""
    a_day = daily_cap_usd * share
    return None if not a_day else int((usd / a_day).to_integral_value(ROUND_CEILING))

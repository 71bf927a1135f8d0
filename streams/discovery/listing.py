"""Videos as a feed or a tab lists them, and which of them a follower wants."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from streams.discovery.addresses import watch_url
from streams.discovery.channels import Follow
from streams.events.videos import Origin, Video


@dataclass(frozen=True, slots=True)
class Listed:
    """A video in a list; `published_at` is exact, `about` what a tab's "3 days ago" comes to; each may be null.

    `is_airing`: it is announced or on air, so it is published after all that is published now.
    """

    video_id: str
    title: str | None
    published_at: datetime | None
    about: datetime | None = None
    duration_s: float | None = None
    is_short: bool = False
    is_airing: bool = False


def wanted(listed: Sequence[Listed], follow: Follow, title: str | None = None) -> list[Video]:
    """The videos among `listed` (newest first) that `follow` is about, oldest first, with their origin.

    Oldest first: sent in this order and cut short anywhere, what is known has no gap before its newest.
    `title` is the channel's. An entry without a date counts as its older neighbour; with none, it is not wanted.
    """
    videos: list[Video] = []
    date: datetime | None = None
    for entry in reversed(listed):
        if not entry.is_airing:
            date = entry.published_at or _latest(entry.about) or date
        origin = "poll" if entry.is_airing else _origin(date, follow)
        if origin is not None:
            videos.append(
                Video(
                    video_id=entry.video_id,
                    url=watch_url(entry.video_id),
                    channel_id=follow.channel_id,
                    channel_title=title or follow.title,
                    title=entry.title,
                    published_at=entry.published_at,
                    published_precision=None if entry.published_at is None else "second",
                    origin=origin,
                )
            )
    return videos


def reaches_back(listed: Sequence[Listed], follow: Follow, known: Container[str]) -> bool:
    """Whether a feed shows all that is new: it is short, ends before the following began, or meets what is known."""
    full_feed = 15
    if len(listed) < full_feed:
        return True
    return any(entry.video_id in known or _origin(entry.published_at, follow) != "poll" for entry in listed)


def _origin(date: datetime | None, follow: Follow) -> Origin | None:
    if date is None:
        return None
    if date >= follow.at:
        return "poll"
    return "backfill" if follow.since is not None and date >= follow.since else None


def _latest(about: datetime | None) -> datetime | None:
    # "3 days ago" is rounded to the day, "5 hours ago" to the hour: to miss nothing, take the latest it can mean.
    if about is None:
        return None
    return about + (timedelta(hours=12) if about.time() == time() else timedelta(minutes=30))

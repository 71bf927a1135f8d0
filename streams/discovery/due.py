"""What watch sends next: live videos, then retries, then old videos, at a pace.

Rules: one probe at a time while YouTube refuses; nothing that the log knows; a live video waits for the valve only behind
a minute's worth of others, as after a pause.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from streams.discovery.channels import Follow
from streams.discovery.known import Known, Retry
from streams.events.channels import ChannelScanned, Tab
from streams.events.videos import Video


@dataclass(frozen=True)
class Pace:
    """How watch treats YouTube. `per_minute`: videos requested; `look_gap`: between the starts of two looks, at least."""

    poll_interval: timedelta
    per_minute: float
    tabs: tuple[Tab, ...]
    look_gap: timedelta = timedelta(seconds=1)


@dataclass(frozen=True)
class Walk:
    """A tab was walked back for `follow`, to `since`, and holds these videos."""

    follow: Follow
    tab: Tab
    since: datetime
    video_ids: frozenset[str]


@dataclass
class Backlog:
    """Videos that were found and are not in the log yet. They are lost with the process: the next look finds them again."""

    live: dict[str, Video] = field(default_factory=dict)
    old: dict[str, Video] = field(default_factory=dict)
    walks: dict[tuple[str, Tab], Walk] = field(default_factory=dict)

    def add(self, videos: Iterable[Video]) -> None:
        """Queue videos that are not queued yet: live videos in the order given, old ones newest first.

        The first entry for a video wins. The feed comes first because its times are exact.
        """
        new = [v for v in videos if v.video_id not in self.live and v.video_id not in self.old]
        self.live.update((video.video_id, video) for video in new if video.origin == "poll")
        self.old.update((video.video_id, video) for video in reversed(new) if video.video_id not in self.live)

    def walked(self, walk: Walk) -> None:
        """A walk came to its end; it counts once its videos are in the log."""
        self.walks[walk.follow.channel_id, walk.tab] = walk

    def prune(self, known: Known) -> None:
        """Forget what the log has, and what was found for a follow that has ended."""
        follows = known.channels.follows
        for line in (self.live, self.old):
            for video in [
                v for v in line.values() if v.video_id in known.settled or v.channel_id not in follows
            ]:
                del line[video.video_id]
        for place, walk in list(self.walks.items()):
            follow = follows.get(walk.follow.channel_id)
            if follow is None or follow.at != walk.follow.at or known.channels.covers(*place, walk.since):
                del self.walks[place]

    def covered(self, known: Known, now: datetime) -> list[ChannelScanned]:
        """The walks whose every video is in the log, as the events that say so."""
        return [
            ChannelScanned(at=now, channel_id=channel_id, tab=tab, since=walk.since, complete=True)
            for (channel_id, tab), walk in self.walks.items()
            if walk.video_ids <= known.settled.keys()
        ]


@dataclass(frozen=True)
class Valve:
    """Lets `per_minute` things pass, evenly; up to a second's worth at once after a pause, of live videos a minute's."""

    per_minute: float
    opens_at: datetime

    def next_at(self, *, live: bool = False) -> datetime:
        """When the next one may pass."""
        return self.opens_at - (timedelta(minutes=1) if live else timedelta())

    def is_open(self, now: datetime, *, live: bool = False) -> bool:
        """Whether one may pass now."""
        return now >= self.next_at(live=live)

    def passed(self, now: datetime) -> "Valve":
        """The valve after one passed."""
        opens_at = max(self.opens_at, now - timedelta(seconds=1)) + timedelta(minutes=1 / self.per_minute)
        return Valve(self.per_minute, opens_at)


def next_due(known: Known, backlog: Backlog, valve: Valve, now: datetime) -> Video | Retry | None:
    """What to send now, or None. A video comes from the backlog, a retry from the log."""
    live = _first(backlog.live, known)
    if known.pause is not None:
        if not known.may_probe(known.pause, now):
            return None
        return known.first_probe(now) or live or _first(backlog.old, known)
    if live is not None and valve.is_open(now, live=True):
        return live
    if not valve.is_open(now):
        return None
    return known.first_retry(now) or _first(backlog.old, known)


def _first(line: dict[str, Video], known: Known) -> Video | None:
    return next((video for video in line.values() if video.video_id not in known.settled), None)

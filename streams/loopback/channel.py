"""A channel as the loopback YouTube shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from streams.loopback import refusals
from streams.loopback.refusals import Refusal

Behaviour = Literal[
    "plays",
    "private",
    "members_only",
    "upcoming",
    "bot_check",
    "player_429",
    "timedtext_429",
    "timedtext_html",
    "timedtext_drips",
]
"""What a video answers when it is requested: it plays, it cannot be played (and why), or YouTube throttles."""

UNPLAYABLE: Mapping[Behaviour, Refusal] = MappingProxyType(
    {
        "private": refusals.PRIVATE,
        "members_only": refusals.MEMBERS_ONLY,
        "upcoming": refusals.announced(timedelta(hours=3), premiere=True),
        "bot_check": refusals.BOT_CHECK,
        "player_429": refusals.PLAYER_429,
    }
)
"""The refusal that a behaviour stands for."""

Moment = Literal["hidden", "upcoming", "live", "post_live", "out"]
"""Where a video is in its life: nobody knows of it, it is announced, live, over but not yet processed, or out."""


@dataclass(frozen=True)
class Track:
    """A caption track. A request for it is answered with `status` and `body` (null: nothing).

    `name` parts two tracks that people wrote in one language.
    """

    language: str
    kind: Literal["manual", "auto"]
    body: bytes | None
    status: int = 200
    name: str = ""


@dataclass(frozen=True)
class Sound:
    """A sound track: the one it was made with, the one that YouTube plays, one that YouTube dubbed."""

    language: str
    original: bool = False
    default: bool = False
    dubbed: bool = False


@dataclass(frozen=True)
class Airing:
    """When a live stream (or a `premiere`: a finished video that is first shown at an hour) is announced, on, and over.

    It begins late where `scheduled_at`, the start that YouTube names, is before `starts_at`. Not `dated`: YouTube names
    none. Until `processed_at` a stream that is over has no captions and can only be rewound.
    """

    announced_at: datetime
    starts_at: datetime
    ends_at: datetime
    premiere: bool = False
    dated: bool = True
    scheduled_at: datetime | None = None
    processed_at: datetime | None = None

    def moment(self, now: datetime) -> Moment:
        """Where it is at `now`."""
        if now < self.announced_at:
            return "hidden"
        if now < self.starts_at:
            return "upcoming"
        if now < self.ends_at:
            return "live"
        return "post_live" if self.processed_at is not None and now < self.processed_at else "out"

    def start(self, now: datetime) -> datetime:
        """When it starts as YouTube says at `now`: as it was scheduled, and once it is on, as it was."""
        if now >= self.starts_at or self.scheduled_at is None:
            return self.starts_at
        return self.scheduled_at


@dataclass(frozen=True)
class ChannelVideo:
    """A video; `auto` and `manual` are caption tracks in `language`, json3 bodies as YouTube sends them.

    `tracks`: further ones, in the order in which YouTube lists them. `published_at`: its upload date, of which
    `day_only` keeps the day alone. With an `airing` that one says when it is there; without, it is there from
    `published_at` on. `says`: what the player answers instead.
    """

    video_id: str
    title: str
    published_at: datetime
    duration_s: int
    auto: bytes | None = None
    manual: bytes | None = None
    language: str = "en"
    behaviour: Behaviour = "plays"
    tracks: tuple[Track, ...] = ()
    sounds: tuple[Sound, ...] = ()
    airing: Airing | None = None
    says: Refusal | None = None
    day_only: bool = False
    short: bool = False

    @property
    def all_tracks(self) -> tuple[Track, ...]:
        """Every caption track in YouTube's order."""
        manual = () if self.manual is None else (Track(self.language, "manual", self.manual),)
        auto = () if self.auto is None else (Track(self.language, "auto", self.auto),)
        return (*manual, *auto, *self.tracks)

    @property
    def tab(self) -> str:
        """The tab of the channel that lists it."""
        if self.short:
            return "shorts"
        return "streams" if self.airing is not None and not self.airing.premiere else "videos"

    @property
    def listed_at(self) -> datetime:
        """Since when feed and tab have it; the feed's `published`."""
        return self.published_at if self.airing is None else self.airing.announced_at

    @property
    def shown_from(self) -> datetime:
        """Since when it can be watched."""
        return self.published_at if self.airing is None else self.airing.starts_at

    def moment(self, now: datetime) -> Moment:
        """Where it is in its life at `now`."""
        if self.airing is not None:
            return self.airing.moment(now)
        return "out" if now >= self.published_at else "hidden"

    def refusal(self, now: datetime) -> Refusal | None:
        """What its player says at `now` instead of playing."""
        moment = self.moment(now)
        if moment == "hidden":
            return refusals.UNAVAILABLE
        if self.says is not None:
            return self.says
        if self.airing is not None and moment == "upcoming":
            return refusals.announced(self.airing.start(now) - now, premiere=self.airing.premiere)
        return UNPLAYABLE.get(self.behaviour)


@dataclass(frozen=True)
class Channel:
    """A channel of videos and, where it has any, of live streams; its shorts stand in the feed alone. `handle` begins with @."""

    channel_id: str
    handle: str
    title: str
    videos: tuple[ChannelVideo, ...]

    def listed(self, now: datetime, tab: str | None = None) -> list[ChannelVideo]:
        """The videos there are at `now`, of one tab or of the feed (None), in YouTube's order.

        The feed has the last published first, the tabs have what is to come and live before what was.
        """
        there = [video for video in self.videos if video.moment(now) != "hidden" and tab in {None, video.tab}]
        if tab is None:
            return sorted(there, key=lambda video: video.listed_at, reverse=True)
        return sorted(
            there,
            key=lambda video: (video.moment(now) in {"upcoming", "live"}, video.shown_from),
            reverse=True,
        )

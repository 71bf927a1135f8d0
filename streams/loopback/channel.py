"""A channel as the loopback YouTube shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

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


@dataclass(frozen=True)
class ChannelVideo:
    """A video; `auto` and `manual` are caption tracks in `language`, json3 bodies as YouTube sends them."""

    video_id: str
    title: str
    published_at: datetime
    duration_s: int
    auto: bytes | None = None
    manual: bytes | None = None
    language: str = "en"
    behaviour: Behaviour = "plays"


@dataclass(frozen=True)
class Channel:
    """A channel of ordinary videos: it has neither streams nor shorts. `handle` begins with @."""

    channel_id: str
    handle: str
    title: str
    videos: tuple[ChannelVideo, ...]

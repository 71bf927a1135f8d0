"""Whose videos are watched."""

from typing import Literal

from streams.events.event import Event, Utc

Tab = Literal["videos", "streams", "shorts"]
"""A channel's list of videos on YouTube."""


class ChannelFollowed(Event):
    """A person asked to follow a channel; `since`: take its videos from that time on, else from `at` on."""

    channel_id: str
    handle: str | None
    title: str | None
    since: Utc | None

    @property
    def key(self) -> str:
        return self.channel_id

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.channel_id, self.at.isoformat())


class ChannelScanned(Event):
    """A tab was walked back to `since`; `complete`: every video found there is in the log."""

    channel_id: str
    tab: Tab
    since: Utc
    complete: bool

    @property
    def key(self) -> str:
        return self.channel_id

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.channel_id, self.tab, self.since.isoformat(), self.complete)


class ChannelUnfollowed(Event):
    """A person asked to follow a channel no more; what is in the log stays."""

    channel_id: str

    @property
    def key(self) -> str:
        return self.channel_id

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.channel_id, self.at.isoformat())

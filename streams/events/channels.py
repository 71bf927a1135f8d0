"""Whose videos are watched."""

from typing import Literal

from streams.events.event import Event, Utc

Tab = Literal["videos", "streams", "shorts"]
"""A channel's list of videos on YouTube."""


class _OfChannel(Event):
    channel_id: str

    @property
    def key(self) -> str:
        return self.channel_id


class ChannelFollowed(_OfChannel):
    """A person asked to follow a channel; `since`: take its videos from that time on, else from `at` on."""

    handle: str | None
    title: str | None
    since: Utc | None

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.channel_id, self.at.isoformat())


class ChannelScanned(_OfChannel):
    """A tab was walked back to `since`; `complete`: every video found there is in the log."""

    tab: Tab
    since: Utc
    complete: bool

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.channel_id, self.tab, self.since.isoformat(), self.complete)


class ChannelUnfollowed(_OfChannel):
    """A person asked to follow a channel no more; what is in the log stays."""

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.channel_id, self.at.isoformat())

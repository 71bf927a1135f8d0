"""Whose videos are watched: a fold of the topic `channels`."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from streams.events.channels import ChannelFollowed, ChannelScanned, ChannelUnfollowed, Tab
from streams.events.event import Event


@dataclass(frozen=True)
class Follow:
    """A followed channel. Videos from `at` on are new; older videos count from `since` on, if it is set."""

    channel_id: str
    handle: str | None
    title: str | None
    at: datetime
    since: datetime | None

    def reaches(self, since: datetime | None) -> bool:
        """Whether videos from `since` on are taken already."""
        return since is None or (self.since or self.at) <= since


@dataclass
class Channels:
    """The follows by channel id, and how far back each tab of theirs was walked."""

    follows: dict[str, Follow] = field(default_factory=dict)
    covered: dict[tuple[str, Tab], datetime] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Fold one event of the topic, in the topic's order. A repeated event changes nothing."""
        match event:
            case ChannelFollowed():
                self._follow(event)
            case ChannelScanned(complete=True) if event.channel_id in self.follows:
                place = (event.channel_id, event.tab)
                self.covered[place] = min(event.since, self.covered.get(place, event.since))
            case ChannelUnfollowed():
                # Videos from here on are not taken, so the next follow walks back again.
                self.follows.pop(event.channel_id, None)
                self.covered = {p: since for p, since in self.covered.items() if p[0] != event.channel_id}
            case _:
                pass

    def _follow(self, event: ChannelFollowed) -> None:
        old = self.follows.get(event.channel_id)
        if old is None:
            self.follows[event.channel_id] = Follow(
                event.channel_id, event.handle, event.title, event.at, event.since
            )
            return
        sinces = [since for since in (old.since, event.since) if since is not None]
        self.follows[event.channel_id] = replace(
            old,
            handle=event.handle or old.handle,
            title=event.title or old.title,
            since=min(sinces, default=None),
        )

    def covers(self, channel_id: str, tab: Tab, since: datetime) -> bool:
        """Whether every video of a tab from `since` on is in the log."""
        covered = self.covered.get((channel_id, tab))
        return covered is not None and covered <= since

    def uncovered(self, channel_id: str, tabs: Iterable[Tab]) -> list[Tab]:
        """The tabs that must still be walked back to the channel's `since`."""
        follow = self.follows.get(channel_id)
        if follow is None or follow.since is None:
            return []
        return [tab for tab in tabs if not self.covers(channel_id, tab, follow.since)]

"""One look at a followed channel: its feed, its tabs where the feed does not do, a walk back where one is owed."""

import asyncio
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from streams.clock import Clock
from streams.discovery.channels import Follow
from streams.discovery.due import Backlog, Walk
from streams.discovery.feed import Feed, FeedError
from streams.discovery.known import Known
from streams.discovery.listing import Listed, reaches_back, wanted
from streams.discovery.youtube import YouTube
from streams.events.channels import Tab

log = logging.getLogger(__name__)

TABS_EVERY = timedelta(hours=3)
# Streams announced before a channel was followed stand in no feed's newer part, but first on its tabs.
FRESH = timedelta(days=1)


class GetFeed(Protocol):
    """Asks for a channel's feed."""

    async def __call__(self, channel_id: str) -> Feed:
        """The feed. Raises FeedError or RefusedError."""


@dataclass(frozen=True)
class Scout:
    """Looks at channels and puts what is wanted of them into the backlog.

    Two feeds and one tab at a time: YouTube sees a trickle, and a long walk does not hold up the feeds.
    """

    youtube: YouTube
    get_feed: GetFeed
    tabs: tuple[Tab, ...]
    known: Known
    backlog: Backlog
    now: Clock
    _tabs_seen: dict[str, datetime] = field(default_factory=dict)
    _feeds: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    _walks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def look(self, follow: Follow) -> None:
        """Look once. Raises EarmarkError where YouTube does not give what is needed; the next look makes up for it."""
        owed = self.known.channels.uncovered(follow.channel_id, self.tabs)
        feed = await self._feed(follow)
        shown = {} if feed is None else {entry.video_id: entry for entry in feed.listed}
        if self._needs_tabs(follow, feed):
            # Before the feed's own: once those are in the log, the gap behind them would never show again.
            for tab in self.tabs:
                if tab not in owed:
                    shown = await self._poll(follow, tab, shown)
            self._tabs_seen[follow.channel_id] = self.now()
        walked = [(tab, await self._walk_back(follow, tab)) for tab in owed]
        for _, listed in walked:
            shown = _airing(listed, shown)
        if feed is not None:
            entries = [shown[entry.video_id] for entry in feed.listed]
            kept = [entry for entry in entries if "shorts" in self.tabs or not entry.is_short]
            self.backlog.add(wanted(kept, follow, feed.title))
        for tab, listed in walked:
            self._walked(follow, tab, listed)

    def _needs_tabs(self, follow: Follow, feed: Feed | None) -> bool:
        seen_at = self._tabs_seen.get(follow.channel_id)
        if seen_at is not None and self.now() < seen_at + TABS_EVERY:
            return False
        if seen_at is None and self.now() < follow.at + FRESH:
            return True
        if feed is None:
            return True
        ids = (entry.video_id for entry in feed.listed)
        known = {one for one in ids if one in self.known.settled or one in self.backlog.live}
        return not reaches_back(feed.listed, follow, known)

    async def _feed(self, follow: Follow) -> Feed | None:
        try:
            async with self._feeds:
                return await self.get_feed(follow.channel_id)
        except FeedError as error:
            # False 404s and 500s are common: never a sign that the channel is gone.
            log.info("%s: no feed, so its tabs: %s", follow.channel_id, error)
            return None

    async def _poll(self, follow: Follow, tab: Tab, shown: dict[str, Listed]) -> dict[str, Listed]:
        """Queue what a tab has and the feed does not; what of the feed airs."""
        known = list(self.known.settled)
        async with self._walks:
            listed = await self.youtube.tab(follow.channel_id, tab, known=known, since=follow.at)
        self.backlog.add(video for video in wanted(listed, follow) if video.video_id not in shown)
        return _airing(listed, shown)

    async def _walk_back(self, follow: Follow, tab: Tab) -> tuple[Listed, ...]:
        async with self._walks:
            return await self.youtube.tab(follow.channel_id, tab, known=[], since=follow.since or follow.at)

    def _walked(self, follow: Follow, tab: Tab, listed: tuple[Listed, ...]) -> None:
        videos = wanted(listed, follow)
        self.backlog.add(videos)
        since = follow.since or follow.at
        self.backlog.walked(Walk(follow, tab, since, frozenset(video.video_id for video in videos)))


def _airing(listed: tuple[Listed, ...], shown: dict[str, Listed]) -> dict[str, Listed]:
    """The feed's entries by id, with those that air by a tab's word: a feed does not say so."""
    airing = {entry.video_id for entry in listed if entry.is_airing}
    return {
        video_id: replace(entry, is_airing=entry.is_airing or video_id in airing)
        for video_id, entry in shown.items()
    }

"""One look at a followed channel: its feed, its tabs where the feed does not do, a walk back where one is owed."""

import asyncio
import logging
from dataclasses import dataclass, field

from streams.discovery.channels import Follow
from streams.discovery.due import Backlog, Walk
from streams.discovery.feed import Feed
from streams.discovery.known import Known
from streams.discovery.listing import reaches_back, wanted
from streams.discovery.youtube import YouTube
from streams.errors import EarmarkError
from streams.events.channels import Tab
from streams.events.videos import Video

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scout:
    """Looks at channels and puts what is wanted of them into the backlog.

    Two feeds and one tab at a time: YouTube sees a trickle, and a long walk does not hold up the feeds.
    """

    youtube: YouTube
    tabs: tuple[Tab, ...]
    known: Known
    backlog: Backlog
    _feeds: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    _walks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def look(self, follow: Follow) -> None:
        """Look once. Raises EarmarkError where YouTube does not give what is needed; the next look makes up for it."""
        owed = self.known.channels.uncovered(follow.channel_id, self.tabs)
        feed = await self._feed(follow)
        if feed is None or not reaches_back(feed.listed, follow, self.known.settled):
            # Before the feed's own: once those are in the log, the gap behind them would never show again.
            in_feed = set() if feed is None else {entry.video_id for entry in feed.listed}
            for tab in self.tabs:
                if tab not in owed:
                    videos = await self._poll(follow, tab)
                    self.backlog.add(video for video in videos if video.video_id not in in_feed)
        if feed is not None:
            entries = [entry for entry in feed.listed if "shorts" in self.tabs or not entry.is_short]
            self.backlog.add(wanted(entries, follow, feed.title))
        for tab in owed:
            await self._walk_back(follow, tab)

    async def _feed(self, follow: Follow) -> Feed | None:
        try:
            async with self._feeds:
                return await self.youtube.feed(follow.channel_id)
        except EarmarkError as error:
            # False 404s and 500s are common: never a sign that the channel is gone.
            log.info("%s: no feed, so its tabs: %s", follow.channel_id, error)
            return None

    async def _poll(self, follow: Follow, tab: Tab) -> list[Video]:
        known = list(self.known.settled)
        async with self._walks:
            listed = await self.youtube.tab(follow.channel_id, tab, known=known, since=follow.at)
        return wanted(listed, follow)

    async def _walk_back(self, follow: Follow, tab: Tab) -> None:
        since = follow.since or follow.at
        async with self._walks:
            listed = await self.youtube.tab(follow.channel_id, tab, known=[], since=since)
        videos = wanted(listed, follow)
        self.backlog.add(videos)
        self.backlog.walked(Walk(follow, tab, since, frozenset(video.video_id for video in videos)))

"""One look at a followed channel: its feed, its tabs where the feed does not do, a walk back where one is owed."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from streams.discovery.channels import Follow
from streams.discovery.due import Backlog, Walk
from streams.discovery.known import Known
from streams.discovery.listing import Listed, reaches_back, wanted
from streams.discovery.youtube import YouTube
from streams.errors import EarmarkError
from streams.events.channels import Tab

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
        """Look once. Raises EarmarkError where YouTube gives neither feed nor tab; what was found till then stays."""
        owed = self.known.channels.uncovered(follow.channel_id, self.tabs)
        if not await self._look_at_feed(follow):
            for tab in self.tabs:
                if tab not in owed:
                    await self._poll(follow, tab)
        for tab in owed:
            await self._walk_back(follow, tab)

    async def _look_at_feed(self, follow: Follow) -> bool:
        try:
            async with self._feeds:
                feed = await self.youtube.feed(follow.channel_id)
        except EarmarkError as error:
            # False 404s and 500s are common: never a sign that the channel is gone.
            log.info("%s: no feed, so its tabs: %s", follow.channel_id, error)
            return False
        entries = [entry for entry in feed.listed if "shorts" in self.tabs or not entry.is_short]
        self.backlog.add(wanted(entries, follow, feed.title))
        return reaches_back(feed.listed, follow, self.known.settled)

    async def _poll(self, follow: Follow, tab: Tab) -> None:
        async with self._walks:
            listing = await self.youtube.tab(
                follow.channel_id, tab, known=list(self.known.settled), since=follow.at
            )
        self._add(listing.listed, follow)

    async def _walk_back(self, follow: Follow, tab: Tab) -> None:
        since = follow.since or follow.at
        async with self._walks:
            listing = await self.youtube.tab(follow.channel_id, tab, known=[], since=since)
        ids = self._add(listing.listed, follow)
        if not listing.complete:
            raise EarmarkError(f"{follow.channel_id}: the walk back through {tab} was cut short")
        self.backlog.walked(Walk(follow, tab, since, ids))

    def _add(self, listed: Sequence[Listed], follow: Follow) -> frozenset[str]:
        videos = wanted(listed, follow)
        self.backlog.add(videos)
        return frozenset(video.video_id for video in videos)

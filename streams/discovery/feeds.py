"""Channels' feeds over HTTP, asked for only what is new. yt-dlp would start a process for each."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from streams.discovery.feed import Feed, FeedError, parse
from streams.discovery.youtube import RefusedError

YOUTUBE = "https://www.youtube.com"
# A feed is a few kilobytes.
ANSWER_LIMIT_S = 20.0
BODY_LIMIT = 4 * 2**20


@dataclass(frozen=True)
class _Answer:
    """A feed, and the headers that ask whether it has changed."""

    validators: dict[str, str]
    feed: Feed


@dataclass
class Feeds:
    """The feeds as they were last seen. Make one with `open_feeds`."""

    origin: str
    session: aiohttp.ClientSession
    _seen: dict[str, _Answer] = field(default_factory=dict)

    async def get(self, channel_id: str) -> Feed:
        """The channel's feed. Raises RefusedError where YouTube refuses or is away, FeedError where it gives no feed."""
        url = f"{self.origin}/feeds/videos.xml"
        seen = self._seen.get(channel_id)
        try:
            async with self.session.get(
                url, params={"channel_id": channel_id}, headers=seen.validators if seen else {}
            ) as response:
                if response.status == 304 and seen is not None:
                    return seen.feed
                if response.status in (403, 429):
                    raise RefusedError(f"YouTube answers HTTP {response.status} for the feed of {channel_id}")
                if response.status != 200:
                    raise FeedError(f"YouTube answers HTTP {response.status} for the feed of {channel_id}")
                body = (await response.content.read(BODY_LIMIT)).decode(errors="replace")
                validators = {
                    asks: response.headers[says]
                    for asks, says in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
                    if says in response.headers
                }
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RefusedError(
                f"YouTube cannot be reached for the feed of {channel_id}: {error or type(error).__name__}"
            ) from error
        feed = parse(body)
        self._seen[channel_id] = _Answer(validators, feed)
        return feed


@asynccontextmanager
async def open_feeds(origin: str | None) -> AsyncIterator[Feeds]:
    """Feeds of YouTube, or of what stands at `origin`."""
    limit = aiohttp.ClientTimeout(total=ANSWER_LIMIT_S)
    # An origin is named, so no proxy knows better.
    async with aiohttp.ClientSession(timeout=limit, trust_env=origin is None) as session:
        yield Feeds(origin or YOUTUBE, session)

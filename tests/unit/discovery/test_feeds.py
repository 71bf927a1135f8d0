"""Feeds over HTTP, from the loopback YouTube: asked for only what is new, and a refusal told from a missing feed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streams.discovery.feed import FeedError
from streams.discovery.feeds import open_feeds
from streams.discovery.youtube import RefusedError
from streams.loopback import pages
from streams.loopback.channel import Channel, ChannelVideo

NOW = datetime.now(UTC)
CHANNEL = Channel(
    "UC" + "f" * 22,
    "@feeds",
    "Feeds & Co",
    tuple(ChannelVideo(f"video{n:06d}", f"Day {n}", NOW - timedelta(days=n), 60) for n in range(3)),
)


class Server:
    """A server of one feed, which says what it was asked."""

    def __init__(self, *, validators: bool = True) -> None:
        self.validators = validators
        self.status = 200
        self.asked: list[tuple[str | None, str | None]] = []
        application = web.Application()
        application.router.add_get("/feeds/videos.xml", self._feed)
        self.server = TestServer(application)

    @property
    def origin(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    async def _feed(self, request: web.Request) -> web.Response:
        self.asked.append((request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")))
        if self.validators and request.headers.get("If-None-Match") == '"one"':
            return web.Response(status=304)
        headers = (
            {"ETag": '"one"', "Last-Modified": "Mon, 05 Oct 2026 14:30:00 GMT"} if self.validators else {}
        )
        return web.Response(status=self.status, text=pages.feed(CHANNEL, NOW), headers=headers)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    one = Server()
    async with one.server:
        yield one


async def test_a_feed_that_has_not_changed_is_not_sent_again(server: Server) -> None:
    async with open_feeds(server.origin) as feeds:
        first, second = await feeds.get(CHANNEL.channel_id), await feeds.get(CHANNEL.channel_id)
    assert len(first.listed) == 3
    assert second is first
    assert server.asked == [(None, None), ('"one"', "Mon, 05 Oct 2026 14:30:00 GMT")]


async def test_a_feed_without_validators_is_asked_for_whole() -> None:
    one = Server(validators=False)
    async with one.server, open_feeds(one.origin) as feeds:
        for _ in range(2):
            assert (await feeds.get(CHANNEL.channel_id)).title == "Feeds & Co"
    assert one.asked == [(None, None)] * 2


@pytest.mark.parametrize(
    ("status", "error"), [(429, RefusedError), (403, RefusedError), (404, FeedError), (500, FeedError)]
)
async def test_a_refusal_is_told_from_a_missing_feed(
    server: Server, status: int, error: type[Exception]
) -> None:
    server.status = status
    async with open_feeds(server.origin) as feeds:
        with pytest.raises(error, match=f"HTTP {status}"):
            await feeds.get(CHANNEL.channel_id)


async def test_a_youtube_that_is_away_is_no_fault_of_the_channel() -> None:
    async with open_feeds("http://127.0.0.1:9") as feeds:
        with pytest.raises(RefusedError, match="cannot be reached"):
            await feeds.get(CHANNEL.channel_id)

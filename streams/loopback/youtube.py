"""A loopback YouTube that the real yt-dlp talks to: feed, channel, tabs, watch page, player API, captions.

What it says is in `streams.loopback.pages`: YouTube's shapes and wording as yt-dlp's own tests and issues show them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from streams.clock import Clock, utc_now
from streams.loopback import pages
from streams.loopback.channel import Channel, ChannelVideo

PAGE = 30


@dataclass
class LoopbackYoutube:
    """The server of one channel. `feed_status`: what the feed answers with. `requests`: every path asked, in order."""

    channel: Channel
    feed_status: int = 200
    now: Clock = utc_now
    origin: str = ""
    requests: list[str] = field(default_factory=list)

    def application(self) -> web.Application:
        """The routes; whatever else is asked for is a 404."""
        application = web.Application(middlewares=[self._record])
        application.add_routes(
            [
                web.get("/feeds/videos.xml", self._feed),
                web.get("/watch", self._watch),
                web.post("/youtubei/v1/player", self._player),
                web.post("/youtubei/v1/browse", self._browse),
                web.get("/api/timedtext", self._timedtext),
                web.get("/channel/{name}/{tab}", self._tab),
                web.get("/channel/{name}", self._tab),
                web.get("/{name:@[^/]+}/{tab}", self._tab),
                web.get("/{name:@[^/]+}", self._tab),
            ]
        )
        return application

    @web.middleware
    async def _record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(request.path_qs)
        return await handler(request)

    async def _feed(self, request: web.Request) -> web.Response:
        if request.query["channel_id"] != self.channel.channel_id:
            raise web.HTTPNotFound
        if self.feed_status != 200:
            return web.Response(status=self.feed_status)
        return web.Response(text=pages.feed(self.channel), content_type="text/xml")

    async def _tab(self, request: web.Request) -> web.Response:
        if request.match_info["name"] not in (self.channel.channel_id, self.channel.handle):
            raise web.HTTPNotFound
        page = pages.channel_page(self.channel, request.match_info.get("tab", "featured"), self._items(0))
        return web.Response(text=page, content_type="text/html")

    async def _browse(self, request: web.Request) -> web.Response:
        token = (await request.json()).get("continuation", "")
        if not token.isdecimal():
            raise web.HTTPNotFound
        return web.json_response(pages.continued(self._items(int(token))))

    def _items(self, start: int) -> list[pages.Json]:
        videos = pages.newest_first(self.channel)
        end = start + PAGE
        items = [pages.tab_item(video, self.now()) for video in videos[start:end]]
        return items if end >= len(videos) else [*items, pages.continuation_item(str(end))]

    async def _watch(self, request: web.Request) -> web.Response:
        page = pages.watch_page(self.channel, self._video(request.query["v"]))
        return web.Response(text=page, content_type="text/html")

    async def _player(self, request: web.Request) -> web.Response:
        video = self._video((await request.json())["videoId"])
        if video.behaviour == "player_429":
            raise web.HTTPTooManyRequests
        return web.json_response(pages.player(self.channel, video))

    async def _timedtext(self, request: web.Request) -> web.StreamResponse:
        video = self._video(request.query["v"])
        match video.behaviour:
            case "timedtext_429":
                raise web.HTTPTooManyRequests
            case "timedtext_html":
                return web.Response(
                    text="<html><body>Our systems have detected unusual traffic</body></html>"
                )
            case "timedtext_drips":
                return await _drip(request)
        body = video.auto if request.query.get("kind") == "asr" else video.manual
        if request.query.get("fmt") != "json3" or "tlang" in request.query or body is None:
            raise web.HTTPNotFound
        return web.Response(body=body, content_type="application/json")

    def _video(self, video_id: str) -> ChannelVideo:
        for video in self.channel.videos:
            if video.video_id == video_id:
                return video
        raise web.HTTPNotFound


async def _drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionResetError):
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.2)
    return response


@asynccontextmanager
async def serve(youtube: LoopbackYoutube) -> AsyncIterator[LoopbackYoutube]:
    """The same server, listening on a free loopback port for as long as the block lasts; `origin` says where."""
    runner = web.AppRunner(youtube.application(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        youtube.origin = f"http://{host}:{port}"
        yield youtube
    finally:
        await runner.cleanup()

"""A loopback YouTube that the real yt-dlp talks to: feed, channel, tabs, watch page, player API, captions.

What it says is in `streams.loopback.pages`, `video_pages` and `refusals`: YouTube's shapes and wording as yt-dlp's own
tests and issues show them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256

from aiohttp import web
from aiohttp.typedefs import Handler

from streams.clock import Clock, utc_now
from streams.loopback import pages, video_pages
from streams.loopback.channel import Channel, ChannelVideo, Track
from streams.loopback.refusals import Refusal

PAGE = 30
Refuses = Callable[[datetime], Refusal | None]
FeedStatus = int | Callable[[str, datetime], int]


def never(_: datetime) -> None:
    """YouTube turns nobody away."""


class LoopbackYoutube:
    """The server of some channels, by the clock `now`.

    `feed_status`: what feeds answer with, always or by channel id and time. `refuses`: what every player says at a time
    instead of its own answer. `validators`: feeds have an ETag and a Last-Modified and answer 304 to them.
    `requests`: every path asked, in order, and `asked_at` when.
    """

    def __init__(
        self,
        *channels: Channel,
        feed_status: FeedStatus = 200,
        now: Clock = utc_now,
        refuses: Refuses = never,
        validators: bool = True,
    ) -> None:
        self._channels = {channel.channel_id: channel for channel in channels}
        self.feed_status = feed_status
        self.now = now
        self.refuses = refuses
        self.validators = validators
        self.origin = ""
        self.requests: list[str] = []
        self.asked_at: list[datetime] = []

    @property
    def channel(self) -> Channel:
        """The channel as it is shown now; the first of several."""
        return next(iter(self._channels.values()))

    def show(self, channel: Channel) -> None:
        """Show a channel, in place of what was shown under its id."""
        self._channels[channel.channel_id] = channel

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
        self.asked_at.append(self.now())
        return await handler(request)

    async def _feed(self, request: web.Request) -> web.Response:
        now = self.now()
        channel = self._named(request.query["channel_id"])
        status = self.feed_status
        status = status if isinstance(status, int) else status(channel.channel_id, now)
        if status != 200:
            return web.Response(status=status)
        text = pages.feed(channel, now)
        headers = _validators(channel, text, now) if self.validators else {}
        if headers and _unchanged(request, headers):
            return web.Response(status=304, headers=headers)
        return web.Response(text=text, content_type="text/xml", headers=headers)

    async def _tab(self, request: web.Request) -> web.Response:
        channel = self._named(request.match_info["name"])
        tab = request.match_info.get("tab", "featured")
        page = pages.channel_page(channel, tab, self._items(channel, tab, 0), self.now())
        return web.Response(text=page, content_type="text/html")

    async def _browse(self, request: web.Request) -> web.Response:
        name, _, rest = (await request.json()).get("continuation", "").partition(":")
        tab, _, start = rest.partition(":")
        if not start.isdecimal():
            raise web.HTTPNotFound
        return web.json_response(pages.continued(self._items(self._named(name), tab, int(start))))

    def _items(self, channel: Channel, tab: str, start: int) -> list[pages.Json]:
        now = self.now()
        videos = channel.listed(now, tab)
        end = start + PAGE
        items = [pages.tab_item(video, now) for video in videos[start:end]]
        if end >= len(videos):
            return items
        return [*items, pages.continuation_item(f"{channel.channel_id}:{tab}:{end}")]

    async def _watch(self, request: web.Request) -> web.Response:
        now = self.now()
        channel, video = self._video(request.query["v"])
        page = video_pages.watch_page(channel, video, now, self.refuses(now) or video.refusal(now))
        return web.Response(text=page, content_type="text/html")

    async def _player(self, request: web.Request) -> web.Response:
        now = self.now()
        channel, video = self._video((await request.json())["videoId"])
        refusal = self.refuses(now) or video.refusal(now)
        if refusal is not None and refusal.http is not None:
            return web.Response(status=refusal.http)
        return web.json_response(video_pages.player(channel, video, now, refusal))

    async def _timedtext(self, request: web.Request) -> web.StreamResponse:
        _, video = self._video(request.query["v"])
        match video.behaviour:
            case "timedtext_429":
                raise web.HTTPTooManyRequests
            case "timedtext_html":
                return web.Response(
                    text="<html><body>Our systems have detected unusual traffic</body></html>"
                )
            case "timedtext_drips":
                return await _drip(request)
        track = _asked_for(request, video)
        if request.query.get("fmt") != "json3" or "tlang" in request.query or track is None:
            raise web.HTTPNotFound
        return web.Response(status=track.status, body=track.body, content_type="application/json")

    def _named(self, name: str) -> Channel:
        for channel in self._channels.values():
            if name in {channel.channel_id, channel.handle}:
                return channel
        raise web.HTTPNotFound

    def _video(self, video_id: str) -> tuple[Channel, ChannelVideo]:
        for channel in self._channels.values():
            for video in channel.videos:
                if video.video_id == video_id:
                    return channel, video
        raise web.HTTPNotFound


def _asked_for(request: web.Request, video: ChannelVideo) -> Track | None:
    kind = "auto" if request.query.get("kind") == "asr" else "manual"
    wanted = (request.query.get("lang"), kind, request.query.get("name", ""))
    found = (track for track in video.all_tracks if (track.language, track.kind, track.name) == wanted)
    return next(found, None)


def _validators(channel: Channel, text: str, now: datetime) -> dict[str, str]:
    changed = max(
        (video.listed_at for video in channel.listed(now)), default=datetime(2005, 4, 23, tzinfo=UTC)
    )
    return {
        "ETag": f'"{sha256(text.encode()).hexdigest()[:16]}"',
        "Last-Modified": format_datetime(changed.astimezone(UTC), usegmt=True),
    }


def _unchanged(request: web.Request, headers: dict[str, str]) -> bool:
    """HTTP's rule (RFC 9110, 13.2.2): a tag decides; the date only where no tag was sent."""
    if tags := request.headers.get("If-None-Match"):
        return headers["ETag"] in tags
    since = request.headers.get("If-Modified-Since")
    return since is not None and parsedate_to_datetime(headers["Last-Modified"]) <= parsedate_to_datetime(
        since
    )


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

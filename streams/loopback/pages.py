"""What the loopback YouTube shows of a channel: feed and tabs, cut down to what yt-dlp reads of them.

The shapes are those that yt-dlp's extractors look for (extractor/youtube/_tab.py); what a viewer would read ("3 days
ago", "UPCOMING", …) is YouTube's own, as yt-dlp's tests and the issues of its users have it.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from streams.loopback.channel import Channel, ChannelVideo

FEED_LENGTH = 15
TITLES = {"videos": "Videos", "streams": "Live"}

Json = dict[str, Any]


def feed(channel: Channel, now: datetime) -> str:
    """The RSS feed (it is Atom) of the newest videos."""
    entries = (_feed_entry(channel, video) for video in channel.listed(now)[:FEED_LENGTH])
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns="http://www.w3.org/2005/Atom">'
        f"<yt:channelId>{channel.channel_id}</yt:channelId><title>{escape(channel.title)}</title>"
        f"{''.join(entries)}</feed>"
    )


def _feed_entry(channel: Channel, video: ChannelVideo) -> str:
    published = video.listed_at.isoformat()
    path = "shorts/" if video.short else "watch?v="
    return (
        f"<entry><id>yt:video:{video.video_id}</id><yt:videoId>{video.video_id}</yt:videoId>"
        f"<yt:channelId>{channel.channel_id}</yt:channelId><title>{escape(video.title)}</title>"
        f'<link rel="alternate" href="https://www.youtube.com/{path}{video.video_id}"/>'
        f"<author><name>{escape(channel.title)}</name>"
        f"<uri>https://www.youtube.com/channel/{channel.channel_id}</uri></author>"
        f"<published>{published}</published><updated>{published}</updated></entry>"
    )


def html(**variables: Json) -> str:
    """A page that sets these variables of its script."""
    scripts = "".join(
        f"<script>var {name} = {json.dumps(value)};</script>" for name, value in variables.items()
    )
    return f"<!DOCTYPE html><html><head>{scripts}</head><body></body></html>"


def tabs_of(channel: Channel, now: datetime) -> tuple[str, ...]:
    """The tabs it has: the one of its streams comes with the first of them."""
    return ("videos", "streams") if channel.listed(now, "streams") else ("videos",)


def channel_page(channel: Channel, tab: str, items: Sequence[Json], now: datetime) -> str:
    """A tab of the channel; a tab that it does not have shows the home tab, as YouTube does."""
    names = tabs_of(channel, now)
    selected = tab if tab in names else "featured"
    tabs = [
        _tab(channel, "featured", "Home", selected, ()),
        *(_tab(channel, name, TITLES[name], selected, items) for name in names),
    ]
    url = f"https://www.youtube.com/channel/{channel.channel_id}"
    metadata = {
        "title": channel.title,
        "description": "",
        "externalId": channel.channel_id,
        "channelUrl": url,
        "vanityChannelUrl": f"http://www.youtube.com/{channel.handle}",
        "ownerUrls": [f"http://www.youtube.com/{channel.handle}"],
    }
    return html(
        ytInitialData={
            "contents": {"twoColumnBrowseResultsRenderer": {"tabs": tabs}},
            "metadata": {"channelMetadataRenderer": metadata},
        }
    )


def _tab(channel: Channel, name: str, title: str, selected: str, items: Sequence[Json]) -> Json:
    endpoint = {"commandMetadata": {"webCommandMetadata": {"url": f"/{channel.handle}/{name}"}}}
    tab: Json = {"title": title, "endpoint": endpoint, "selected": name == selected}
    if name == selected:
        tab["content"] = {"richGridRenderer": {"contents": list(items)}}
    return {"tabRenderer": tab}


def tab_item(video: ChannelVideo, now: datetime) -> Json:
    """A video in a tab: no exact date, no word on captions; of a stream to come, no date that yt-dlp reads."""
    badge, parts = _badge_and_parts(video, now)
    lockup = {
        "contentId": video.video_id,
        "contentType": "LOCKUP_CONTENT_TYPE_VIDEO",
        "contentImage": {
            "thumbnailViewModel": {
                "overlays": [
                    {"thumbnailBottomOverlayViewModel": {"badges": [{"thumbnailBadgeViewModel": badge}]}}
                ]
            }
        },
        "metadata": {
            "lockupMetadataViewModel": {
                "title": {"content": video.title},
                "metadata": {"contentMetadataViewModel": {"metadataRows": [{"metadataParts": parts}]}},
            }
        },
    }
    return {"richItemRenderer": {"content": {"lockupViewModel": lockup}}}


def _badge_and_parts(video: ChannelVideo, now: datetime) -> tuple[Json, list[Json]]:
    """yt-dlp reads the age off the row whose last part has an accessibilityLabel; a day to come it cannot read."""
    moment = video.moment(now)
    if video.airing is not None and moment == "upcoming":
        start = video.airing.start(now)
        word = "Premieres" if video.airing.premiere else "Scheduled for"
        badge = {"text": "UPCOMING", "badgeStyle": "THUMBNAIL_OVERLAY_BADGE_STYLE_DEFAULT"}
        return badge, [{"text": {"content": "12 waiting"}}, _labelled(f"{word} {start:%m/%d/%y, %I:%M %p}")]
    if moment == "live":
        badge = {"text": "LIVE", "badgeStyle": "THUMBNAIL_OVERLAY_BADGE_STYLE_LIVE"}
        return badge, [{"text": {"content": "1.2K watching"}}]
    minutes, seconds = divmod(video.duration_s, 60)
    age = _ago(now - video.shown_from)
    age = f"Streamed {age}" if video.tab == "streams" else age
    return (
        {"text": f"{minutes}:{seconds:02d}", "badgeStyle": "THUMBNAIL_OVERLAY_BADGE_STYLE_DEFAULT"},
        [{"text": {"content": "1.2K views"}}, _labelled(age)],
    )


def _labelled(text: str) -> Json:
    return {"text": {"content": text}, "accessibilityLabel": text}


def _ago(age: timedelta) -> str:
    days = max(age.days, 0)
    for unit, length in (("year", 365), ("month", 30), ("week", 7), ("day", 1)):
        if count := days // length:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return f"{max(age.seconds // 3600, 1)} hours ago"


def continuation_item(token: str) -> Json:
    """The end of a page that has another behind it."""
    command = {"continuationCommand": {"token": token, "request": "CONTINUATION_REQUEST_TYPE_BROWSE"}}
    return {"continuationItemRenderer": {"continuationEndpoint": command}}


def continued(items: Sequence[Json]) -> Json:
    """A further page of a tab."""
    return {
        "onResponseReceivedActions": [{"appendContinuationItemsAction": {"continuationItems": list(items)}}]
    }

"""What the loopback YouTube says: pages and API answers, cut down to what yt-dlp reads of them.

The shapes are those that yt-dlp's extractors look for; the sentences a viewer would read ("Private video", "3 days
ago", …) are YouTube's own, as yt-dlp's tests and the issues of its users have them.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from streams.loopback.channel import Behaviour, Channel, ChannelVideo

FEED_LENGTH = 15

UNPLAYABLE: dict[Behaviour, tuple[str, str, str | None]] = {
    "private": (
        "LOGIN_REQUIRED",
        "Private video",
        "Sign in if you've been granted access to this video",
    ),
    "members_only": (
        "UNPLAYABLE",
        "Join this channel to get access to members-only content like this video, and other exclusive perks.",
        None,
    ),
    "upcoming": ("LIVE_STREAM_OFFLINE", "Premieres in 3 hours", None),
    "bot_check": (
        "LOGIN_REQUIRED",
        "Sign in to confirm you\N{RIGHT SINGLE QUOTATION MARK}re not a bot",
        None,
    ),
}

Json = dict[str, Any]


def feed(channel: Channel) -> str:
    """The RSS feed (it is Atom) of the newest videos."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns="http://www.w3.org/2005/Atom">'
        f"<yt:channelId>{channel.channel_id}</yt:channelId><title>{escape(channel.title)}</title>"
        f"{''.join(_feed_entry(channel, video) for video in newest_first(channel)[:FEED_LENGTH])}</feed>"
    )


def _feed_entry(channel: Channel, video: ChannelVideo) -> str:
    published = video.published_at.isoformat()
    return (
        f"<entry><id>yt:video:{video.video_id}</id><yt:videoId>{video.video_id}</yt:videoId>"
        f"<yt:channelId>{channel.channel_id}</yt:channelId><title>{escape(video.title)}</title>"
        f'<link rel="alternate" href="https://www.youtube.com/watch?v={video.video_id}"/>'
        f"<author><name>{escape(channel.title)}</name>"
        f"<uri>https://www.youtube.com/channel/{channel.channel_id}</uri></author>"
        f"<published>{published}</published><updated>{published}</updated></entry>"
    )


def newest_first(channel: Channel) -> list[ChannelVideo]:
    """The order in which YouTube lists videos."""
    return sorted(channel.videos, key=lambda video: video.published_at, reverse=True)


def html(**variables: Json) -> str:
    """A page that sets these variables of its script."""
    scripts = "".join(
        f"<script>var {name} = {json.dumps(value)};</script>" for name, value in variables.items()
    )
    return f"<!DOCTYPE html><html><head>{scripts}</head><body></body></html>"


def channel_page(channel: Channel, tab: str, items: Sequence[Json]) -> str:
    """A tab of the channel; a tab that it does not have shows the home tab, as YouTube does."""
    selected = tab if tab == "videos" else "featured"
    tabs = [
        _tab(channel, "featured", "Home", selected, ()),
        _tab(channel, "videos", "Videos", selected, items),
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
    """A video in a tab: no exact date, no word on captions."""
    age = _ago(now - video.published_at)
    minutes, seconds = divmod(video.duration_s, 60)
    badge = {"thumbnailBadgeViewModel": {"text": f"{minutes}:{seconds:02d}", "badgeStyle": "DEFAULT"}}
    row = {
        "metadataParts": [
            {"text": {"content": "1.2K views"}},
            {"text": {"content": age}, "accessibilityLabel": age},
        ]
    }
    lockup = {
        "contentId": video.video_id,
        "contentType": "LOCKUP_CONTENT_TYPE_VIDEO",
        "contentImage": {
            "thumbnailViewModel": {"overlays": [{"thumbnailBottomOverlayViewModel": {"badges": [badge]}}]}
        },
        "metadata": {
            "lockupMetadataViewModel": {
                "title": {"content": video.title},
                "metadata": {"contentMetadataViewModel": {"metadataRows": [row]}},
            }
        },
    }
    return {"richItemRenderer": {"content": {"lockupViewModel": lockup}}}


def _ago(age: Any) -> str:
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


def watch_page(channel: Channel, video: ChannelVideo) -> str:
    """The page of a video: its date and owner; what plays comes from the player API."""
    owner = {"videoOwnerRenderer": {"title": {"runs": [{"text": channel.title}]}}}
    contents = [{"videoSecondaryInfoRenderer": {"owner": owner}}]
    return html(
        ytInitialPlayerResponse={
            **_playability(video),
            **_details(channel, video),
            "captions": {
                "playerCaptionsTracklistRenderer": {
                    "translationLanguages": [
                        {"languageCode": code, "languageName": {"simpleText": name}}
                        for code, name in (("de", "German"), ("en", "English"))
                    ]
                }
            },
        },
        ytInitialData={
            "contents": {"twoColumnWatchNextResults": {"results": {"results": {"contents": contents}}}}
        },
    )


def player(channel: Channel, video: ChannelVideo) -> Json:
    """The player API's answer: formats and caption tracks where the video can be played."""
    response = {**_playability(video), **_details(channel, video)}
    if video.behaviour in UNPLAYABLE:
        return response
    playable = {
        "itag": 18,
        "url": f"https://media.invalid/{video.video_id}",
        "mimeType": 'video/mp4; codecs="avc1.42001E, mp4a.40.2"',
    }
    response["streamingData"] = {"formats": [playable]}
    tracks = [
        _track(video, kind) for kind, body in (("", video.manual), ("asr", video.auto)) if body is not None
    ]
    if tracks:
        response["captions"] = {"playerCaptionsTracklistRenderer": {"captionTracks": tracks}}
    return response


def _track(video: ChannelVideo, kind: str) -> Json:
    url = f"https://www.youtube.com/api/timedtext?v={video.video_id}&lang={video.language}"
    track: Json = {
        "baseUrl": url,
        "name": {"simpleText": video.language},
        "vssId": f".{video.language}",
        "languageCode": video.language,
        "isTranslatable": True,
    }
    if kind:
        track |= {"baseUrl": f"{url}&kind={kind}", "vssId": f"a.{video.language}", "kind": kind}
    return track


def _playability(video: ChannelVideo) -> Json:
    status, reason, subreason = UNPLAYABLE.get(video.behaviour, ("OK", None, None))
    playability: Json = {"status": status}
    if reason:
        playability["reason"] = reason
    if subreason:
        playability["errorScreen"] = {
            "playerErrorMessageRenderer": {
                "reason": {"simpleText": reason},
                "subreason": {"simpleText": subreason},
            }
        }
    return {"playabilityStatus": playability}


def _details(channel: Channel, video: ChannelVideo) -> Json:
    return {
        "videoDetails": {
            "videoId": video.video_id,
            "title": video.title,
            "lengthSeconds": str(video.duration_s),
            "channelId": channel.channel_id,
            "author": channel.title,
            "isUpcoming": video.behaviour == "upcoming",
        },
        "microformat": {
            "playerMicroformatRenderer": {
                "uploadDate": video.published_at.isoformat(),
                "ownerProfileUrl": f"http://www.youtube.com/{channel.handle}",
            }
        },
    }

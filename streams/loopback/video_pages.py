"""What the loopback YouTube shows of a video: watch page and player API, cut down to what yt-dlp reads of them.

The shapes are those that yt-dlp's extractor looks for (extractor/youtube/_video.py).
"""

from datetime import datetime
from urllib.parse import urlencode

from streams.loopback.channel import Airing, Channel, ChannelVideo, Sound, Track
from streams.loopback.pages import Json, html
from streams.loopback.refusals import Refusal

LANGUAGES = {"de": "German", "en": "English"}
"""What YouTube's machine translates into."""
NAMES = {**LANGUAGES, "es": "Spanish", "fr": "French", "hi": "Hindi", "ja": "Japanese", "pt": "Portuguese"}


def watch_page(channel: Channel, video: ChannelVideo, now: datetime, refusal: Refusal | None) -> str:
    """The page of a video: its date and owner; what plays comes from the player API."""
    owner = {"videoOwnerRenderer": {"title": {"runs": [{"text": channel.title}]}}}
    contents = [{"videoSecondaryInfoRenderer": {"owner": owner}}]
    translations = [
        {"languageCode": code, "languageName": {"simpleText": name}} for code, name in LANGUAGES.items()
    ]
    return html(
        ytInitialPlayerResponse={
            **_playability(refusal),
            **_details(channel, video, now, refusal),
            "captions": {"playerCaptionsTracklistRenderer": {"translationLanguages": translations}},
        },
        ytInitialData={
            "contents": {"twoColumnWatchNextResults": {"results": {"results": {"contents": contents}}}}
        },
    )


def player(channel: Channel, video: ChannelVideo, now: datetime, refusal: Refusal | None) -> Json:
    """The player API's answer: formats and caption tracks where the video can be played."""
    response = {**_playability(refusal), **_details(channel, video, now, refusal)}
    if refusal is not None:
        if refusal.licensed:
            response["streamingData"] = {"licenseInfos": [{"drmFamily": "WIDEVINE"}]}
        return response
    playable = {
        "itag": 18,
        "url": f"https://media.invalid/{video.video_id}",
        "mimeType": 'video/mp4; codecs="avc1.42001E, mp4a.40.2"',
    }
    response["streamingData"] = {
        "formats": [playable],
        "adaptiveFormats": [_sound_format(video, sound) for sound in video.sounds],
    }
    tracks = [_track(video, track) for track in video.all_tracks]
    if tracks and video.moment(now) == "out":
        response["captions"] = {"playerCaptionsTracklistRenderer": {"captionTracks": tracks}}
    return response


def _sound_format(video: ChannelVideo, sound: Sound) -> Json:
    # yt-dlp knows the original by the word in its name. The id ends with YouTube's number for the sort of track.
    number = 4 if sound.original else 10 if sound.dubbed else 3
    name = NAMES.get(sound.language, sound.language)
    track: Json = {
        "id": f"{sound.language}.{number}",
        "displayName": f"{name} original" if sound.original else name,
        "audioIsDefault": sound.default,
    }
    if sound.dubbed:
        track["isAutoDubbed"] = True
    return {
        "itag": 140,
        "url": f"https://media.invalid/{video.video_id}/{sound.language}",
        "mimeType": 'audio/mp4; codecs="mp4a.40.2"',
        "audioTrack": track,
    }


def _track(video: ChannelVideo, track: Track) -> Json:
    """The recogniser's tracks have a kind; a named one has its name in its address and its id."""
    auto = track.kind == "auto"
    query = {"v": video.video_id, "lang": track.language}
    query |= {"kind": "asr"} if auto else {}
    query |= {"name": track.name} if track.name else {}
    shown = NAMES.get(track.language, track.language)
    suffix = " (auto-generated)" if auto else f" - {track.name}" if track.name else ""
    return {
        "baseUrl": f"https://www.youtube.com/api/timedtext?{urlencode(query)}",
        "name": {"simpleText": shown + suffix},
        "vssId": ("a" if auto else "") + f".{track.language}" + (f".{track.name}" if track.name else ""),
        "languageCode": track.language,
        "isTranslatable": True,
        **({"kind": "asr"} if auto else {}),
    }


def _playability(refusal: Refusal | None) -> Json:
    if refusal is None or refusal.http is not None:
        return {"playabilityStatus": {"status": "OK"}}
    playability: Json = {"status": refusal.status}
    if refusal.reason:
        playability["reason"] = refusal.reason
    if refusal.captcha:
        playability["errorScreen"] = {"playerCaptchaViewModel": {"captchaCookieSetRendererUrl": "/captcha"}}
    elif refusal.subreason:
        playability["errorScreen"] = {
            "playerErrorMessageRenderer": {
                "reason": {"simpleText": refusal.reason},
                "subreason": {"simpleText": refusal.subreason},
            }
        }
    return {"playabilityStatus": playability}


def _details(channel: Channel, video: ChannelVideo, now: datetime, refusal: Refusal | None) -> Json:
    """YouTube says nothing of a video whose status is ERROR (yt-dlp then warns that it has no title)."""
    if refusal is not None and refusal.status == "ERROR":
        return {}
    moment = video.moment(now)
    offline = refusal is not None and refusal.status == "LIVE_STREAM_OFFLINE"
    details: Json = {
        "videoId": video.video_id,
        "title": video.title,
        "lengthSeconds": "0" if moment in {"upcoming", "live"} else str(video.duration_s),
        "channelId": channel.channel_id,
        "author": channel.title,
        "isLiveContent": video.tab == "streams",
    }
    if moment == "upcoming" or offline:
        details["isUpcoming"] = True
    if moment == "live":
        details["isLive"] = True
    if moment == "post_live":
        details["isPostLiveDvr"] = True
    microformat: Json = {
        "uploadDate": (video.published_at.date() if video.day_only else video.published_at).isoformat(),
        "ownerProfileUrl": f"http://www.youtube.com/{channel.handle}",
    }
    if video.short:
        microformat["isShortsEligible"] = True
    if video.airing is not None:
        microformat["liveBroadcastDetails"] = _broadcast(video.airing, now)
    return {
        "videoDetails": details,
        "microformat": {"playerMicroformatRenderer": microformat},
    }


def _broadcast(airing: Airing, now: datetime) -> Json:
    broadcast: Json = {"isLiveNow": airing.moment(now) == "live"}
    if airing.dated or now >= airing.starts_at:
        broadcast["startTimestamp"] = airing.start(now).isoformat()
    if now >= airing.ends_at:
        broadcast["endTimestamp"] = airing.ends_at.isoformat()
    return broadcast

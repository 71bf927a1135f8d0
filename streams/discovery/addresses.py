"""What people type for a video or a channel, and the one form Earmark keeps."""

import re
from urllib.parse import parse_qs, urlsplit

from streams.errors import EarmarkError

_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_CHANNEL_ID = re.compile(r"UC[A-Za-z0-9_-]{22}")
_HANDLE = re.compile(r"@[^\s/?#]+")


def is_video_id(text: str) -> bool:
    """Whether `text` is shaped like a video's id."""
    return _VIDEO_ID.fullmatch(text) is not None


def watch_url(video_id: str) -> str:
    """The address of a video."""
    return f"https://www.youtube.com/watch?v={video_id}"


def video_id_of(text: str) -> str:
    """The id in a video's id or any of its usual addresses. Raises EarmarkError."""
    parts = urlsplit(text if "//" in text else f"//{text}")
    folders = [folder for folder in parts.path.split("/") if folder]
    if _VIDEO_ID.fullmatch(text):
        candidate = text
    elif parts.hostname == "youtu.be" and folders:
        candidate = folders[0]
    elif _is_youtube(parts.hostname) and folders == ["watch"]:
        candidate = parse_qs(parts.query).get("v", [""])[0]
    elif _is_youtube(parts.hostname) and len(folders) == 2 and folders[0] in ("shorts", "live", "embed", "v"):
        candidate = folders[1]
    else:
        candidate = ""
    if not _VIDEO_ID.fullmatch(candidate):
        raise EarmarkError(f"{text!r} is no video: give its 11-character id or its YouTube address")
    return candidate


def channel_url_of(text: str) -> str:
    """The address of a channel given as id, @handle or address. Raises EarmarkError."""
    parts = urlsplit(text if "//" in text else f"//{text}")
    if _CHANNEL_ID.fullmatch(text):
        return f"https://www.youtube.com/channel/{text}"
    if _HANDLE.fullmatch(text):
        return f"https://www.youtube.com/{text}"
    folders = [folder for folder in parts.path.split("/") if folder]
    if not (
        _is_youtube(parts.hostname) and folders and folders[0] not in ("watch", "shorts", "live", "playlist")
    ):
        raise EarmarkError(f"{text!r} is no channel: give its id (UC…), its @handle or its YouTube address")
    # A tab's address (…/videos) names the same channel.
    kept = folders[:2] if folders[0] in ("channel", "c", "user") else folders[:1]
    return "https://www.youtube.com/" + "/".join(kept)


def _is_youtube(host: str | None) -> bool:
    return host is not None and (host == "youtube.com" or host.endswith(".youtube.com"))

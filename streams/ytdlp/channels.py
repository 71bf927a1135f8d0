"""What discovery asks yt-dlp: who a channel is, and its tabs. Tasks for `run_child`, by the module's name."""

from datetime import UTC, datetime, timedelta
from typing import Any

from streams.ytdlp.process import ExtractionError
from streams.ytdlp.session import Session, serve, translated

YOUTUBE = "https://www.youtube.com"
KNOWN_RUN = 3
# A tab says "3 weeks ago", rounded down, and yt-dlp rounds to the day.
ROUNDING = timedelta(days=1)


def resolve(youtube: Session, channel: str) -> dict[str, Any]:
    """Of a channel id, a @handle or a URL on YouTube: {channel_id, handle, title}; handle and title may be null."""
    url = channel
    if channel.startswith("@"):
        url = f"{YOUTUBE}/{channel}"
    elif "/" not in channel:
        url = f"{YOUTUBE}/channel/{channel}"
    info = youtube.extract(url)
    while info.get("_type") == "url":
        info = youtube.extract(info["url"])
    if not info.get("channel_id"):
        raise ExtractionError("NoChannel", f"{channel} leads to no channel", None)
    return {
        "channel_id": info["channel_id"],
        "handle": info.get("uploader_id"),
        "title": info.get("channel"),
    }


def tab(
    youtube: Session,
    channel_id: str,
    tab: str,
    known: list[str] | None = None,
    since: str | None = None,
) -> dict[str, Any]:
    """A tab's videos, the newest first: {entries}; a tab that the channel does not have is empty.

    The walk ends at `KNOWN_RUN` ids of `known` in a row, or at a video surely older than `since` (ISO 8601). An entry is
    {video_id, title, duration_s, date, airing}: `date` is ISO 8601, rounded to a later time than the real one by up to its
    unit, or null; `airing`: it is announced or on air.
    """
    youtube.set_argument("youtubetab", "approximate_date", "true")
    youtube.set_argument("youtube", "raise_incomplete_data", "true")  # else a broken page looks like the end
    try:
        listing = youtube.extract(f"{YOUTUBE}/channel/{channel_id}/{tab}", "YoutubeTab")
    except ExtractionError as error:
        if f"does not have a {tab} tab" in error.text:
            return {"entries": []}
        raise
    end = None if since is None else datetime.fromisoformat(since) - ROUNDING
    known_ids = frozenset(known or ())
    entries: list[dict[str, Any]] = []
    run = 0
    with translated():
        for entry in listing["entries"]:
            date = None if entry.get("timestamp") is None else datetime.fromtimestamp(entry["timestamp"], UTC)
            if end is not None and date is not None and date < end:
                break
            entries.append(_entry(entry, date))
            run = run + 1 if entry["id"] in known_ids else 0
            if run == KNOWN_RUN:
                break
    return {"entries": entries}


def _entry(entry: dict[str, Any], date: datetime | None) -> dict[str, Any]:
    return {
        "video_id": entry["id"],
        "title": entry.get("title"),
        "duration_s": entry.get("duration"),
        "date": None if date is None else date.isoformat(),
        "airing": entry.get("live_status") in ("is_upcoming", "is_live"),
    }


if __name__ == "__main__":
    serve({"resolve": resolve, "tab": tab})

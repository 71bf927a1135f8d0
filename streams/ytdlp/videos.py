"""What a person's question about one video asks yt-dlp: whose it is, when it aired, of what kind. A task for `run_child`."""

from datetime import UTC, datetime
from typing import Any

from streams.ytdlp.session import Session, serve


def video(youtube: Session, video_id: str) -> dict[str, Any]:
    """What YouTube shows of a video: {channel_id, channel, title, published_at, kind, live_status, instead}.

    `published_at` is ISO 8601: a time, or a date where YouTube gives no more. `kind`: video, short or livestream.
    `instead`: the sentence that it shows in place of the video. What it does not say is null.
    """
    info = youtube.extract(f"https://www.youtube.com/watch?v={video_id}", "Youtube")
    return {
        "channel_id": info.get("channel_id"),
        "channel": info.get("channel"),
        "title": info.get("title"),
        "published_at": _published(info),
        "kind": info.get("media_type") or "video",
        "live_status": info.get("live_status"),
        "instead": youtube.unplayable,
    }


def _published(info: dict[str, Any]) -> str | None:
    stamp = info.get("release_timestamp") or info.get("timestamp")
    if stamp is not None:
        return datetime.fromtimestamp(stamp, UTC).isoformat()
    date = info.get("upload_date")
    return None if date is None else datetime.strptime(date, "%Y%m%d").replace(tzinfo=UTC).date().isoformat()


if __name__ == "__main__":
    serve({"video": video})

"""The captions task, for `run_child`: runs in the child, with yt-dlp."""

from typing import Any

from streams.captions import tracks
from streams.ytdlp.session import Session, serve

UNFINISHED = ("is_live", "post_live", "is_upcoming")


def captions(youtube: Session, video_id: str, languages: list[str]) -> dict[str, Any]:
    """What YouTube has of a video: {info, trusted, track, status, body}.

    `info` is what yt-dlp says of it, cut down; `track` null: there is none (believe it if `trusted`) or the video is
    not finished; `status` and `body` are the answer to the request for the track.
    """
    info = youtube.extract(f"https://www.youtube.com/watch?v={video_id}", "Youtube")
    kept = (
        "channel_id",
        "channel",
        "title",
        "timestamp",
        "release_timestamp",
        "upload_date",
        "live_status",
        "duration",
    )
    answer: dict[str, Any] = {
        "info": {name: info.get(name) for name in kept},
        "trusted": tracks.is_trusted(info, youtube.warnings),
        "track": None,
    }
    track = tracks.choose(info, languages)
    if track is None or info.get("live_status") in UNFINISHED:
        return answer
    status, body = youtube.get(track.url)
    return {
        **answer,
        "track": {"source": track.source, "language": track.language},
        "status": status,
        "body": body.decode(errors="replace"),
    }


if __name__ == "__main__":
    serve({"captions": captions})

"""The captions task, for `run_child`: runs in the child, with yt-dlp."""

from typing import Any

from streams.captions import tracks
from streams.captions.failures import UNFINISHED
from streams.captions.json3 import has_words
from streams.ytdlp.refusals import owner_of_status, status_in
from streams.ytdlp.session import Session, serve

# As many tracks of one language there may be; a video has one or two.
TRACKS = 4


TEXTS = ("channel_id", "channel", "title", "upload_date", "live_status")
NUMBERS = ("timestamp", "release_timestamp", "duration")
# The year 2100, in seconds: what is beyond is no time.
LATEST = 4_102_444_800


def captions(youtube: Session, video_id: str, languages: list[str]) -> dict[str, Any]:
    """What YouTube has of a video: {info, reason, trusted, status, original, tracks}.

    `info` is what yt-dlp says of it, cut down; `reason`: what YouTube shows instead of it. `tracks`: those that were
    requested, each {source, language, name, status, body}, up to the first with words; none where the video is not
    finished or there is none (believe that if `trusted`). `status`: HTTP's, of a request that yt-dlp went on without.
    """
    info = youtube.extract(f"https://www.youtube.com/watch?v={video_id}", "Youtube")
    answer: dict[str, Any] = {
        "info": {
            **{name: value if isinstance(value := info.get(name), str) else None for name in TEXTS},
            **{name: _number(info.get(name)) for name in NUMBERS},
        },
        "reason": youtube.unplayable,
        "trusted": tracks.is_trusted(info, youtube.warnings),
        "status": status_in(youtube.warnings),
        "original": "unknown",
        "tracks": [],
    }
    choice = tracks.choose(info, languages)
    if choice is None or youtube.unplayable or info.get("live_status") in UNFINISHED:
        return answer
    answer["original"] = choice.original
    for track in choice.tracks[:TRACKS]:
        status, body = youtube.get(track.url)
        text = body.decode(errors="replace")
        requested = {"source": track.source, "language": track.language, "name": track.name}
        answer["tracks"].append({**requested, "status": status, "body": text})
        if owner_of_status(status) == "soon" or (status == 200 and has_words(text)):
            break
    return answer


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and 0 <= value < LATEST else None


if __name__ == "__main__":
    serve({"captions": captions})

"""The captions task, for `run_child`: runs in the child, with yt-dlp."""

from dataclasses import asdict
from typing import Any

from streams.captions import tracks
from streams.captions.failures import NO_WORDS, UNFINISHED
from streams.captions.json3 import BrokenCaptionsError, parse
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
    requested, each {source, language, name, status, transcript, what}, up to the first with words; none where the video is
    not finished or there is none (believe that if `trusted`). `transcript` null: `what` says what came instead.
    `status`: HTTP's, of a request that yt-dlp went on without.
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
        requested = {"source": track.source, "language": track.language, "name": track.name}
        # Here, where it can be killed and holds up nobody: two days of talk take seconds.
        read = _read(status, body.decode(errors="replace"), answer["info"]["duration"])
        answer["tracks"].append({**requested, "status": status, **read})
        if owner_of_status(status) == "soon" or read["transcript"] is not None:
            break
    return answer


def _read(status: int, body: str, duration_s: float | None) -> dict[str, Any]:
    """{transcript, what}: the words in the answer to a request for a track, or what came instead."""
    if status != 200:
        return {"transcript": None, "what": NO_WORDS}
    # YouTube says whole seconds, and the last words may fall into what it left out.
    length_ms = int((duration_s + 1) * 1000) if duration_s else None
    try:
        transcript = parse(body, length_ms)
    except BrokenCaptionsError as error:
        return {"transcript": None, "what": str(error)}
    return {"transcript": asdict(transcript) if transcript.has_words else None, "what": NO_WORDS}


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and 0 <= value < LATEST else None


if __name__ == "__main__":
    serve({"captions": captions})

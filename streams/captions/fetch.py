"""A video's captions from YouTube, as a result either way."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streams.captions import failures
from streams.captions.failures import Failure
from streams.captions.json3 import BrokenCaptionsError, Transcript, parse
from streams.events.captions import CaptionsSource
from streams.events.videos import Video
from streams.ytdlp.process import CrashError, ExtractionError, Options, TimeLimitError, run_child

TIME_LIMIT_S = 90.0


@dataclass(frozen=True)
class Taken:
    """The words of a video, and the video as it is known now."""

    video: Video
    source: CaptionsSource
    language: str
    transcript: Transcript


@dataclass(frozen=True)
class NotTaken:
    """Why there are none, and the video as it is known now."""

    video: Video
    failure: Failure


async def fetch_captions(
    video: Video,
    *,
    options: Options,
    languages: tuple[str, ...],
    time_limit_s: float = TIME_LIMIT_S,
) -> Taken | NotTaken:
    """Ask YouTube once, within `time_limit_s` seconds; the process that asks is killed when the caller is cancelled."""
    payload = {"video_id": video.video_id, "languages": list(languages)}
    try:
        answer = await run_child(
            "streams.captions.download", "captions", payload, options=options, time_limit_s=time_limit_s
        )
    except ExtractionError as error:
        return NotTaken(video, failures.of_error(error.kind, error.text, error.status))
    except TimeLimitError as error:
        return NotTaken(video, Failure(str(error), "soon"))
    except CrashError as error:
        return NotTaken(video, Failure(str(error), "later"))
    return _read(complete(video, answer["info"]), answer)


def _read(video: Video, answer: dict[str, Any]) -> Taken | NotTaken:
    no_track = failures.of_no_track(answer["info"]["live_status"], trusted=answer["trusted"])
    track = answer["track"]
    if track is None:
        return NotTaken(video, no_track)
    if answer["status"] != 200:
        return NotTaken(video, failures.of_status(answer["status"]))
    try:
        transcript = parse(answer["body"], _length_ms(answer["info"]))
    except BrokenCaptionsError as error:
        return NotTaken(video, Failure(str(error), "soon"))
    if not transcript.texts:
        return NotTaken(video, no_track)
    return Taken(video, track["source"], track["language"], transcript)


def _length_ms(info: dict[str, Any]) -> int | None:
    # YouTube says whole seconds, and the last words may fall into what it left out.
    return int((info["duration"] + 1) * 1000) if info["duration"] else None


def complete(video: Video, info: dict[str, Any]) -> Video:
    """`video` with what was null taken from yt-dlp's info; what the feed said stays."""
    return video.model_copy(
        update={
            "channel_id": video.channel_id or info["channel_id"],
            "channel_title": video.channel_title or info["channel"],
            "title": video.title or info["title"],
            "published_at": video.published_at or _published_at(info),
        }
    )


def _published_at(info: dict[str, Any]) -> datetime | None:
    if stamp := info["timestamp"] or info["release_timestamp"]:
        return datetime.fromtimestamp(stamp, UTC)
    if day := info["upload_date"]:
        return datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    return None

"""A video's captions from YouTube, as a result either way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streams.captions import failures
from streams.captions.failures import UNFINISHED
from streams.captions.json3 import Transcript
from streams.captions.schedule import Failure
from streams.events.captions import CaptionsSource, Original
from streams.events.videos import Precision, Video
from streams.ytdlp.process import CrashError, ExtractionError, Options, TimeLimitError, run_child

TIME_LIMIT_S = 90.0


@dataclass(frozen=True)
class Taken:
    """The words of a video, and the video as it is known now."""

    video: Video
    source: CaptionsSource
    language: str
    original: Original
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
    except (TimeLimitError, CrashError) as error:
        return NotTaken(video, Failure(str(error), "unknown"))
    return _read(complete(video, answer["info"]), answer)


class Counted:
    """`fetch`, and how many videos it is asking for: `under_way`."""

    def __init__(self, fetch: Callable[[Video], Awaitable[Taken | NotTaken]]) -> None:
        self.under_way = 0
        self._fetch = fetch

    async def __call__(self, video: Video) -> Taken | NotTaken:
        """Ask for the captions of `video`."""
        self.under_way += 1
        try:
            return await self._fetch(video)
        finally:
            self.under_way -= 1


def _read(video: Video, answer: dict[str, Any]) -> Taken | NotTaken:
    info, reason, status = answer["info"], answer["reason"], answer["status"]
    said = None if reason is None else failures.of_error("", reason, status)
    if said is not None and said.failure in ("soon", "slow", "permanent"):
        return NotTaken(video, said)
    if info["live_status"] in UNFINISHED or (said is not None and said.failure == "not_yet"):
        return NotTaken(video, failures.of_unfinished(info, reason))
    if said is not None:
        return NotTaken(video, said)
    if not answer["tracks"]:
        return NotTaken(video, failures.of_no_track(trusted=answer["trusted"], status=status))
    *_, last = answer["tracks"]
    if last["transcript"] is None:
        return NotTaken(
            video, failures.of_tracks([(one["name"], one["status"], one["what"]) for one in answer["tracks"]])
        )
    transcript = Transcript(**{name: tuple(column) for name, column in last["transcript"].items()})
    return Taken(video, last["source"], last["language"], answer["original"], transcript)


def complete(video: Video, info: dict[str, Any]) -> Video:
    """`video` with what was null taken from yt-dlp's info; what the feed said stays, but for the time it aired."""
    published_at, precision = _published(video, info)
    return video.model_copy(
        update={
            "channel_id": video.channel_id or info["channel_id"],
            "channel_title": video.channel_title or info["channel"],
            "title": video.title or info["title"],
            "published_at": published_at,
            "published_precision": precision,
        }
    )


def _published(video: Video, info: dict[str, Any]) -> tuple[datetime | None, Precision | None]:
    # A stream or premiere is announced first: its feed entry and its upload carry that time.
    aired = info["release_timestamp"]
    if aired and info["live_status"] not in UNFINISHED:
        return datetime.fromtimestamp(aired, UTC), "second"
    if video.published_at is not None:
        return video.published_at, video.published_precision
    if stamp := info["timestamp"] or aired:
        return datetime.fromtimestamp(stamp, UTC), "second"
    try:
        return datetime.strptime(info["upload_date"] or "", "%Y%m%d").replace(tzinfo=UTC), "day"
    except ValueError:
        return None, None

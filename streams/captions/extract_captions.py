"""videos → captions."""

from typing import Protocol, assert_never

from streams.captions.fetch import NotTaken, Taken
from streams.captions.schedule import Failure, after
from streams.clock import Clock
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable, captions_id
from streams.events.event import Event, Position
from streams.events.videos import Video, VideoDiscovered
from streams.log.publish import too_large


class Fetch(Protocol):
    """Asks YouTube for a video's captions, once."""

    async def __call__(self, video: Video) -> Taken | NotTaken:
        """The words, or why there are none."""


async def extract_captions(
    event: Event,
    position: Position,  # noqa: ARG001  every handler gets it
    *,
    fetch: Fetch,
    delays: tuple[float, ...],
    now: Clock,
) -> list[Event]:
    """Take the captions of a video that was discovered or whose next try fell due.

    `delays`: seconds to wait after the first, second, … try that said something of the video; after the last there is
    no other.
    """
    match event:
        case VideoDiscovered(video=video):
            revision, attempt, tries, starts_at = 1, 1, 0, None
        case CaptionsRequested(video=video, revision=revision, attempt=attempt, starts_at=starts_at):
            tries = event.tries_before
        case _:
            raise TypeError(f"{type(event).__name__} asks for no captions")
    result = await fetch(video)
    at = now()
    match result:
        case Taken(video=video, transcript=transcript):
            extracted = CaptionsExtracted(
                at=at,
                video=video,
                captions_id=captions_id(video.video_id, revision),
                revision=revision,
                attempt=attempt,
                source=result.source,
                language=result.language,
                original=result.original,
                texts=transcript.texts,
                starts_ms=transcript.starts_ms,
                ends_ms=transcript.ends_ms,
                words=transcript.words,
            )
            # Before it is sent: refused by the log, it would be taken again, and refused again.
            size = too_large(extracted)
            if size is None:
                return [extracted]
            failure = Failure(f"captions too large: {size}", "permanent")
        case NotTaken(video=video, failure=failure):
            pass
        case _:
            assert_never(result)
    following = after(failure, tries, starts_at, delays, at)
    return [
        CaptionsUnavailable(
            at=at,
            video=video,
            revision=revision,
            attempt=attempt,
            tries=following.tries,
            reason=failure.reason,
            failure=failure.failure,
            starts_at=following.starts_at,
            next_try_at=following.at,
        )
    ]

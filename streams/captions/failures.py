"""What yt-dlp and YouTube say instead of captions, as a failure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from streams.captions.schedule import Failure
from streams.ytdlp.refusals import owner_of, owner_of_error, owner_of_status, seconds_to_start

UNFINISHED = ("is_live", "post_live", "is_upcoming")
NO_WORDS = "no words"


def of_error(kind: str, text: str, status: int | None) -> Failure:
    """What yt-dlp's error says: the parts of an ExtractionError."""
    return replace(of_sentence(text), failure=owner_of_error(kind, text, status))


def of_sentence(text: str) -> Failure:
    """What a sentence says that YouTube shows instead of the video."""
    reason = text.partition(" Use --cookies")[0]  # the rest is advice for yt-dlp's command line
    seconds = seconds_to_start(reason)
    owner = owner_of(reason)
    starts_in = None if owner != "not_yet" or seconds is None else timedelta(seconds=seconds)
    return Failure(reason, owner, starts_in=starts_in)


def of_unfinished(info: Mapping[str, Any], reason: str | None) -> Failure:
    """What is known of a video that has not aired or is on air; `reason`: YouTube's sentence, where it shows one."""
    said = of_sentence(reason or f"the live stream is not finished ({info['live_status']})")
    start, length = info["release_timestamp"], info["duration"]
    return replace(
        said,
        failure="not_yet",
        starts_at=None if start is None else datetime.fromtimestamp(start, UTC),
        length=timedelta(seconds=length) if length else None,
    )


def of_no_track(*, trusted: bool, status: int | None) -> Failure:
    """What a missing track says; `trusted`: YouTube has shown that it would have given one; `status`: of a refused request."""
    if trusted:
        return Failure("no captions yet", "later")
    if status is not None and owner_of_status(status) == "soon":
        return Failure(f"YouTube answers HTTP {status} instead of the video's formats", "soon")
    return Failure("YouTube showed neither captions nor formats", "unknown")


def of_tracks(failed: Sequence[tuple[str, int, str]]) -> Failure:
    """What it says that no track of the chosen language has words: each one's name, status and what came."""
    reason = "; ".join(
        f"{name}: {what if status == 200 else f'HTTP {status}'}" for name, status, what in failed
    )
    if any(owner_of_status(status) == "soon" for _, status, _ in failed):
        return Failure(f"YouTube refuses the captions ({reason})", "soon")
    wordless = all(status == 200 and what == NO_WORDS for _, status, what in failed)
    return Failure(f"no track has words ({reason})", "later" if wordless else "unknown")

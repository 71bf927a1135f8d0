"""How the real yt-dlp words what YouTube's player says instead of playing."""

import pytest

from streams.loopback import refusals
from streams.loopback.refusals import Refusal
from streams.loopback.youtube import LoopbackYoutube
from streams.ytdlp.process import ExtractionError
from tests.builders.asking_youtube import DAY, HOUR, Wall, info_of, one

LOGIN = ". Use --cookies-from-browser or --cookies for the authentication."


def test_a_minute_before_the_hour_an_event_begins_in_a_minute() -> None:
    assert [refusals.announced(wait, premiere=False).reason for wait in (HOUR / 60, 2 * HOUR, HOUR * 0)] == [
        "This live event will begin in 1 minute.",
        "This live event will begin in 2 hours.",
        "This live event will begin in a few moments.",
    ]


WORDED = [
    (refusals.BOT_CHECK, f"Sign in to confirm you’re not a bot{LOGIN}"),  # noqa: RUF001  YouTube's own
    (
        refusals.RATE_LIMITED,
        "Video unavailable. This content isn't available, try again later. The current session has been rate-",
    ),
    (
        refusals.CAPTCHA,
        "Video unavailable. YouTube is requiring a captcha challenge before playback",
    ),
    (refusals.PLEASE_SIGN_IN, f"Please sign in{LOGIN}"),
    (refusals.RELOAD, "The page needs to be reloaded."),
    (refusals.NOT_ON_THIS_APP, "This video is not available on this app"),
    (
        refusals.CONTENT_NOT_ON_THIS_APP,
        "The following content is not available on this app.. Watch on the latest version of YouTube.",
    ),
    (
        refusals.APP_UNSUPPORTED,
        "YouTube is no longer supported in this application or device.",
    ),
    (refusals.RESTRICTED_NETWORK, "Video unavailable. This video is restricted. Please check the Google"),
    (refusals.ERROR_OCCURRED, "An error occurred. Please try again later."),
    (refusals.WENT_WRONG, "Something went wrong"),
    (
        refusals.PRIVATE,
        f"Private video. Sign in if you've been granted access to this video{LOGIN}",
    ),
    (refusals.THIS_IS_PRIVATE, "This video is private. If the owner of this video has granted you"),
    (refusals.MEMBERS_ONLY, "Join this channel to get access to members-only content like this video,"),
    (
        refusals.MEMBERS_OF_A_LEVEL,
        "This video is available to this channel's members on level: Captcha Crew (or any higher level).",
    ),
    (
        refusals.AGE,
        f"Sign in to confirm your age. This video may be inappropriate for some users{LOGIN}",
    ),
    (refusals.PAYMENT, "This video requires payment to watch."),
    (refusals.MUSIC_PREMIUM, "This video is only available to Music Premium members"),
    (refusals.DRM, "This video is DRM protected"),
    (refusals.GEO, "The uploader has not made this video available in your country"),
    (refusals.REMOVED, "Video unavailable. This video has been removed by the uploader"),
    (
        refusals.ACCOUNT_TERMINATED,
        "Video unavailable. This video is no longer available because the YouTube account associated",
    ),
    (
        refusals.ACCOUNT_CLOSED,
        "Video unavailable. This video is no longer available because the uploader has closed their",
    ),
    (refusals.NOT_ANYMORE, "Video unavailable. This video isn't available anymore"),
    (refusals.NO_RECORDING, "This live stream recording is not available."),
    (refusals.VIOLATION, "Video unavailable. This video has been removed for violating YouTube's Terms"),
    (
        refusals.COPYRIGHT_CLAIM,
        "Video unavailable. This video is no longer available due to a copyright claim by Captcha",
    ),
    (
        refusals.COPYRIGHT_BLOCK,
        "Video unavailable. This video contains content from Captcha Pictures, who has blocked it on",
    ),
    (refusals.PROCESSING, "We're processing this video. Check back later."),
    (refusals.UNAVAILABLE, "Video unavailable"),
    (refusals.NOT_AVAILABLE, "This video is not available"),
    (
        refusals.CONTENT_NOT_AVAILABLE,
        "Video unavailable. This content isn’t available.",  # noqa: RUF001  YouTube's own
    ),
    (refusals.UNKNOWN, "The moon is in the way of this video."),
]
FAILED = [(refusals.PLAYER_403, 2), (refusals.PLAYER_429, 2), (refusals.PLAYER_500, 3)]


def test_every_refusal_that_has_a_name_is_tried_here() -> None:
    named = {refusal for refusal in vars(refusals).values() if isinstance(refusal, Refusal)}
    assert named == {refusal for refusal, _ in (*WORDED, *FAILED)}


@pytest.mark.parametrize(("refusal", "text"), WORDED)
async def test_a_refusal_is_worded_by_ytdlp(youtube: LoopbackYoutube, refusal: Refusal, text: str) -> None:
    with pytest.raises(ExtractionError) as raised:
        await info_of(youtube, one(auto=b"{}", says=refusal))
    assert raised.value.text.startswith(text)
    assert raised.value.kind == ("GeoRestrictedError" if refusal is refusals.GEO else "ExtractorError")
    assert raised.value.status is None


@pytest.mark.parametrize(("refusal", "requests"), FAILED)
async def test_a_player_that_fails_is_no_error_but_a_video_without_formats(
    youtube: LoopbackYoutube, refusal: Refusal, requests: int
) -> None:
    info = await info_of(youtube, one(auto=b"{}", says=refusal))
    assert (info["title"], info["formats"], info["automatic_captions"]) == ("Rates & chips", [], {})
    assert len(youtube.requests) == requests


async def test_everybody_is_refused_for_as_long_as_youtube_turns_this_asker_away(
    youtube: LoopbackYoutube, wall: Wall
) -> None:
    youtube.refuses = lambda now: refusals.BOT_CHECK if now < DAY + 30 * HOUR else None
    with pytest.raises(ExtractionError, match="not a bot"):
        await info_of(youtube, one())
    wall.time += 6 * HOUR
    assert (await info_of(youtube, one()))["formats"]

"""Whose failure a sentence is: one row each of what YouTube and yt-dlp say."""

import pytest

from streams.ytdlp.refusals import (
    Owner,
    owner_of,
    owner_of_error,
    owner_of_status,
    seconds_to_start,
    status_in,
)

CURLY = "\N{RIGHT SINGLE QUOTATION MARK}"
SENTENCES: list[tuple[Owner, str]] = [
    ("soon", f"Sign in to confirm you{CURLY}re not a bot"),
    ("soon", "Sign in to confirm you're not a bot. This helps protect our community"),
    (
        "soon",
        "This content isn't available, try again later. The current session has been rate-limited by YouTube",
    ),
    ("soon", "Video unavailable. This content isn't available, try again later"),
    ("soon", "Oops. YouTube is requiring a captcha challenge before playback"),
    ("soon", "All player responses are invalid. Your IP is likely being blocked by Youtube"),
    ("soon", "Please sign in"),
    ("soon", "The page needs to be reloaded."),
    ("soon", "This video is not available on this app."),
    ("soon", "The following content is not available on this app.. Watch on the latest version of YouTube."),
    ("soon", "YouTube is no longer supported in this application or device."),
    (
        "soon",
        (
            "Video unavailable. This video is restricted. Please check the Google Workspace administrator and/or the network"
            " administrator restrictions."
        ),
    ),
    ("soon", "An error occurred. Please try again later."),
    ("soon", "Something went wrong"),
    ("soon", "Unable to download API page: HTTP Error 403: Forbidden (caused by <HTTPError 403: Forbidden>)"),
    ("slow", "Private video. Sign in if you've been granted access to this video"),
    ("slow", "Video unavailable. This video is private"),
    (
        "slow",
        "Join this channel to get access to members-only content like this video, and other exclusive perks.",
    ),
    (
        "slow",
        (
            "This video is available to this channel's members on level: Captcha Crew (or any higher level). Join this channel"
            " to get access to members-only content and other exclusive perks."
        ),
    ),
    (
        "slow",
        "This video is available to this channel's members on level: Sign in to confirm you're not a bot",
    ),
    ("slow", "Sign in to confirm your age. This video may be inappropriate for some users."),
    ("permanent", "Video unavailable. This video has been removed by the uploader"),
    ("permanent", "This video has been removed for violating YouTube's policy on spam"),
    (
        "permanent",
        (
            "Video unavailable. This video is no longer available because the YouTube account associated with this video has"
            " been terminated."
        ),
    ),
    (
        "permanent",
        "Video unavailable. This video is no longer available because the uploader has closed their YouTube account.",
    ),
    ("permanent", "The YouTube account associated with this video has been terminated"),
    ("permanent", "This video isn't available anymore"),
    ("permanent", "Video unavailable. This video isn't available any more"),
    ("permanent", "This live stream recording is not available."),
    ("permanent", "This video requires payment to watch."),
    ("permanent", "This video is only available to Music Premium members"),
    ("permanent", "This video is DRM protected"),
    (
        "permanent",
        "Video unavailable. This video is no longer available due to a copyright claim by Premieres in 3 hours",
    ),
    (
        "permanent",
        "Video unavailable. This video contains content from X, who has blocked it on copyright grounds",
    ),
    (
        "later",
        "Video unavailable. This video contains content from X, who has blocked it in your country on copyright grounds",
    ),
    ("later", "The uploader has not made this video available in your country"),
    ("later", "Video unavailable"),
    ("later", "Video unavailable. This video is not available"),
    ("later", "We're processing this video. Check back later."),
    ("not_yet", "Premieres in 20 hours"),
    ("not_yet", "Premiere will begin shortly"),
    ("not_yet", "This live event will begin in 5 days."),
    ("not_yet", "This live event will begin in a few moments."),
    ("unknown", "A sentence that nobody has seen before"),
    ("unknown", "My friend says: please sign in"),
]


@pytest.mark.parametrize(("owner", "sentence"), SENTENCES)
def test_the_fixed_part_of_a_sentence_says_whose_failure_it_is(owner: Owner, sentence: str) -> None:
    assert owner_of(sentence) == owner


@pytest.mark.parametrize(
    ("kind", "status", "owner"),
    [
        ("HTTPError", 429, "soon"),
        ("HTTPError", 403, "soon"),
        ("HTTPError", 503, "soon"),
        ("TransportError", None, "soon"),
        ("HTTPError", 404, "unknown"),
        ("ExtractorError", None, "unknown"),
    ],
)
def test_a_refused_request_or_a_broken_line_says_nothing_of_the_video(
    kind: str, status: int | None, owner: Owner
) -> None:
    assert owner_of_error(kind, "Unable to download the page", status) == owner


def test_a_private_video_behind_a_refused_request_is_not_judged() -> None:
    assert owner_of_error("ExtractorError", "Private video", 429) == "soon"
    assert owner_of_error("ExtractorError", "Private video", 404) == "slow"
    assert owner_of_status(200) == "unknown"


def test_the_last_status_that_yt_dlp_warned_of_counts() -> None:
    lines = [
        "[youtube] HTTP Error 500: x. Retrying (1/3)...",
        "[youtube] Unable: HTTP Error 429: Too Many Requests",
    ]
    assert status_in(lines) == 429
    assert status_in(["an HTTP Error"]) is None


@pytest.mark.parametrize(
    ("sentence", "seconds"),
    [
        ("Premieres in 3 hours", 10800),
        ("This live event will begin in 4 days.", 345600),
        ("Premieres in 1 minute", 60),
        ("This live event will begin in a few moments.", None),
        ("Private video", None),
    ],
)
def test_an_announcement_names_its_time(sentence: str, seconds: int | None) -> None:
    assert seconds_to_start(sentence) == seconds

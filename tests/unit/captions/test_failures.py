from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.captions.failures import SOON, Failure, next_try_at, of_error, of_no_track, of_status
from streams.events.captions import FailureClass

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DELAYS = (3600.0, 21600.0, 86400.0, 259200.0)


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("Private video. Sign in if you've been granted access to this video", "permanent"),
        ("Video unavailable. This video is private", "permanent"),
        ("Join this channel to get access to members-only content like this video", "permanent"),
        ("Sign in to confirm your age. This video may be inappropriate for some users", "permanent"),
        ("Video unavailable. This video has been removed by the uploader", "permanent"),
        ("This video has been removed for violating YouTube's policy on spam", "permanent"),
        ("The YouTube account associated with this video has been terminated", "permanent"),
        (
            "Video unavailable. This video contains content from X, who has blocked it on copyright grounds",
            "permanent",
        ),
        ("Premieres in 20 hours", "later"),
        ("This live event will begin in 5 days", "later"),
        ("We're processing this video. Check back later", "later"),
        ("The uploader has not made this video available in your country", "later"),
        ("Video unavailable", "later"),
        ("A sentence that nobody has seen before", "later"),
        ("Sign in to confirm you\N{RIGHT SINGLE QUOTATION MARK}re not a bot", "soon"),
        ("Sign in to confirm you're not a bot", "soon"),
        ("This content isn't available, try again later. The current session has been rate-limited", "soon"),
        ("Oops. YouTube is requiring a captcha challenge before playback", "soon"),
        ("Failed to extract any player response", "soon"),
        ("All player responses are invalid. Your IP is likely being blocked by Youtube", "soon"),
    ],
)
def test_the_sentence_decides(text: str, failure: FailureClass) -> None:
    assert of_error("ExtractorError", text, None) == Failure(text, failure)


@pytest.mark.parametrize(
    ("kind", "status", "failure"),
    [
        ("HTTPError", 429, "soon"),
        ("HTTPError", 503, "soon"),
        ("TransportError", None, "soon"),
        ("HTTPError", 404, "later"),
    ],
)
def test_a_brake_or_a_broken_line_says_nothing_of_the_video(
    kind: str, status: int | None, failure: FailureClass
) -> None:
    assert of_error(kind, "Unable to download API page", status).failure == failure
    assert of_status(429).failure == "soon"


def test_advice_for_ytdlps_own_command_line_is_left_out() -> None:
    assert (
        of_error("ExtractorError", "Private video. Use --cookies-from-browser or …", None).reason
        == "Private video."
    )


@pytest.mark.parametrize(
    ("live_status", "trusted", "failure"),
    [
        ("not_live", True, "later"),
        ("was_live", True, "later"),
        (None, True, "later"),
        ("not_live", False, "soon"),
        ("is_live", False, "later"),
        ("is_upcoming", False, "later"),
        ("post_live", False, "later"),
    ],
)
def test_a_missing_track_may_still_come_unless_the_answer_was_cut(
    live_status: str | None,
    trusted: bool,  # noqa: FBT001  a parameter of the table
    failure: FailureClass,
) -> None:
    assert of_no_track(live_status, trusted=trusted).failure == failure


def test_late_captions_are_asked_for_after_each_delay_and_then_no_more() -> None:
    tries = [next_try_at("later", attempt, DELAYS, NOW) for attempt in range(1, 6)]
    assert tries == [*(NOW + timedelta(seconds=delay) for delay in DELAYS), None]


def test_what_was_throttled_is_asked_for_soon_and_after_some_tries_like_what_is_late() -> None:
    tries = [next_try_at("soon", attempt, DELAYS, NOW) for attempt in range(1, 6)]
    assert tries == [NOW + SOON, NOW + SOON, NOW + SOON, NOW + timedelta(seconds=DELAYS[3]), None]


def test_what_is_permanent_is_never_asked_for_again() -> None:
    assert next_try_at("permanent", 1, DELAYS, NOW) is None


@given(st.sampled_from(["permanent", "later", "soon"]), st.lists(st.floats(1, 1e6), max_size=6))
def test_every_video_comes_to_an_end(failure: FailureClass, delays: list[float]) -> None:
    tries = [next_try_at(failure, attempt, delays, NOW) for attempt in range(1, 20)]
    scheduled = [moment for moment in tries if moment is not None]
    assert all(moment > NOW for moment in scheduled)
    assert tries[len(scheduled) :] == [None] * (19 - len(scheduled))
    assert tries[-1] is None

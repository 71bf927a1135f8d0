from uuid import UUID

from streams.events.channels import ChannelFollowed, ChannelUnfollowed
from streams.events.videos import VideoDiscovered
from tests.builders.read_model_world import (
    PROMPTS,
    START_MS,
    activated,
    asked_again,
    at,
    completed,
    extracted,
    failed,
    requested,
    reserved,
    settled,
    unavailable,
    video,
)
from tests.unit.projections.conftest import Told

FIRST, SECOND = PROMPTS
VIDEO = video(1)
REQUEST = requested(VIDEO)
CLAIM = reserved(REQUEST, FIRST, UUID(int=1))
STATUS = "SELECT status, reason, next_try_at FROM video_status"


def test_a_video_walks_from_discovered_to_analysed(told: Told) -> None:
    told.tell(VideoDiscovered(at=at(0), video=VIDEO))
    assert told.rows(STATUS) == [("discovered", "its captions were not taken yet", None)]
    told.tell(unavailable(VIDEO, 1, at(60)))
    assert told.rows(STATUS) == [("discovered", "no captions", at(60))]
    told.tell(extracted(VIDEO))
    assert told.rows(STATUS) == [("captioned", "no analysis is requested yet", None)]
    told.tell(*activated(FIRST, 0, None), REQUEST, CLAIM, failed(VIDEO, FIRST, CLAIM.attempt_id, final=False))
    told.tell(settled(CLAIM, "retry", "0.1", None, at(70)))
    assert told.rows(STATUS) == [("captioned", "no JSON in the answer", at(70))]
    told.tell(completed(VIDEO, FIRST, UUID(int=2)))
    assert told.rows(STATUS) == [("analysed", None, None)]


def test_a_try_that_fell_due_is_announced_no_more_once_it_is_claimed(told: Told) -> None:
    told.tell(extracted(VIDEO), REQUEST, CLAIM, settled(CLAIM, "retry", "0.1", None, at(70)))
    told.tell(reserved(REQUEST, FIRST, UUID(int=2), attempt=2))
    assert told.rows(STATUS) == [("captioned", "Claude is being asked", None)]


def test_a_video_without_captions_for_good_has_failed(told: Told) -> None:
    told.tell(
        VideoDiscovered(at=at(0), video=VIDEO), unavailable(VIDEO, 1, at(60)), unavailable(VIDEO, 2, None)
    )
    assert told.rows(STATUS) == [("failed", "no captions", None)]


def test_a_video_whose_analysis_failed_for_good_has_failed_until_it_has_new_captions(told: Told) -> None:
    told.tell(extracted(VIDEO), failed(VIDEO, FIRST, None, final=True))
    assert told.rows(STATUS) == [("failed", "no JSON in the answer", None)]
    told.tell(extracted(VIDEO, 2))
    assert told.rows(STATUS) == [("captioned", "no analysis is requested yet", None)]


def test_captions_that_are_asked_for_again_have_failed_only_when_that_has_failed_too(told: Told) -> None:
    told.tell(unavailable(VIDEO, 1, None))
    assert told.rows(STATUS) == [("failed", "no captions", None)]
    told.tell(asked_again(VIDEO, 2))
    assert told.rows(STATUS) == [("discovered", "no captions", None)]
    told.tell(unavailable(VIDEO, 2, None))
    assert told.rows(STATUS) == [("failed", "no captions", None)]


def test_a_try_that_is_made_before_its_time_is_announced_no_more(told: Told) -> None:
    told.tell(unavailable(VIDEO, 1, at(60)), asked_again(VIDEO, 2))
    assert told.rows(STATUS) == [("discovered", "no captions", None)]


def test_an_analysis_that_is_asked_for_again_has_failed_only_when_that_has_failed_too(told: Told) -> None:
    told.tell(
        *activated(FIRST, 0, None),
        extracted(VIDEO),
        REQUEST,
        CLAIM,
        failed(VIDEO, FIRST, CLAIM.attempt_id, final=True),
    )
    told.tell(settled(CLAIM, "failed", "0.5"))
    for again in (1, 2):
        assert told.rows(STATUS) == [("failed", "no JSON in the answer", None)]
        repeated = requested(VIDEO, again=again)
        claim = reserved(repeated, FIRST, UUID(int=10 + again))
        told.tell(repeated)
        assert told.rows(STATUS) == [("captioned", "no JSON in the answer", None)]
        told.tell(claim)
        assert told.rows(STATUS) == [("captioned", "Claude is being asked", None)]
        told.tell(failed(VIDEO, FIRST, claim.attempt_id, final=True, again=again))


def test_a_video_is_analysed_once_a_repetition_has_an_answer(told: Told) -> None:
    told.tell(extracted(VIDEO), REQUEST, CLAIM, failed(VIDEO, FIRST, CLAIM.attempt_id, final=True))
    repeated = requested(VIDEO, again=1)
    claim = reserved(repeated, FIRST, UUID(int=2))
    told.tell(*activated(FIRST, 0, None), repeated, claim, completed(VIDEO, FIRST, claim.attempt_id, again=1))
    assert told.rows(STATUS) == [("analysed", None, None)]
    assert told.rows("SELECT mentions FROM videos") == [(1,)]
    assert told.rows("SELECT count(*) FROM mentions") == [(1,)]


def test_of_two_answers_to_one_prompt_the_first_stands(told: Told) -> None:
    told.tell(extracted(VIDEO), *activated(FIRST, 0, None))
    told.tell(
        completed(VIDEO, FIRST, UUID(int=2), again=1), completed(VIDEO, FIRST, UUID(int=3), symbols=("T",))
    )
    assert told.rows("SELECT mentions FROM videos") == [(1,)]
    assert told.rows("SELECT symbol FROM mentions") == [("NVDA",)]


def test_a_replays_failure_does_not_fail_the_video(told: Told) -> None:
    told.tell(extracted(VIDEO), failed(VIDEO, SECOND, None, final=True, lane="replay"))
    assert told.rows(STATUS) == [("captioned", "no analysis is requested yet", None)]


def test_a_failed_refresh_of_captions_changes_nothing(told: Told) -> None:
    told.tell(extracted(VIDEO), unavailable(VIDEO, 2, None))
    assert told.rows(STATUS) == [("captioned", "no analysis is requested yet", None)]


def test_a_channel_is_as_it_was_last_followed(told: Told) -> None:
    told.tell(
        ChannelFollowed(at=at(0), channel_id="c", handle="@c", title="Old", since=at(-9)),
        ChannelUnfollowed(at=at(1), channel_id="c"),
    )
    assert told.rows("SELECT channel_title, since, following FROM channels") == [("Old", at(-9), False)]
    told.tell(ChannelFollowed(at=at(2), channel_id="c", handle="@c", title="New", since=None))
    assert told.rows("SELECT channel_title, since, following FROM channels") == [("New", None, True)]


def test_freshness_says_how_far_each_topic_is_read(told: Told) -> None:
    told.tell(VideoDiscovered(at=at(0), video=VIDEO), VideoDiscovered(at=at(3), video=video(2)), at_s=5)
    assert told.rows(
        "SELECT topic, records, last_event_at, epoch_ms(last_record_at), rejects FROM freshness"
    ) == [("videos", 2, at(3), START_MS + 5000, 0)]

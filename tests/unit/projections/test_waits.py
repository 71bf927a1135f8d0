"""Every way a video can stop: `video_status` says which, why, until when, and what can be done."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from streams.events.captions import CaptionsUnavailable, FailureClass
from streams.events.dead_letters import DeadLettered, DeadLetterRetried
from streams.events.envelope import encode
from streams.events.event import Event, Lane
from streams.events.ledger import Usage
from streams.events.videos import VideoDiscovered
from tests.builders.read_model_world import (
    PROMPTS,
    START,
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
VIDEO, OTHER = video(1), video(2)
DISCOVERED = VideoDiscovered(at=at(0), video=VIDEO)
REQUEST = requested(VIDEO)
CLAIM = reserved(REQUEST, FIRST, UUID(int=1))
USAGE = Usage(input_tokens=10, output_tokens=1)
ACTIVE = activated(FIRST, 0, None)
MIDNIGHT = START.replace(hour=0) + timedelta(days=1)
RETRY = "earmark retry video-1"


def letter(event: Event, topic: str, minutes: float, key: bytes | None = b"video-1") -> DeadLettered:
    message = encode(event)
    return DeadLettered.of(
        at=at(minutes),
        topic=topic,
        partition=3,
        offset=7,
        key=key,
        value=message.value,
        headers=message.headers,
        handler="a_handler",
        error="ValueError: poison",
        attempt=3,
    )


def refused(failure: FailureClass) -> CaptionsUnavailable:
    return unavailable(VIDEO, 1, at(60)).model_copy(update={"failure": failure, "reason": "so it says"})


def provider_failed(attempt_id: UUID) -> Event:
    return failed(VIDEO, FIRST, attempt_id, final=False).model_copy(
        update={"outcome": "provider_error", "reason": "HTTP 500"}
    )


def spent(lane: Lane, usd: str) -> list[Event]:
    """Another video's call that used up so much of the day's 5 dollars."""
    request = requested(OTHER).model_copy(update={"lane": lane})
    claim = reserved(request, FIRST, UUID(int=9), usd=usd)
    return [extracted(OTHER), request, claim, settled(claim, "completed", usd, USAGE)]


WAYS: dict[str, tuple[list[Event], tuple[str | None, str, datetime | None, str]]] = {
    "nobody has taken its captions": (
        [DISCOVERED],
        ("worker", "its captions were not taken yet", None, "a running worker takes it"),
    ),
    "its captions come later": (
        [DISCOVERED, unavailable(VIDEO, 1, at(60))],
        ("captions", "no captions", at(60), "it is tried again by itself"),
    ),
    "youtube refuses": (
        [DISCOVERED, refused("soon")],
        (
            "youtube",
            "so it says",
            at(60),
            "it is tried again by itself once YouTube answers: see earmark channels",
        ),
    ),
    "it has no captions for good": (
        [DISCOVERED, unavailable(VIDEO, 1, None)],
        (None, "no captions", None, RETRY),
    ),
    "its discovery is a dead letter": (
        [DISCOVERED, letter(DISCOVERED, "videos", 1)],
        (
            "dead_letter",
            "dead letter 0 (videos[3]@7, a_handler): ValueError: poison",
            None,
            "fix the cause, then: earmark dead-letters retry 0",
        ),
    ),
    "all there is of it is a message that cannot be read": (
        [letter(DISCOVERED, "videos", 1)],
        (
            "dead_letter",
            "dead letter 0 (videos[3]@7, a_handler): ValueError: poison",
            None,
            "fix the cause, then: earmark dead-letters retry 0",
        ),
    ),
    "a try of its captions is a dead letter": (
        [DISCOVERED, unavailable(VIDEO, 1, at(60)), letter(DISCOVERED, "captions.requests", 61)],
        (
            "dead_letter",
            "dead letter 0 (captions.requests[3]@7, a_handler): ValueError: poison",
            None,
            "fix the cause, then: earmark dead-letters retry 0",
        ),
    ),
    "a try after the dead letter failed": (
        [DISCOVERED, letter(DISCOVERED, "videos", 0.5), unavailable(VIDEO, 1, at(60))],
        ("captions", "no captions", at(60), "it is tried again by itself"),
    ),
    "its dead letter was retried": (
        [
            DISCOVERED,
            letter(DISCOVERED, "videos", 1),
            DeadLetterRetried(at=at(2), letter=0, partition=3, offset=8),
        ],
        ("worker", "its captions were not taken yet", None, "a running worker takes it"),
    ),
    "nobody has asked for its analysis": (
        [extracted(VIDEO)],
        ("worker", "no analysis is requested yet", None, "a running worker takes it"),
    ),
    "its captions are a dead letter": (
        [extracted(VIDEO), letter(extracted(VIDEO), "captions", 2)],
        (
            "dead_letter",
            "dead letter 0 (captions[3]@7, a_handler): ValueError: poison",
            None,
            "fix the cause, then: earmark dead-letters retry 0",
        ),
    ),
    "its answer is a dead letter": (
        [
            extracted(VIDEO),
            REQUEST,
            CLAIM,
            settled(CLAIM, "completed", "0.1", USAGE),
            letter(REQUEST, "analyses", 5),
        ],
        (
            "dead_letter",
            "dead letter 0 (analyses[3]@7, a_handler): ValueError: poison",
            None,
            "fix the cause, then: earmark dead-letters retry 0",
        ),
    ),
    "its failed analysis is asked for again": (
        [
            *ACTIVE,
            extracted(VIDEO),
            REQUEST,
            CLAIM,
            provider_failed(CLAIM.attempt_id),
            failed(VIDEO, FIRST, CLAIM.attempt_id, final=True),
            settled(CLAIM, "failed", "0.5"),
            requested(VIDEO, again=1),
        ],
        ("analyst", "no JSON in the answer", None, "a running analyst takes it in turn"),
    ),
    "its captions are asked for again": (
        [DISCOVERED, unavailable(VIDEO, 1, None), asked_again(VIDEO, 2)],
        ("worker", "no captions", None, "a running worker takes it"),
    ),
    "no prompt is active": (
        [extracted(VIDEO), REQUEST],
        ("prompt", "no prompt is active", None, "earmark prompts activate NAME"),
    ),
    "the activation of its prompt is a dead letter": (
        [*ACTIVE[:7], extracted(VIDEO), REQUEST, letter(ACTIVE[0], "prompts", 1, b"p")],
        (
            "prompt",
            "no prompt is active: see dead letter 0",
            None,
            "fix the cause, then: earmark dead-letters retry 0",
        ),
    ),
    "its turn has not come": (
        [*ACTIVE, extracted(VIDEO), REQUEST],
        ("analyst", "its turn has not come yet", None, "a running analyst takes it in turn"),
    ),
    "it is being called": (
        [*ACTIVE, extracted(VIDEO), REQUEST, CLAIM],
        (
            "call",
            "Claude is being asked",
            None,
            "the answer comes, or the claim expires and it is asked again",
        ),
    ),
    "an answer was of no use": (
        [
            *ACTIVE,
            extracted(VIDEO),
            REQUEST,
            CLAIM,
            failed(VIDEO, FIRST, CLAIM.attempt_id, final=False),
            settled(CLAIM, "retry", "0.1", USAGE, at(70)),
        ],
        ("analyst", "no JSON in the answer", at(70), "a running analyst takes it in turn"),
    ),
    "the provider failed": (
        [
            *ACTIVE,
            extracted(VIDEO),
            REQUEST,
            CLAIM,
            provider_failed(CLAIM.attempt_id),
            settled(CLAIM, "retry", "0.5", None, at(70)),
        ],
        ("provider", "HTTP 500", at(70), "a running analyst asks again by itself"),
    ),
    "the day's money is spent": (
        [*ACTIVE, extracted(VIDEO), REQUEST, *spent("live", "4.9")],
        (
            "money",
            "lane live has $0.1000 left of $5.00 today, and its call may cost $4.9000",
            MIDNIGHT,
            "raise EARMARK_DAILY_CAP_USD, or wait for the next day's budget",
        ),
    ),
    "the day's money is spent by another lane": (
        [*ACTIVE, extracted(VIDEO), REQUEST, *spent("backfill", "4.9")],
        (
            "money",
            "lane live has $0.1000 left of $5.00 today, and its call may cost $4.9000",
            MIDNIGHT,
            "raise EARMARK_DAILY_CAP_USD, or wait for the next day's budget",
        ),
    ),
    "it failed and the money is spent, too": (
        [
            *ACTIVE,
            extracted(VIDEO),
            REQUEST,
            CLAIM,
            provider_failed(CLAIM.attempt_id),
            settled(CLAIM, "retry", "0.5", None, at(0)),
            *spent("live", "4.4"),
        ],
        (
            "money",
            "lane live has $0.1000 left of $5.00 today, and its call may cost $4.4000",
            MIDNIGHT,
            "raise EARMARK_DAILY_CAP_USD, or wait for the next day's budget",
        ),
    ),
    "its answer is not in the log": (
        [*ACTIVE, extracted(VIDEO), REQUEST, CLAIM, settled(CLAIM, "completed", "0.1", USAGE)],
        (
            "answer",
            "it was answered, and the answer is not in the read model",
            None,
            "a running projector reads it; if the log has lost it, replay the video",
        ),
    ),
    "its analysis failed for good": (
        [*ACTIVE, extracted(VIDEO), REQUEST, CLAIM, failed(VIDEO, FIRST, CLAIM.attempt_id, final=True)],
        (None, "no JSON in the answer", None, RETRY),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_video_that_stopped_says_why_and_what_follows(told: Told, way: str) -> None:
    events, expected = WAYS[way]
    told.tell(*events)
    rows = "SELECT waits_for, reason, next_try_at, next_step FROM video_status WHERE video_id = 'video-1'"
    assert told.rows(rows) == [expected]


def test_a_call_above_its_lanes_share_waits_for_a_larger_share(told: Told) -> None:
    """No day brings it. Its share is that of the last claim in its lane."""
    request = REQUEST.model_copy(update={"lane": "backfill"})
    other = requested(OTHER).model_copy(update={"lane": "backfill"})
    claim = reserved(other, FIRST, UUID(int=9), usd="2.5").model_copy(update={"lane_cap_usd": 2})
    told.tell(*ACTIVE, extracted(VIDEO), request, extracted(OTHER), other, claim)
    told.tell(settled(claim, "not_called", "0", granted=False))
    assert told.rows(
        "SELECT waits_for, lane, share_usd::DOUBLE, reason, next_try_at, next_step FROM video_status"
        " WHERE video_id = 'video-1'"
    ) == [
        (
            "money",
            "backfill",
            2.0,
            "its call may cost $2.5000, and lane backfill may spend $2.00 on any day",
            None,
            "raise EARMARK_BACKFILL_SHARE or EARMARK_DAILY_CAP_USD",
        )
    ]


def test_the_room_of_a_lane_is_held_against_what_the_transcripts_length_will_cost(told: Told) -> None:
    """One long video among many short ones does not make the others wait for money."""
    told.tell(*ACTIVE)
    for number, (words, usd) in enumerate([(1000, "0.1"), (40_000, "4.0"), (2000, "0.2"), (1500, None)], 1):
        of = video(number)
        request = requested(of)
        told.tell(extracted(of).model_copy(update={"words": words}), request)
        if usd is not None:
            claim = reserved(request, FIRST, UUID(int=number), usd=usd)
            told.tell(claim, settled(claim, "completed", usd, USAGE), completed(of, FIRST, UUID(int=number)))
    status = "SELECT waits_for FROM video_status WHERE video_id = 'video-4'"
    assert told.rows(status) == [("analyst",)]
    long = video(5)
    told.tell(extracted(long).model_copy(update={"words": 9000}), requested(long))
    assert told.rows(status) == [("money",)], "behind one that has no room"


def test_every_video_that_is_not_analysed_has_a_reason_and_a_next_step(told: Told) -> None:
    """All of them in one model, as far as one video does not take another's money."""
    for events, _ in WAYS.values():
        told.tell(*events)
    told.tell(*ACTIVE, completed(VIDEO, FIRST, UUID(int=1)))
    assert told.rows(
        "SELECT status, waits_for, reason, next_step FROM video_status WHERE video_id = 'video-1'"
    ) == [("analysed", None, None, None)]
    stuck = "FROM video_status WHERE status <> 'analysed' AND (reason IS NULL OR next_step IS NULL)"
    assert told.rows(stuck) == []

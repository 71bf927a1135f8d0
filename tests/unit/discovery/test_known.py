"""What watch knows of videos: the same from the log in any order of its topics, and told more than once."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from streams.discovery.known import Known
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable, captions_id
from streams.events.envelope import encode
from streams.events.event import Event
from streams.events.record import Record
from streams.events.videos import Video, VideoDiscovered
from streams.log.topics import VIDEOS, destination

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
VIDEO = Video(video_id="abcdefghijk", url="https://www.youtube.com/watch?v=abcdefghijk", origin="poll")
DISCOVERED = VideoDiscovered(at=NOON, video=VIDEO)


def record(event: Event, offset: int = 0) -> Record:
    topic, _ = destination(event)
    message = encode(event)
    return Record(topic.name, 0, offset, 0, message.key, message.headers, message.value)


def unavailable(
    attempt: int, next_try_at: datetime | None, *, revision: int = 1, at: datetime = NOON
) -> Event:
    return CaptionsUnavailable(
        at=at,
        video=VIDEO,
        revision=revision,
        attempt=attempt,
        tries=attempt,
        reason="no captions yet",
        failure="later",
        starts_at=None,
        next_try_at=next_try_at,
    )


def requested(attempt: int, revision: int = 1) -> Event:
    return CaptionsRequested(at=NOON, video=VIDEO, revision=revision, attempt=attempt, cause="retry")


def extracted(revision: int = 1) -> Event:
    return CaptionsExtracted(
        at=NOON,
        video=VIDEO,
        captions_id=captions_id(VIDEO.video_id, revision),
        revision=revision,
        attempt=1,
        source="captions_auto",
        language="en",
        texts=("hello",),
        starts_ms=(0,),
        ends_ms=(1,),
        words=1,
    )


def known_from(*events: Event) -> Known:
    known = Known()
    for offset, event in enumerate(events):
        known.apply(record(event, offset))
    return known


def test_a_failed_try_falls_due_at_its_time() -> None:
    known = known_from(DISCOVERED, unavailable(1, NOON + HOUR))
    assert known.first_retry(NOON) is None
    retry = known.first_retry(NOON + HOUR)
    assert retry is not None
    assert (retry.video_id, retry.failed, retry.position.offset) == (VIDEO.video_id, (1, 1), 1)


@pytest.mark.parametrize(
    "settlement", [requested(2), extracted(), extracted(2), requested(1, 2), unavailable(2, None)]
)
def test_a_try_is_settled_by_whatever_came_after_it(settlement: Event) -> None:
    for events in permutations([DISCOVERED, unavailable(1, NOON), settlement]):
        assert known_from(*events).retries == {}, [type(event).__name__ for event in events]


def test_the_oldest_live_video_goes_first() -> None:
    other = VIDEO.model_copy(update={"video_id": "kjihgfedcba", "published_at": NOON - HOUR})
    later = CaptionsUnavailable(
        at=NOON,
        video=other,
        revision=1,
        attempt=1,
        tries=1,
        reason="",
        failure="later",
        starts_at=None,
        next_try_at=NOON - HOUR,
    )
    known = known_from(unavailable(1, NOON), later)
    retry = known.first_retry(NOON)
    assert retry is not None
    assert retry.video_id == other.video_id


def test_of_two_tellings_of_one_try_the_first_wins() -> None:
    known = known_from(unavailable(1, NOON), unavailable(1, NOON + HOUR))
    assert known.retries[VIDEO.video_id].position.offset == 0


def test_the_next_try_of_a_refresh_is_not_settled_by_the_older_revision() -> None:
    known = known_from(extracted(1), requested(1, 2), unavailable(1, NOON, revision=2))
    assert known.retries[VIDEO.video_id].failed == (2, 1)


def test_a_refusal_pauses_until_something_is_taken_whatever_is_read_first() -> None:
    refused = unavailable(1, NOON).model_copy(update={"failure": "soon"})
    other = VIDEO.model_copy(update={"video_id": "kjihgfedcba"})
    taken = extracted().model_copy(update={"video": other, "at": NOON + HOUR})
    for events in permutations([DISCOVERED, refused]):
        assert known_from(*events).pause is not None
    for events in permutations([DISCOVERED, refused, taken]):
        known = known_from(*events)
        assert known.pause is None
        assert known.first_retry(NOON + HOUR) is not None


def test_what_cannot_be_read_is_skipped(caplog: pytest.LogCaptureFixture) -> None:
    known = known_from(DISCOVERED)
    good = record(unavailable(1, NOON))
    known.apply(Record(good.topic, 0, 7, 0, good.key, good.headers, b"{"))
    known.apply(Record(VIDEOS.name, 0, 8, 0, None, (), None))
    assert list(known.settled) == [VIDEO.video_id]
    assert known.retries == {}
    assert [r.levelname for r in caplog.records] == ["WARNING", "WARNING"]

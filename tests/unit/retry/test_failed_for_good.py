"""What failed for good: the same from the log in any order of its topics."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import EarmarkError
from streams.events.captions import CaptionsRequested, captions_id
from streams.events.channels import ChannelFollowed
from streams.events.event import Event, Position
from streams.events.ledger import AnalysisRequested, analysis_id, request_id
from streams.events.prompts import Prompt
from streams.events.record import Record
from streams.events.videos import VideoDiscovered
from streams.log.topics import ANALYSES, VIDEOS
from streams.retry.failure import FailedAnalysis, FailedCaptions, Failure
from streams.retry.failures import TOPICS, Failures
from tests.builders.read_model_histories import history, log_of
from tests.builders.read_model_world import (
    PROMPTS,
    asked_again,
    at,
    completed,
    extracted,
    failed,
    record,
    requested,
    unavailable,
    video,
)

FIRST, SECOND = PROMPTS
VIDEO = video(1)
DISCOVERED = VideoDiscovered(at=at(0), video=VIDEO)
GONE = unavailable(VIDEO, 2, None)
FAILED = failed(VIDEO, FIRST, UUID(int=1), final=True)


def fold(*events: Event, active: str | None = FIRST.prompt_id) -> Failures:
    failures = Failures(active)
    for offset, event in enumerate(events):
        failures.apply(record(event, offset))
    return failures


def in_any_order(*events: Event) -> list[list[Failure]]:
    """What failed for good, in each order of the topics; those of one topic keep theirs."""
    records = [record(event, offset) for offset, event in enumerate(events)]
    topics = {told.topic for told in records}
    found = []
    for order in permutations(topics):
        failures = Failures(FIRST.prompt_id)
        for told in sorted(records, key=lambda told: order.index(told.topic)):
            failures.apply(told)
        found.append(failures.for_good())
    return found


def only(found: Iterable[Failure]) -> Failure:
    [failure] = found
    return failure


def test_captions_that_failed_for_good_are_requested_again_with_fresh_tries() -> None:
    for found in in_any_order(DISCOVERED, unavailable(VIDEO, 1, at(60)), asked_again(VIDEO, 2), GONE):
        gone = only(found)
        assert isinstance(gone, FailedCaptions)
        assert gone.asked_again(at(9)) == CaptionsRequested(
            at=at(9), video=VIDEO, revision=1, attempt=3, tries=0, starts_at=None, cause="refresh"
        )


@pytest.mark.parametrize(
    "since",
    [
        [],
        [GONE, asked_again(VIDEO, 3)],
        [GONE, extracted(VIDEO)],
        [GONE, extracted(VIDEO, 2)],
        [GONE, CaptionsRequested(at=at(3), video=VIDEO, revision=2, attempt=1, cause="refresh")],
        [GONE, asked_again(VIDEO, 3), unavailable(VIDEO, 3, at(60))],
        [unavailable(VIDEO, 1, at(60))],
    ],
)
def test_captions_that_wait_are_there_or_are_requested_did_not_fail(since: list[Event]) -> None:
    assert {len(found) for found in in_any_order(DISCOVERED, *since)} == {0}


def test_a_refresh_that_failed_may_be_repeated_and_an_older_failure_counts_no_more() -> None:
    again = GONE.model_copy(update={"revision": 2, "attempt": 1})
    for found in in_any_order(DISCOVERED, GONE, extracted(VIDEO), again):
        failure = only(found)
        assert isinstance(failure, FailedCaptions)
        assert (failure.revision, failure.attempt) == (2, 1)


def test_of_two_tellings_of_one_try_the_first_stands() -> None:
    told_again = GONE.model_copy(update={"reason": "other words"})
    assert only(fold(GONE, told_again).for_good()).reason == "no captions"


def test_captions_of_a_named_video_need_not_wait_and_keep_their_tries() -> None:
    waiting = only(fold(DISCOVERED, unavailable(VIDEO, 2, at(60))).of(VIDEO.video_id))
    assert isinstance(waiting, FailedCaptions)
    assert not waiting.is_final
    event = waiting.asked_again(at(9))
    assert (event.attempt, event.tries) == (3, 2)


def test_an_analysis_that_failed_for_good_is_requested_again_in_its_lane() -> None:
    backfill = FAILED.model_copy(update={"lane": "backfill"})
    for found in in_any_order(DISCOVERED, extracted(VIDEO), requested(VIDEO), backfill):
        failure = only(found)
        captions, place = captions_id(VIDEO.video_id, 1), record(extracted(VIDEO), 0)
        assert failure.asked_again(at(9)) == AnalysisRequested(
            at=at(9),
            request_id=request_id(captions, None, None, 1),
            video_id=VIDEO.video_id,
            captions_id=captions,
            captions_at=Position(partition=place.partition, offset=1),
            lane="backfill",
            prompt_id=None,
            replay_id=None,
            again=1,
        )


@pytest.mark.parametrize(
    "since",
    [
        [requested(VIDEO, again=1)],
        [completed(VIDEO, FIRST, UUID(int=2))],
        [requested(VIDEO, again=1), completed(VIDEO, FIRST, UUID(int=2), again=1)],
        [extracted(VIDEO, 2)],
    ],
)
def test_an_analysis_that_is_requested_again_or_there_did_not_fail(since: list[Event]) -> None:
    for found in in_any_order(DISCOVERED, extracted(VIDEO), requested(VIDEO), FAILED, *since):
        assert found == []


@pytest.mark.parametrize(
    "told",
    [
        failed(VIDEO, FIRST, UUID(int=1), final=False),
        FAILED.model_copy(update={"lane": "replay", "replay_id": UUID(int=9)}),
    ],
)
def test_a_failed_attempt_or_replay_is_no_failure_for_good(told: Event) -> None:
    assert {len(found) for found in in_any_order(DISCOVERED, extracted(VIDEO), told)} == {0}


def test_a_repetition_that_failed_may_be_repeated() -> None:
    once = [extracted(VIDEO), requested(VIDEO), FAILED, requested(VIDEO, again=1)]
    repeated = failed(VIDEO, SECOND, UUID(int=2), final=True, again=1)
    for found in in_any_order(*once, repeated):
        failure = only(found)
        assert isinstance(failure, FailedAnalysis)
        assert failure.again == 2
        assert failure.asked_again(at(9)).request_id == request_id(failure.captions_id, None, None, 2)


def test_a_repetition_is_known_whichever_prompt_it_failed_under() -> None:
    """Its analysis is one that nothing else has."""
    names = [analysis_id(captions_id("v", 1), prompt.prompt_id, n) for prompt in PROMPTS for n in (None, 1)]
    assert len(set(names)) == 4


@pytest.mark.parametrize(
    ("active", "under", "count"),
    [
        (SECOND.prompt_id, SECOND, 0),  # as of a replay, whose prompt was activated since
        (FIRST.prompt_id, SECOND, 1),  # a candidate's answer is no answer
        (SECOND.prompt_id, FIRST, 0),
        (None, SECOND, 1),
    ],
)
def test_an_answer_under_the_prompt_that_would_be_asked_makes_up_for_a_failure(
    active: str | None, under: Prompt, count: int
) -> None:
    answer = completed(VIDEO, under, UUID(int=2))
    assert len(fold(extracted(VIDEO), answer, FAILED, active=active).for_good()) == count


def test_how_far_a_video_is() -> None:
    name = VIDEO.video_id
    assert fold().stage(name) == "unknown"
    assert fold(DISCOVERED).stage(name) == fold(GONE).stage(name) == "discovered"
    assert fold(asked_again(VIDEO, 2)).stage(name) == "discovered"
    captioned = fold(extracted(VIDEO), FAILED)
    assert (captioned.stage(name), captioned.is_repeated(name)) == ("captioned", False)
    assert fold(extracted(VIDEO), FAILED, requested(VIDEO, again=1)).is_repeated(name)
    assert fold(extracted(VIDEO), completed(VIDEO, FIRST, UUID(int=2))).stage(name) == "analysed"


def test_the_oldest_failure_goes_first() -> None:
    other = video(2)
    early = unavailable(other, 1, None)
    found = fold(extracted(VIDEO), FAILED, early).for_good()
    assert [failure.video.video_id for failure in found] == [other.video_id, VIDEO.video_id]


def test_a_reason_is_found_in_any_case() -> None:
    gone, analysis = only(fold(GONE).for_good()), only(fold(extracted(VIDEO), FAILED).for_good())
    assert [gone.says(text) for text in ("NO CAPT", "json")] == [True, False]
    assert [analysis.says(text) for text in ("Invalid_", "no json", "captions")] == [True, True, False]
    assert (gone.kind, analysis.kind) == ("no captions", "invalid_answer")


def followed(channel_id: str, handle: str | None, title: str | None) -> Event:
    return ChannelFollowed(at=at(0), channel_id=channel_id, handle=handle, title=title, since=None)


@pytest.mark.parametrize("name", ["UCone", "ucONE", "@one", "One", "one & only"])
def test_a_channel_is_named_by_its_id_its_handle_or_its_title(name: str) -> None:
    failures = fold(followed("UCone", "@One", "One & Only"), followed("UCtwo", None, "Two"))
    assert failures.channel_id_of(name) == "UCone"


def test_a_channel_nobody_follows_is_known_by_what_failed() -> None:
    stranger = VIDEO.model_copy(update={"channel_id": "UCx", "channel_title": "Strange"})
    gone = unavailable(stranger, 1, None)
    assert fold(gone).channel_id_of("strange") == "UCx"
    assert fold(FAILED.model_copy(update={"video": stranger})).channel_id_of("UCx") == "UCx"


@pytest.mark.parametrize(("name", "names"), [("nobody", "none"), ("Same", "UCone, UCtwo")])
def test_a_name_of_no_or_of_two_channels_is_refused(name: str, names: str) -> None:
    failures = fold(followed("UCone", None, "Same"), followed("UCtwo", None, "Same"))
    with pytest.raises(EarmarkError, match=f"and names {names}$"):
        failures.channel_id_of(name)


def test_what_cannot_be_read_is_skipped(caplog: pytest.LogCaptureFixture) -> None:
    failures = fold(GONE)
    broken = replace(record(GONE, 7), value=b"{")
    ledger = replace(record(requested(VIDEO, again=1), 0), value=b"{")
    bare = Record(ANALYSES.name, 0, 8, 0, None, (("ce_type", b"AnalysisCompleted"),), None)
    for told in (broken, ledger, bare, Record(VIDEOS.name, 0, 8, 0, None, (), None)):
        failures.apply(told)
    assert len(failures.for_good()) == 1
    assert [told.levelname for told in caplog.records] == ["WARNING"] * 3


def test_big_bodies_are_not_read() -> None:
    """Of a transcript and of an answer the headers are enough."""
    failures = Failures(FIRST.prompt_id)
    for event in (extracted(VIDEO), completed(VIDEO, FIRST, UUID(int=2))):
        failures.apply(replace(record(event, 0), value=b"{"))
    assert failures.stage(VIDEO.video_id) == "analysed"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3), st.randoms(use_true_random=False))
def test_any_interleaving_of_the_topics_gives_the_same(seed: int, videos: int, random: Random) -> None:
    """Told more than once, too."""
    log = log_of(history(Random(seed), videos))
    lines = [records for place, records in sorted(log.items()) if place.topic in {t.name for t in TOPICS}]
    found = [_folded(_interleaved(lines, random)) for _ in range(3)]
    assert found[0] == found[1] == found[2] == _folded([told for line in lines for told in line])


def _folded(records: Iterable[Record]) -> tuple[list[Failure], list[str]]:
    failures = Failures(SECOND.prompt_id)
    for told in records:
        failures.apply(told)
    return failures.for_good(), [failures.stage(video(number).video_id) for number in range(3)]


def _interleaved(lines: Sequence[Sequence[Record]], random: Random) -> list[Record]:
    places = [number for number, line in enumerate(lines) for _ in line]
    random.shuffle(places)
    left = [iter(line) for line in lines]
    return [next(left[number]) for number in places]


def test_what_is_requested_again_is_no_failure_until_it_fails_again() -> None:
    events: list[Event] = [DISCOVERED, GONE, extracted(video(2)), failed(video(2), FIRST, None, final=True)]
    asked = [failure.asked_again(at(9)) for failure in fold(*events).for_good()]
    assert len(asked) == 2
    assert fold(*events, *asked).for_good() == []


def test_the_time_of_a_failure_is_its_own() -> None:
    assert only(fold(GONE).for_good()).at == at(2) == at(0) + timedelta(minutes=2)

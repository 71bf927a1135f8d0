"""What an analyst knows after any record of its three topics."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.analysis.state import AnalystState
from streams.budget.entries import Cancellation, Claim, Entry, LedgerError, Replay, Request
from streams.budget.ledger import Ledger, Verdict
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed, AttemptOutcome, Outlook
from streams.events.envelope import encode
from streams.events.event import Event, Position
from streams.events.ledger import Usage, analysis_id, request_id
from streams.events.prompts import Prompt, PromptActivated, PromptRegistered
from streams.events.record import Record
from streams.log.topics import ANALYSES, CAPTIONS, LEDGER, PROMPTS, Topic
from tests.builders.ledger_records import NOON_MS, claim, request, settlement
from tests.builders.ledger_records import record as ledger_record
from tests.builders.transcripts import VIDEO

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIRST, SECOND = (
    Prompt(name=name, model="m", max_tokens=9, effort="low", words="Listen.", schema_version=1)
    for name in ("first", "second")
)
CAPTIONS_ID = UUID(int=5)
FOLLOWING = UUID(int=6)
ALL = range(ANALYSES.partitions)


class Told:
    """A state that is told entries and events, and the verdicts it spoke."""

    def __init__(self) -> None:
        self.verdicts: list[tuple[UUID, Verdict]] = []
        self.state = AnalystState(lambda attempt_id, verdict: self.verdicts.append((attempt_id, verdict)))
        self.offset = 0

    def ledger(self, *entries: Entry, at_s: float = 0) -> None:
        for entry in entries:
            self.state.apply(ledger_record(entry, self.offset, NOON_MS + round(at_s * 1000)))
            self.offset += 1

    def event(self, topic: Topic, event: Event, partition: int = 0, offset: int = 0) -> None:
        message = encode(event)
        self.state.apply(
            Record(topic.name, partition, offset, NOON_MS, message.key, message.headers, message.value)
        )

    def markers(self, prompt: Prompt, activation: int, partitions: range = ALL) -> None:
        for partition in partitions:
            marker = PromptActivated(
                at=AT, prompt_id=prompt.prompt_id, previous=None, activation=activation, partition=partition
            )
            self.event(ANALYSES, marker, partition)

    def queued(self) -> list[int]:
        """The offsets of the requests that wait, as they would be taken."""
        found = []
        while (pending := self.state.queue.take(2**60)) is not None:
            found.append(pending.offset)
        return found


@pytest.fixture
def told() -> Told:
    told = Told()
    for prompt in (FIRST, SECOND):
        told.event(PROMPTS, PromptRegistered(at=AT, prompt_id=prompt.prompt_id, prompt=prompt))
    return told


def failure(of: Claim, outcome: AttemptOutcome = "unknown", *, final: bool = False) -> Event:
    return (AnalysisFailed if final else AttemptFailed)(
        at=AT,
        analysis_id=of.analysis_id,
        attempt_id=of.attempt_id,
        video=VIDEO,
        captions_id=CAPTIONS_ID,
        lane="live",
        replay_id=None,
        prompt_id="p",
        model="m",
        outcome=outcome,
        reason="so it was",
        raw_answer=None,
        usage=None,
        usd=Decimal(0),
    )


def answer(of: Claim) -> AnalysisCompleted:
    return AnalysisCompleted(
        at=AT,
        analysis_id=of.analysis_id,
        attempt_id=of.attempt_id,
        video=VIDEO,
        captions_id=CAPTIONS_ID,
        captions_revision=1,
        captions_at=Position(partition=0, offset=0),
        lane="live",
        replay_id=None,
        prompt_id="p",
        prompt="first",
        model="m",
        lines_version=1,
        grounding_version=1,
        raw_answer="{}",
        usage=Usage(input_tokens=1, output_tokens=1),
        usd=Decimal(0),
        outlook=Outlook(direction="mixed", reasoning=""),
        themes=(),
        risks=(),
        summary="",
        mentions=(),
    )


def test_a_prompt_is_active_once_its_marker_stands_in_every_partition(told: Told) -> None:
    assert told.state.active_prompt is None
    told.markers(FIRST, 2, ALL[:-1])
    assert told.state.active_prompt is None
    told.markers(FIRST, 2, ALL[-1:])
    assert told.state.active_prompt == FIRST
    told.markers(SECOND, 3, ALL[:-1])
    assert told.state.active_prompt == FIRST
    told.markers(SECOND, 3, ALL[-1:])
    assert told.state.active_prompt == SECOND


activations = st.integers(2, 5)
others = st.lists(st.tuples(st.sampled_from(ALL), activations), max_size=20)


@settings(max_examples=50, deadline=None)
@given(st.lists(activations, min_size=len(ALL), max_size=len(ALL)), others, others)
def test_markers_told_again_and_late_change_nothing(
    one_each: list[int], before: list[tuple[int, int]], after: list[tuple[int, int]]
) -> None:
    """The active prompt is that of the last activation which every partition has reached, in whatever order."""
    told = Told()
    by_activation = {2: FIRST, 3: SECOND, 4: FIRST, 5: SECOND}
    for prompt in (FIRST, SECOND):
        told.event(PROMPTS, PromptRegistered(at=AT, prompt_id=prompt.prompt_id, prompt=prompt))
    markers = [*before, *enumerate(one_each), *after]
    for partition, activation in markers:
        told.markers(by_activation[activation], activation, range(partition, partition + 1))
    reached = [max(number for at, number in markers if at == partition) for partition in ALL]
    assert told.state.active_prompt == by_activation[min(reached)]


def test_a_request_is_for_the_prompt_it_names_or_else_for_the_active_one(told: Told) -> None:
    assert told.state.prompt_for(None) is None
    assert told.state.prompt_for(SECOND.prompt_id) == SECOND
    assert told.state.prompt_for("nobody's") is None
    told.markers(FIRST, 2)
    assert told.state.prompt_for(None) == FIRST


def test_a_broken_prompt_is_passed_over_and_a_topic_of_others_too(told: Told) -> None:
    told.state.apply(Record(PROMPTS.name, 0, 9, NOON_MS, None, (("ce_type", b"Unheard"),), b"{"))
    told.state.apply(Record(CAPTIONS.name, 0, 9, NOON_MS, None, (), b"{"))
    assert told.state.prompt_for(FIRST.prompt_id) == FIRST


def test_a_request_waits_in_the_queue_once(told: Told) -> None:
    told.ledger(request(1), request(1), request(2))
    assert told.queued() == [0, 2]
    told.ledger(request(1))
    assert told.queued() == []


def test_the_verdict_on_every_claim_is_heard(told: Told) -> None:
    told.ledger(
        request(1), claim(1), claim(1), claim(2), settlement(claim(1), "not_called"), claim(1, attempt=2)
    )
    assert told.verdicts == [
        (claim(1).attempt_id, "granted"),
        (claim(1).attempt_id, "duplicate"),
        (claim(2).attempt_id, "not_requested"),
        (claim(1, attempt=2).attempt_id, "not_the_next_attempt"),
    ]


@pytest.mark.parametrize("outcome", [answer(claim(1)), failure(claim(1)), failure(claim(1), final=True)])
def test_what_became_of_an_attempt_is_known_by_its_place_until_its_claim_is_settled(
    told: Told, outcome: Event
) -> None:
    told.ledger(request(1), claim(1))
    told.event(ANALYSES, outcome, partition=3, offset=41)
    assert told.state.recorded == {claim(1).attempt_id: Position(partition=3, offset=41)}
    told.ledger(settlement(claim(1), "retry"))
    assert told.state.recorded == {}
    told.event(ANALYSES, outcome, partition=3, offset=42)
    assert told.state.recorded == {}


def test_what_is_recorded_before_its_claim_is_read_is_known_all_the_same(told: Told) -> None:
    """Two followers read the two topics: either may be ahead."""
    told.event(ANALYSES, answer(claim(1)), partition=3, offset=41)
    told.ledger(request(1), claim(1))
    assert claim(1).attempt_id in told.state.recorded
    assert claim(1).analysis_id in told.state.answered


def test_an_analysis_with_an_answer_or_a_final_failure_is_answered_until_it_is_done(told: Told) -> None:
    told.ledger(request(1), request(2), claim(1), claim(2))
    told.event(ANALYSES, failure(claim(1)))
    assert told.state.answered == set()
    told.event(ANALYSES, answer(claim(1)))
    told.event(ANALYSES, failure(claim(2), final=True))
    assert told.state.answered == {claim(1).analysis_id, claim(2).analysis_id}
    told.ledger(settlement(claim(1), "completed"), settlement(claim(2), "failed"))
    assert told.state.answered == set()
    told.event(ANALYSES, answer(claim(1)))
    assert told.state.answered == set()


def test_a_refusal_before_any_call_answers_without_an_attempt(told: Told) -> None:
    refused = failure(claim(1), "over_cap", final=True)
    told.event(ANALYSES, refused.model_copy(update={"attempt_id": None}))
    assert told.state.answered == {claim(1).analysis_id}
    assert told.state.recorded == {}


def test_only_an_answer_that_was_cut_asks_for_more_room(told: Told) -> None:
    told.ledger(request(1), request(2), claim(1), claim(2))
    told.event(ANALYSES, failure(claim(1), "max_tokens"))
    told.event(ANALYSES, failure(claim(2), "invalid_answer"))
    assert told.state.truncated == {claim(1).analysis_id}
    told.ledger(settlement(claim(1), "retry"))
    assert told.state.truncated == {claim(1).analysis_id}
    told.ledger(claim(1, attempt=2), settlement(claim(1, attempt=2), "completed"))
    assert told.state.truncated == set()


def test_bodies_of_analyses_are_not_read(told: Told) -> None:
    """Transcripts' worth of answers pass by: the headers say what is needed."""
    message = encode(answer(claim(1)))
    told.state.apply(Record(ANALYSES.name, 0, 0, NOON_MS, message.key, message.headers, b"not read"))
    assert told.state.answered == {claim(1).analysis_id}


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ({"headers": (("ce_type", b""),)}, "version '' is unknown here"),
        (
            {"headers": (("ce_type", b"BudgetReserved"), ("ce_dataschema", b"urn:earmark:BudgetReserved:2"))},
            "version '2'",
        ),
        (
            {"headers": (("ce_type", b"MentionAdded"), ("ce_dataschema", b"urn:earmark:MentionAdded:1"))},
            "MentionAdded",
        ),
        ({"value": None}, "BudgetReserved cannot be read"),
        ({"value": b"{}"}, "BudgetReserved cannot be read"),
        ({"value": b"\xff"}, "BudgetReserved cannot be read"),
        ({"value": b'{"usd": "much"}'}, "BudgetReserved cannot be read"),
    ],
    ids=["no event", "newer", "of another topic", "empty", "bare", "bytes", "no money"],
)
def test_a_ledger_that_cannot_be_read_ends_everything_and_says_where(
    told: Told, broken: dict[str, object], sentence: str
) -> None:
    with pytest.raises(LedgerError) as unreadable:
        told.state.apply(replace(ledger_record(claim(1), 17, NOON_MS), **broken))  # type: ignore[arg-type]
    assert sentence in str(unreadable.value)
    assert "analysis.ledger[0]@17" in str(unreadable.value)


def test_a_record_of_the_ledger_that_was_never_earmarks_is_passed_over(told: Told) -> None:
    """Even its time counts nowhere: every reader must come to the same clock."""
    told.state.apply(Record(LEDGER.name, 0, 17, NOON_MS + 10**9, b"k", (("x", b"1"),), b"hello"))
    assert told.state.ledger == Ledger()


def following(replay_id: UUID = FOLLOWING, ends: tuple[int, ...] = (), prompt: Prompt = SECOND) -> Replay:
    return Replay(
        replay_id=replay_id,
        prompt_id=prompt.prompt_id,
        share=0.5,
        max_usd=Decimal(1),
        follow=True,
        captions_ends=ends,
    )


def owed(told: Told) -> list[str]:
    """The videos for which a following replay asks."""
    return [request.video_id for request in told.state.owed_now()]


def asked_for(number: int) -> Request:
    """What recovery appends for the live request of that number."""
    live = request(number)
    name = request_id(live.captions_id, SECOND.prompt_id, FOLLOWING)
    return msgspec.structs.replace(
        live, request_id=name, lane="replay", prompt_id=SECOND.prompt_id, replay_id=FOLLOWING
    )


def test_a_following_replay_asks_for_every_new_video_once(told: Told) -> None:
    told.ledger(following(), request(1))
    assert owed(told) == ["video-1"]
    told.ledger(asked_for(1))
    assert owed(told) == []


def test_a_following_replay_asks_for_nothing_that_is_asked_for_again(told: Told) -> None:
    """It is no new video, and may be none of the replay's."""
    again = msgspec.structs.replace(request(1), request_id=UUID(int=8), again=1)
    told.ledger(following(), again)
    assert owed(told) == []
    told.ledger(following(UUID(int=9)))
    assert owed(told) == []


def test_what_the_replay_asked_for_before_the_live_request_came_is_not_owed(told: Told) -> None:
    """As when a worker was slow: or it would be appended again and again, for ever."""
    told.ledger(following(), asked_for(1), request(1))
    assert owed(told) == []


def test_live_requests_behind_a_replays_list_are_owed_though_they_came_before_it(told: Told) -> None:
    """Their captions came after the list was made, their requests before the replay stood in the log."""
    told.ledger(request(1), request(2), following(ends=(2,)))
    assert owed(told) == ["video-2"]


def test_what_is_owed_stays_owed_when_its_prompt_is_activated(told: Told) -> None:
    """The live request may have been claimed under the prompt before."""
    told.markers(FIRST, 2)
    told.ledger(following(), request(1))
    told.markers(SECOND, 3)
    assert owed(told) == ["video-1"]


def test_under_the_active_prompt_a_following_replay_asks_for_nothing(told: Told) -> None:
    """The live request gets the same answer."""
    told.markers(SECOND, 3)
    told.ledger(following(), request(1))
    assert owed(told) == []


def test_what_is_analysed_under_the_candidate_is_not_owed(told: Told) -> None:
    """As after a restart, when the ledger is read before it is known which prompt is active."""
    done = msgspec.structs.replace(
        claim(1), analysis_id=analysis_id(request(1).captions_id, SECOND.prompt_id)
    )
    told.ledger(following(), request(1), done, settlement(done, "completed"))
    assert owed(told) == []


def test_a_cancelled_replay_asks_for_nothing_more(told: Told) -> None:
    told.ledger(following(), request(1), Cancellation(FOLLOWING), request(2))
    assert owed(told) == []


numbers = st.integers(1, 3)
claims = st.builds(lambda number, attempt: claim(number, attempt=attempt), numbers, numbers)
entries = st.one_of(
    st.builds(request, numbers),
    claims,
    st.builds(
        lambda of, outcome, retry_at, unanswered: msgspec.structs.replace(
            settlement(of, outcome), retry_at=retry_at, unanswered=unanswered
        ),
        claims,
        st.sampled_from(["completed", "failed", "retry", "not_called", "not_called"]),
        st.sampled_from([None, "2026-11-20T12:30:00+00:00"]),
        st.booleans(),
    ),
    st.sampled_from([following(), following(ends=(2,)), Cancellation(FOLLOWING)]),
    st.builds(asked_for, numbers),
)
results = st.one_of(
    st.builds(answer, claims),
    st.builds(
        lambda of, outcome, final: failure(of, outcome, final=final),
        claims,
        st.sampled_from(["unknown", "max_tokens", "bad_request"]),
        st.booleans(),
    ),
)
markers = st.tuples(st.sampled_from([FIRST, SECOND]), st.sampled_from([ALL, range(3)]))
steps = st.lists(st.one_of(entries, entries, results, markers), max_size=20)


@example([request(1), settlement(claim(1, attempt=2), "completed"), claim(1, attempt=2)], 1)
@settings(max_examples=60, deadline=None)
@given(steps, st.integers(1, 40))
def test_wherever_it_is_cut_what_was_kept_goes_on_as_if_it_had_not_been(
    history: list[Entry | Event | tuple[Prompt, range]], step_s: int
) -> None:
    """Verdicts, the breaker, the queue, what is owed and what is recorded."""
    whole, again = Told(), Told()
    for prompt in (FIRST, SECOND):
        whole.event(PROMPTS, PromptRegistered(at=AT, prompt_id=prompt.prompt_id, prompt=prompt))
    for number, step in enumerate(history):
        again = Told()
        again.state.thaw(whole.state.freeze())
        again.state.prompts = whole.state.prompts
        heard = len(whole.verdicts)
        for told in (whole, again):
            told.offset = number
            match step:
                case (prompt, partitions):
                    told.markers(prompt, number, partitions)
                case Event():
                    told.event(ANALYSES, step, partition=number % 12, offset=number)
                case entry:
                    told.ledger(entry, at_s=number * step_s)
        assert again.verdicts == whole.verdicts[heard:]
        for field in fields(AnalystState):
            if field.name not in {"on_verdict", "queue"}:
                assert getattr(again.state, field.name) == getattr(whole.state, field.name)
        assert again.state.active_prompt == whole.state.active_prompt
    # What was settled before it was claimed stays in line, and is passed over when its turn comes.
    waiting = {pending.offset for pending in whole.state.ledger.pending.values()}
    in_line = [[offset for offset in told.queued() if offset in waiting] for told in (again, whole)]
    assert not history or in_line[0] == in_line[1]

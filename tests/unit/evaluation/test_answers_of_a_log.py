"""What an evaluation takes for the answer to a question, of all that the log says of it."""

import random
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import orjson
import pytest

from streams.analysis.symbols import Symbols
from streams.evaluation.answers import Answers, attempted
from streams.evaluation.heard import Cost, HeardCall, RejectedCall, State
from streams.evaluation.purse import Purse, SpentError
from streams.evaluation.questions import Question
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.envelope import encode
from streams.events.evaluations import EvaluationAttempted
from streams.events.event import Event, Position
from streams.events.ledger import Usage
from streams.events.record import Record
from streams.log.topics import EVALUATIONS, destination
from tests.builders.analyst_scene import ANSWER, PROMPT
from tests.builders.examples import EXAMPLES
from tests.builders.gold_scenes import gold_video

VIDEO = gold_video("v1")
QUESTION = Question(
    VIDEO.__class__(
        **{
            **vars(VIDEO),
            "texts": ("welcome", "i am buying", "palanteer here and now"),
            "starts_ms": (0, 2000, 4000),
            "ends_ms": (2000, 4000, 6000),
        }
    ),
    PROMPT,
)
AT = datetime(2026, 11, 1, tzinfo=UTC)
USAGE = Usage(input_tokens=100, output_tokens=10)


def attempt(outcome: str, text: str | None = None, usd: str = "0", **others: object) -> EvaluationAttempted:
    return EvaluationAttempted.model_validate(
        {
            "at": AT,
            "analysis_id": QUESTION.analysis_id,
            "attempt_id": uuid4(),
            "video_id": QUESTION.video_id,
            "captions_id": QUESTION.captions_id,
            "prompt_id": PROMPT.prompt_id,
            "model": PROMPT.model,
            "outcome": outcome,
            "final": True,
            "reason": None,
            "raw_answer": text,
            "usage": USAGE if text else None,
            "usd": Decimal(usd),
            **others,
        }
    )


def record(event: Event, offset: int) -> Record:
    message = encode(event)
    return Record(EVALUATIONS.name, 0, offset, 0, message.key, message.headers, message.value)


def folded(*events: Event) -> Answers:
    answers = Answers()
    for offset, event in enumerate(events):
        answers.apply(record(event, offset))
    return answers


WHOLE = attempt("completed", ANSWER, "0.5")
CUT = attempt("partial", ANSWER[:-30], "0.25")
FAILED = attempt("max_tokens", ANSWER[:40], "0.125", final=False)


def test_an_answer_is_grounded_in_the_gold_words() -> None:
    answer = folded(WHOLE).of(QUESTION, Symbols())
    assert answer.state == "answered"
    quote = answer.calls[0].quote
    assert answer.calls == (HeardCall("PLTR", "palanteer", "buy", 0.85, quote, 2.0),)
    assert answer.rejected == (RejectedCall("TSLA", "quote_not_in_transcript"),)
    assert answer.cost == Cost(Decimal("0.5"), 100, 10)


def test_a_whole_answer_goes_before_one_that_was_cut_and_all_of_them_are_paid() -> None:
    for seed in range(4):
        events = [FAILED, CUT, WHOLE, WHOLE]
        random.Random(seed).shuffle(events)
        answer = folded(*events).of(QUESTION, Symbols())
        assert (answer.state, answer.cost) == ("answered", Cost(Decimal("0.875"), 300, 30))
        assert len(answer.calls) == 1


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("partial", "cut"),
        ("max_tokens", "cut"),
        ("context_window", "cut"),
        ("refusal", "refused"),
        ("content_filtered", "refused"),
        ("invalid_answer", "failed"),
        ("over_cap", "failed"),
    ],
)
def test_an_ending_is_of_its_kind(outcome: str, state: State) -> None:
    assert folded(attempt(outcome)).of(QUESTION, Symbols()).state == state


def test_an_attempt_that_failed_is_no_answer_and_costs() -> None:
    answer = folded(FAILED).of(QUESTION, Symbols())
    assert (answer.state, answer.cost.usd) == ("not asked", Decimal("0.125"))
    assert folded().of(QUESTION, Symbols()).state == "not asked"


def test_what_cannot_be_read_is_passed_over() -> None:
    answers = folded(QUESTION.transcript(AT))
    broken = record(WHOLE, 1)
    assert answers.apply(Record(EVALUATIONS.name, 0, 1, 0, broken.key, broken.headers, b"{")) is None
    assert answers.transcripts == {QUESTION.captions_id: Position(partition=0, offset=0)}


@pytest.mark.parametrize(
    ("name", "outcome", "final"),
    [
        ("AnalysisCompleted", "completed", True),
        ("AnalysisCompleted.partial", "partial", True),
        ("AttemptFailed", "max_tokens", False),
        ("AnalysisFailed", "over_cap", True),
    ],
)
def test_what_a_call_brought_is_kept_as_it_was_paid_for(name: str, outcome: str, final: bool) -> None:  # noqa: FBT001
    event = EXAMPLES[name]
    assert isinstance(event, AnalysisCompleted | AttemptFailed | AnalysisFailed)
    kept = attempted(event)
    assert (kept.outcome, kept.final, kept.unanswered) == (outcome, final, False)
    for field in ("at", "analysis_id", "attempt_id", "raw_answer", "usage", "usd", "response", "model"):
        assert getattr(kept, field) == getattr(event, field)
    assert destination(kept) == (EVALUATIONS, None)


def test_a_question_is_what_claude_is_told() -> None:
    """Another gold call asks nothing anew; another word, title or prompt does."""

    def ids(**changed: object) -> tuple[UUID, UUID]:
        other = Question(VIDEO.__class__(**{**vars(QUESTION.video), **changed}), PROMPT)
        return other.captions_id, other.request_id

    first = (QUESTION.captions_id, QUESTION.request_id)
    assert ids(calls=(EXAMPLES,)) == first
    for changed in ({"texts": ("a", "b", "c")}, {"title": "Another"}, {"channel": "C"}, {"published_at": AT}):
        assert ids(**changed) != first
    request = QUESTION.request(AT, Position(partition=0, offset=7))
    assert (request.lane, request.video_id, request.replay_id) == ("evaluation", "gold:v1", None)
    assert orjson.loads(encode(QUESTION.transcript(AT)).value)["texts"] == list(QUESTION.video.texts)


def test_a_run_is_never_charged_above_its_own_limit() -> None:
    """A claim counts in full until it is settled."""
    purse, first, second = Purse(Decimal(1)), uuid4(), uuid4()
    purse.reserve(first, Decimal("0.6"))
    with pytest.raises(SpentError, match="--max-usd 1 pays for no further call"):
        purse.reserve(second, Decimal("0.5"))
    assert purse.is_open
    purse.settle(first, Decimal("0.5"))
    assert not purse.is_open
    purse.settle(first, Decimal("0.5"))
    purse.settle(uuid4(), Decimal(9))
    purse.reserve(second, Decimal("0.5"))
    assert purse.charged_usd == 1
    Purse(None).reserve(first, Decimal(1000))

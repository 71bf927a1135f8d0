"""What an evaluation takes for the answer to a question, of all that the log says of it."""

import random
from decimal import Decimal
from typing import Any

import pytest

from streams.evaluation.answers import Answers
from streams.evaluation.heard import NOT_ASKED, Cost, State
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.event import Event
from tests.builders.examples import EXAMPLES


def example(kind: type[Event], **changed: object) -> Any:
    return EXAMPLES[kind.__name__].model_copy(update=changed)


WHOLE = example(AnalysisCompleted, partial=False, usd=Decimal("0.5"))
PARTIAL = example(AnalysisCompleted, partial=True, usd=Decimal("0.25"), mentions=())
FAILED = example(AttemptFailed, usd=Decimal("0.125"), usage=None)


def test_a_whole_answer_goes_before_a_partial_one_and_all_of_them_are_paid() -> None:
    """In whatever order they stand: a partial one may be recorded by another analyst."""
    for seed in range(4):
        events = [FAILED, PARTIAL, WHOLE]
        random.Random(seed).shuffle(events)
        answers = Answers()
        for event in events:
            answers.take(("v", "p"), event)
        answer = answers.of(("v", "p"))
        assert (answer.state, answer.cost.usd) == ("answered", Decimal("0.875"))
        assert len(answer.calls) + len(answer.rejected) == len(WHOLE.mentions)
        assert answer.cost.prompt_tokens > 0
        assert answers.of(("v", "other")) == NOT_ASKED


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("max_tokens", "cut"),
        ("context_window", "cut"),
        ("refusal", "refused"),
        ("content_filtered", "refused"),
        ("invalid_answer", "failed"),
        ("over_cap", "failed"),
    ],
)
def test_a_failure_is_of_its_kind(outcome: str, state: State) -> None:
    answers = Answers()
    answers.take(("v", "p"), example(AnalysisFailed, outcome=outcome, usd=Decimal(0), usage=None))
    assert answers.of(("v", "p")).state == state
    answers.take(("v", "p"), PARTIAL)
    assert answers.of(("v", "p")).state == "cut"


def test_an_attempt_that_failed_is_no_answer_and_costs() -> None:
    answers = Answers()
    answers.take(("v", "p"), FAILED)
    assert answers.of(("v", "p")).state == "not asked"
    assert answers.of(("v", "p")).cost == Cost(Decimal("0.125"))

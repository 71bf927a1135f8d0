"""What is said and counted of an event that came into the log."""

import logging

import pytest

from streams import metrics
from streams.events.analyses import AttemptFailed
from streams.events.captions import CaptionsUnavailable
from streams.events.dead_letters import DeadLettered
from streams.events.ledger import BudgetSettled
from streams.events.signals import MentionAdded
from streams.log.noted import facts, level, note
from streams.log.topics import TOPICS, destination
from tests.builders.examples import EXAMPLES


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_event_is_a_line_whose_facts_can_be_written(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    event = EXAMPLES[name]
    caplog.set_level(logging.DEBUG)
    before = _events(event.__class__.__name__)
    note(destination(event)[0], event)
    (record,) = caplog.records
    assert record.getMessage() == type(event).__name__
    assert all(isinstance(fact, str | int | float) for fact in facts(event).values())
    assert _events(event.__class__.__name__) == before + 1


def _events(kind: str) -> float:
    return sum(
        sample.value
        for family in metrics.REGISTRY.collect()
        for sample in family.samples
        if sample.name == "earmark_events_total" and sample.labels["event"] == kind
    )


def test_a_failure_says_its_video_its_reason_and_when_it_is_tried_again() -> None:
    event = EXAMPLES["CaptionsUnavailable"]
    assert isinstance(event, CaptionsUnavailable)
    said = facts(event)
    assert (said["video"], said["attempt"], said["reason"], said["failure"]) == (
        event.video.video_id,
        event.attempt,
        event.reason,
        event.failure,
    )


def test_no_line_holds_what_is_long_or_somebody_elses() -> None:
    """A letter's bytes, an answer, a transcript."""
    for event in EXAMPLES.values():
        assert not {"original_value", "raw_answer", "texts", "words", "analysis"} & facts(event).keys()


def test_what_is_lost_is_an_error_what_failed_a_warning_and_history_is_quiet() -> None:
    assert level(EXAMPLES["DeadLettered"]) == logging.ERROR
    assert level(EXAMPLES["AnalysisFailed"]) == level(EXAMPLES["AttemptFailed"]) == logging.WARNING
    assert level(EXAMPLES["CaptionsExtracted"]) == logging.INFO
    signal = EXAMPLES["MentionAdded"]
    assert isinstance(signal, MentionAdded)
    assert level(signal.model_copy(update={"cause": "live"})) == logging.INFO
    assert level(signal.model_copy(update={"cause": "activation"})) == logging.DEBUG
    unavailable = EXAMPLES["CaptionsUnavailable"]
    assert level(unavailable.model_copy(update={"next_try_at": unavailable.at})) == logging.INFO
    assert level(unavailable.model_copy(update={"next_try_at": None})) == logging.WARNING


def test_tokens_dollars_refusals_and_letters_are_counted() -> None:
    failed, settled = EXAMPLES["AttemptFailed"], EXAMPLES["BudgetSettled"]
    letter, unavailable = EXAMPLES["DeadLettered"], EXAMPLES["CaptionsUnavailable"]
    assert isinstance(failed, AttemptFailed)
    assert isinstance(settled, BudgetSettled)
    assert isinstance(letter, DeadLettered)
    assert failed.usage is not None
    counters = [
        ("earmark_tokens_total", {"model": failed.model, "of": "input"}, failed.usage.input_tokens),
        ("earmark_tokens_total", {"model": failed.model, "of": "output"}, failed.usage.output_tokens),
        ("earmark_settled_usd_total", {"outcome": settled.outcome}, float(settled.usd)),
        ("earmark_dead_letters_total", {"handler": letter.handler}, 1),
        ("earmark_refusals_total", {"by": "youtube", "kind": "soon"}, 1),
    ]
    before = [value(name, **labels) for name, labels, _ in counters]
    for event in (failed, settled, letter, unavailable.model_copy(update={"failure": "soon"})):
        note(TOPICS[0], event)
    after = [value(name, **labels) for name, labels, _ in counters]
    grown = [now - then for then, now in zip(before, after, strict=True)]
    assert grown == pytest.approx([by for *_, by in counters])

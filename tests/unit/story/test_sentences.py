"""Each event says what it means for its video, and no event of the catalogue is without a sentence."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import get_args
from uuid import UUID

import pytest

from streams.events.catalogue import EVENT_TYPES
from streams.events.event import Event
from streams.story.record import Story, in_order
from streams.story.sentences import AnyEvent, say
from tests.builders.examples import AT, EXAMPLES, PROMPT, VIDEO
from tests.builders.read_model_world import (
    PROMPTS,
    activated,
    completed,
    extracted,
    failed,
    record,
    requested,
    reserved,
    settled,
    video,
)

SENTENCES = {
    "ChannelFollowed": "the channel Señor Market was followed, since 2026-10-23",
    "ChannelScanned": "the channel's videos tab was walked back to 2026-10-23, all of it",
    "ChannelUnfollowed": "the channel was unfollowed; what is in the log stays",
    "VideoDiscovered": "watch found it on Señor Market, täglich, published 2026-11-22 13:00 UTC",
    "CaptionsRequested": "watch asked for its captions again: try 2",
    "CaptionsExtracted": "its captions were taken: 7 words in en, as it was spoken, automatic (try 2)",
    "CaptionsUnavailable": (
        "try 1 brought no captions: no captions yet; the next try is at 2026-11-22 15:30 UTC"
    ),
    "CaptionsUnavailable.final": "try 1 brought no captions: the video is private; that is final",
    "CaptionsUnavailable.not_yet": (
        "try 2 brought no captions: Premieres in 3 hours; it starts 2026-11-22 17:30 UTC; the next try is at"
        " 2026-11-22 18:45 UTC"
    ),
    "AnalysisRequested": "its analysis was requested under the active prompt, in lane live",
    "AnalysisRequested.again": "a person asked for its analysis again, repetition 1, in lane backfill",
    "BudgetReserved": (
        "attempt 1 reserved $0.0023 of lane live for a call to claude-haiku-5-5 under prompt extract-v1, held until"
        " 14:32:35"
    ),
    "BudgetSettled": "an attempt was answered: $0.0004 billed (1,900 tokens read, 640 written)",
    "BudgetSettled.unanswered": (
        "an attempt has no answer, and is not counted: its bill is unknown, so $0.0012 stays charged"
    ),
    "ReplayStarted": "replay 5f0c1b1e of history under prompt extract-v1 began, for $2.50 at most",
    "ReplayCancelled": "replay 5f0c1b1e was cancelled by a person",
    "ReplayCancelled.reason": (
        "replay 5f0c1b1e was cancelled by Earmark: 404 not_found_error: model: claude-haiku-3"
    ),
    "AnalysisCompleted": (
        "claude-haiku-5-5 gave an answer under prompt extract-v1: 1 call (buy PLTR), 1 not grounded (quote not in"
        " transcript), the market bullish; $0.0004; it waits for its prompt to be activated"
    ),
    "AnalysisCompleted.partial": (
        "claude-haiku-5-5 gave a cut answer (its whole calls count) under prompt extract-v1: 0 calls, 1 not grounded"
        " (action unknown); $0.0023; it waits for its prompt to be activated"
    ),
    "AttemptFailed": "the call failed (max_tokens): the answer was cut at 4096 tokens; $0.0004 is charged",
    "AttemptFailed.unanswered": (
        "the call failed (provider_error): 500 api_error: Internal server error; $0.0012 is charged; Claude answered"
        " nobody, so no attempt is used up"
    ),
    "TranscriptGiven": f"the words of gold video gold:{VIDEO.video_id} were put into the log",
    "EvaluationAttempted": (
        f"an evaluation's call about gold:{VIDEO.video_id} ended as completed; $0.0004 was charged"
    ),
    "AnalysisFailed": (
        "its analysis under prompt extract-v1 failed for good (over_cap): the prompt costs more than any day's cap;"
        " nothing is charged"
    ),
    "PromptRegistered": "prompt extract-v1 was registered",
    "PromptActivated": "prompt extract-v1 was activated",
    "MentionAdded": (
        "published: buy PLTR, months, conviction 0.85 was added (live): “i'm adding to palanteer here”"
    ),
    "MentionChanged": (
        "published: buy PLTR, months, conviction 0.85 changed (live): action from “watch” to “buy”"
    ),
    "MentionRetracted": "published: buy PLTR, months, conviction 0.85 was retracted (live): not mentioned",
    "OutlookAdded": "published: its view of the market was added (live): bullish: rates come down",
    "OutlookChanged": (
        "published: its view of the market changed (live): direction from “mixed” to “bullish”"
    ),
    "OutlookRetracted": "published: its view of the market was retracted (live): not mentioned",
    "DeadLettered": (
        "extract_captions could not handle videos[3]@17 (1 try): BrokenBodyError: VideoDiscovered: no ce_time; it is"
        " dead letter 4"
    ),
    "DeadLetterRetried": "a person had dead letter 4 handled again, at [3]@21",
}
FIRST, SECOND = PROMPTS
NAMES = {prompt.prompt_id: prompt.name for prompt in (*PROMPTS, PROMPT)}
OF_IT = video(1)
REQUEST = requested(OF_IT)
CLAIM = reserved(REQUEST, FIRST, UUID(int=1))


def said(*events: Event, after_s: int = 1, video_id: str = "video-1") -> list[str]:
    """What the events say, a second apart by the log's clock; `after_s`: how long after the last it is asked."""
    start = int(AT.timestamp() * 1000)
    records = [record(event, 4 + number, start + 1000 * number) for number, event in enumerate(events)]
    story = Story(video_id, in_order(records), NAMES)
    now = AT + timedelta(seconds=len(records) - 1 + after_s)
    return [say(told, story, now) for told in story.shown]


def test_the_type_is_the_catalogue() -> None:
    assert set(get_args(AnyEvent)) == set(EVENT_TYPES)
    assert {event_type.__name__ for event_type in EVENT_TYPES} <= set(SENTENCES)


@pytest.mark.parametrize("name", SENTENCES)
def test_an_event_alone_has_its_sentence(name: str) -> None:
    [told] = in_order([record(EXAMPLES[name], 4, int(AT.timestamp() * 1000))])
    story = Story(VIDEO.video_id, [told], NAMES)
    assert say(told, story, AT + timedelta(seconds=1)) == SENTENCES[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_sentence_is_one_line_for_every_form_of_an_event(name: str) -> None:
    [told] = in_order([record(EXAMPLES[name], 4)])
    words = say(told, Story(VIDEO.video_id, [told], NAMES), AT)
    assert words
    assert "\n" not in words
    assert "None" not in words


def test_a_claim_that_nobody_settled_stays_charged() -> None:
    assert said(REQUEST, CLAIM)[1].endswith("under prompt first, held until 14:32:36")
    assert said(REQUEST, CLAIM, after_s=151)[1].endswith(
        "; it expired at 14:32:36 without an outcome, and all of it stays charged"
    )


def test_a_denied_claim_made_no_call() -> None:
    *_, claim, settlement = said(REQUEST, CLAIM, settled(CLAIM, "not_called", "0", granted=False))
    assert claim.endswith("under prompt first, and the ledger denied it")
    assert settlement == "attempt 1 made no call: nothing is charged"


def test_a_settlement_past_the_deadline_changes_nothing() -> None:
    hasty = CLAIM.model_copy(update={"hold_s": 1})
    *_, settlement = said(REQUEST, hasty, settled(hasty, "completed", "0.1"))
    assert settlement == "attempt 1 was settled after it had expired (completed): $0.50 stays charged"


@pytest.mark.parametrize(
    ("outcome", "usd", "retry_at", "sentence"),
    [
        ("retry", "0.1", AT, "attempt 1 failed, and another follows from 14:30:05 UTC on: its bill is unknown, so $0.10"),
        ("retry", "0", AT, "attempt 1 failed, and another follows from 14:30:05 UTC on: nothing is charged"),
        ("failed", "0", None, "attempt 1 failed, and none follows: nothing is charged"),
        ("failed", "0.00001", None, "attempt 1 failed, and none follows: its bill is unknown, so less than $0.0001"),
    ],
)  # fmt: skip
def test_a_settlement_says_what_follows(outcome: str, usd: str, retry_at: object, sentence: str) -> None:
    *_, settlement = said(REQUEST, CLAIM, settled(CLAIM, outcome, usd, None, retry_at))  # type: ignore[arg-type]
    assert settlement.startswith(sentence)


def test_only_the_activation_that_changed_it_is_told() -> None:
    """Of two, in its partition."""
    answer = completed(OF_IT, SECOND, UUID(int=2))
    place = record(answer, 0).partition
    first, second = (
        activated(prompt, number, None)[1 + place] for number, prompt in ((7, FIRST), (8, SECOND))
    )
    waiting, activation = said(first, answer, second)
    assert waiting.endswith("; it waited for its prompt to be activated")
    assert activation == "prompt second was activated, and its analysis became the current one"


def test_an_analysis_that_never_counts_says_so() -> None:
    answers = [completed(OF_IT, prompt, UUID(int=number)) for number, prompt in enumerate(PROMPTS)]
    *_, current, other = said(activated(FIRST, 7, None)[1 + record(answers[0], 0).partition], *answers)
    assert current.endswith("; $0.0045")
    assert other.endswith("; $0.0045; it is not the current one")


def test_a_fact_that_is_told_twice_counts_once() -> None:
    *_, again = said(extracted(OF_IT), extracted(OF_IT))
    assert again.startswith("told once more, which changes nothing: its captions were taken: 9 words")


def test_a_replays_failure_is_no_failure_of_the_video() -> None:
    [sentence] = said(failed(OF_IT, FIRST, None, final=True, lane="replay"))
    assert sentence.endswith("nothing is charged; that was a replay's, and says nothing of the video")


def test_a_message_that_cannot_be_read_says_where_it_stands() -> None:
    broken = replace(record(extracted(OF_IT), 4), value=b"{")
    [told] = in_order([broken])
    words = say(told, Story("video-1", [told]), AT)
    assert words.startswith("a message that cannot be read (CaptionsExtracted: ")
    assert words.endswith(f"which counts for nothing: captions[{broken.partition}]@4")


def test_small_money_is_not_nothing() -> None:
    event = EXAMPLES["AttemptFailed"].model_copy(update={"usd": Decimal("0.000000001")})
    assert "less than $0.0001 is charged" in said(event, video_id=VIDEO.video_id)[0]

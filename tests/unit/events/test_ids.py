"""Ids are a function of the fact: told twice it is one id, another fact is another id."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from streams.events.analyses import mention_id
from streams.events.captions import captions_id
from streams.events.dead_letters import DeadLettered
from streams.events.event import Event, derive_id
from streams.events.ledger import analysis_id, request_id
from streams.events.signals import outlook_id, url_at
from tests.builders.examples import ATTEMPT, CAPTIONS, CHANNEL, EXAMPLES, PROMPT, REPLAY, VIDEO

OTHER_VIDEO = VIDEO.model_copy(update={"video_id": "xxxxxxxxxxx"})
OTHER_ID = UUID(int=7)

# What makes each fact another fact.
DIFFERENCES: list[tuple[str, dict[str, Any]]] = [
    ("ChannelFollowed", {"channel_id": "UCb"}),
    ("ChannelScanned", {"channel_id": "UCb"}),
    ("ChannelScanned", {"tab": "streams"}),
    ("ChannelScanned", {"complete": False}),
    ("ChannelUnfollowed", {"channel_id": "UCb"}),
    ("VideoDiscovered", {"video": OTHER_VIDEO}),
    ("CaptionsRequested", {"attempt": 3}),
    ("CaptionsRequested", {"revision": 2}),
    ("CaptionsExtracted", {"captions_id": OTHER_ID}),
    ("CaptionsUnavailable", {"attempt": 3}),
    ("CaptionsUnavailable", {"revision": 2}),
    ("AnalysisRequested", {"request_id": OTHER_ID}),
    ("BudgetReserved", {"attempt_id": OTHER_ID}),
    ("BudgetSettled", {"attempt_id": OTHER_ID}),
    ("ReplayStarted", {"replay_id": OTHER_ID}),
    ("ReplayCancelled", {"replay_id": OTHER_ID}),
    ("AnalysisCompleted", {"attempt_id": OTHER_ID}),
    ("AnalysisCompleted", {"analysis_id": OTHER_ID}),
    ("AttemptFailed", {"attempt_id": OTHER_ID}),
    ("AnalysisFailed", {"analysis_id": OTHER_ID}),
    ("TranscriptGiven", {"captions_id": OTHER_ID}),
    ("EvaluationAttempted", {"attempt_id": OTHER_ID}),
    ("PromptRegistered", {"prompt_id": "0" * 16}),
    ("PromptActivated", {"previous": 4}),
    ("PromptActivated", {"prompt_id": "0" * 16}),
    ("PromptActivated.marker", {"partition": 5}),
    ("MentionAdded", {"revision": 2}),
    ("MentionAdded", {"mention_id": OTHER_ID}),
    ("OutlookAdded", {"outlook_id": OTHER_ID}),
    ("DeadLettered", {"offset": 18}),
    ("DeadLettered", {"handler": "request_analysis"}),
]


@pytest.mark.parametrize(("name", "difference"), DIFFERENCES)
def test_another_fact_has_another_id(name: str, difference: dict[str, Any]) -> None:
    event = EXAMPLES[name]
    assert event.model_copy(update=difference).event_id != event.event_id


def test_no_two_types_share_an_id() -> None:
    """An addition, a change and a retraction of one mention at one revision would be three facts."""
    assert len({event.event_id for event in EXAMPLES.values()}) == len(EXAMPLES)


# A person's word counts each time it is said; everything else is one fact, however late it is told again.
_SAID = {"ChannelFollowed", "ChannelUnfollowed"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_fact_told_later_is_the_same_fact(name: str) -> None:
    event = EXAMPLES[name]
    later = event.model_copy(update={"at": event.at + timedelta(hours=1)})
    assert (later.event_id == event.event_id) is (name not in _SAID)


def test_ids_never_change() -> None:
    """They stand in logs: another way to compute them would make every old fact a new one."""
    assert derive_id("a", 1) == UUID("06748806-3f01-53a0-b224-4ea72295b930")
    assert PROMPT.prompt_id == "2c8d8e34ae128ec8"


def test_the_parts_of_an_id_do_not_run_together() -> None:
    assert derive_id("ab", "c") != derive_id("a", "bc")


def test_the_ids_of_the_walk_hang_together() -> None:
    assert captions_id("v", 1) != captions_id("v", 2)
    assert request_id(CAPTIONS, None, None) == request_id(CAPTIONS, "active", None)
    assert request_id(CAPTIONS, None, REPLAY) != request_id(CAPTIONS, None, None)
    assert analysis_id(CAPTIONS, "p") != analysis_id(CAPTIONS, "q")
    repeated = [None, 1, 2]
    assert len({request_id(CAPTIONS, None, None, again) for again in repeated}) == len(repeated)
    assert len({analysis_id(CAPTIONS, "p", again) for again in repeated}) == len(repeated)
    assert request_id(CAPTIONS, None, None) == UUID("1c6e81da-b52e-51fa-92c2-a894b508f481")
    assert analysis_id(CAPTIONS, "p") == UUID("8716e4a0-a51a-55a9-84cf-ac4883176d49")
    assert mention_id("v", "PLTR", 0) != mention_id("v", "PLTR", 1)
    assert outlook_id("v") != outlook_id("w")


_ANALYSIS = str(analysis_id(CAPTIONS, PROMPT.prompt_id))
KEYS = {
    "ChannelFollowed": CHANNEL,
    "ChannelScanned": CHANNEL,
    "ChannelUnfollowed": CHANNEL,
    "VideoDiscovered": VIDEO.video_id,
    "CaptionsRequested": VIDEO.video_id,
    "CaptionsExtracted": VIDEO.video_id,
    "CaptionsUnavailable": VIDEO.video_id,
    "AnalysisRequested": str(request_id(CAPTIONS, None, None)),
    "BudgetReserved": _ANALYSIS,
    "BudgetSettled": _ANALYSIS,
    "ReplayStarted": str(REPLAY),
    "ReplayCancelled": str(REPLAY),
    "AnalysisCompleted": VIDEO.video_id,
    "AttemptFailed": VIDEO.video_id,
    "AnalysisFailed": VIDEO.video_id,
    "TranscriptGiven": f"gold:{VIDEO.video_id}",
    "EvaluationAttempted": f"gold:{VIDEO.video_id}",
    "PromptRegistered": PROMPT.prompt_id,
    "PromptActivated": PROMPT.prompt_id,
    "MentionAdded": "PLTR",
    "MentionChanged": "PLTR",
    "MentionRetracted": "PLTR",
    "OutlookAdded": CHANNEL,
    "OutlookChanged": CHANNEL,
    "OutlookRetracted": CHANNEL,
    "DeadLettered": "dnZ2dnZ2dnZ2dnY=",  # the original key, base64
}


@pytest.mark.parametrize("name", KEYS)
def test_keys_keep_what_belongs_together_in_order(name: str) -> None:
    assert EXAMPLES[name].key == KEYS[name]


def test_an_outlook_of_an_unknown_channel_is_keyed_by_its_video() -> None:
    added = EXAMPLES["OutlookAdded"]
    unknown = added.video.model_copy(update={"channel_id": None})  # type: ignore[attr-defined]
    assert added.model_copy(update={"video": unknown}).key == VIDEO.video_id


# What a fold needs of a big event without parsing its body.
EXTENSIONS: dict[str, dict[str, str]] = {
    "CaptionsExtracted": {"captionsid": str(CAPTIONS), "revision": "1"},
    "AnalysisCompleted": {
        "analysisid": _ANALYSIS,
        "attemptid": str(ATTEMPT),
        "promptid": PROMPT.prompt_id,
        "captionsid": str(CAPTIONS),
        "revision": "1",
    },
    "AttemptFailed": {"analysisid": _ANALYSIS, "attemptid": str(ATTEMPT), "outcome": "max_tokens"},
    "AnalysisFailed": {"analysisid": _ANALYSIS, "outcome": "over_cap"},
    "PromptActivated": {"promptid": PROMPT.prompt_id},
    "PromptActivated.marker": {"promptid": PROMPT.prompt_id, "activation": "1"},
    "MentionAdded": {"cause": "live", "revision": "1"},
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_headers_spare_a_fold_the_body(name: str) -> None:
    assert EXAMPLES[name].extensions == EXTENSIONS[name]


def _name_ok(name: str) -> bool:
    return name.isascii() and name.isalnum() and name == name.lower() and len(name) <= 20


@pytest.mark.parametrize("event", EXAMPLES.values(), ids=EXAMPLES)
def test_extension_names_are_what_cloudevents_allows(event: Event) -> None:
    assert all(_name_ok(name) for name in event.extensions)


def test_a_dead_letter_gives_its_bytes_back_as_they_came() -> None:
    letter = DeadLettered.of(
        at=EXAMPLES["DeadLettered"].at,
        topic="videos",
        partition=0,
        offset=0,
        key=b"\x00\xff",
        value=b"\xfe",
        headers=[("a", b"\x80"), ("a", b""), ("b", None)],
        handler="h",
        error="e",
        attempt=1,
    )
    assert letter.key_bytes == b"\x00\xff"
    assert letter.value_bytes == b"\xfe"
    assert letter.header_bytes == [("a", b"\x80"), ("a", b""), ("b", None)]


def test_a_dead_letter_tells_no_key_from_an_empty_one() -> None:
    letter = EXAMPLES["DeadLettered"]
    bare = letter.model_copy(update={"original_key": None, "original_value": None})
    assert isinstance(bare, DeadLettered)
    assert (bare.key_bytes, bare.value_bytes, bare.key) == (None, None, "")
    assert letter.model_copy(update={"original_key": ""}).key_bytes == b""  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("url", "start_ms", "at_the_second"),
    [
        ("https://www.youtube.com/watch?v=v", 83_999, "https://www.youtube.com/watch?v=v&t=83s"),
        ("https://youtu.be/v", 0, "https://youtu.be/v?t=0s"),
    ],
)
def test_a_link_opens_at_the_second_of_the_quote(url: str, start_ms: int, at_the_second: str) -> None:
    assert url_at(url, start_ms) == at_the_second

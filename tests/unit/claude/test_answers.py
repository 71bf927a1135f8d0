"""What a response with status 200 is read as, where its shape matters more than how it travels."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.claude.answers import object_in, of_body
from streams.claude.outcomes import Answered, Failed
from streams.events.analyses import ResponseInfo
from streams.events.ledger import Usage

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "model": "claude-haiku-5-5-20261001",
    "content": [{"type": "text", "text": "yes"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 5, "output_tokens": 7},
}
BILL = Usage(input_tokens=5, output_tokens=7)


def told(**changes: Any) -> Answered | Failed:
    return of_body(json.dumps({**MESSAGE, **changes}))


def test_a_response_is_its_texts_all_of_its_usage_and_what_it_says_of_itself() -> None:
    usage = {
        "input_tokens": 5,
        "output_tokens": 7,
        "cache_creation_input_tokens": None,
        "cache_read_input_tokens": 11,
        "service_tier": "standard",
        "inference_geo": "us",
        "server_tool_use": {"web_search_requests": 0},
    }
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "x"},
        {"type": "text", "text": "yes"},
        {"type": "text", "text": "and no"},
        {"type": "text", "text": None},
        None,
    ]
    assert told(content=blocks, usage=usage) == Answered(
        ("yes", "and no"),
        Usage(input_tokens=5, output_tokens=7, cache_read_input_tokens=11),
        ResponseInfo(
            id="msg_1",
            model="claude-haiku-5-5-20261001",
            stop_reason="end_turn",
            inference_geo="us",
            service_tier="standard",
            usage=json.dumps(usage),
        ),
    )


def test_what_a_response_does_not_say_of_itself_is_null() -> None:
    outcome = of_body('{"content": [{"type": "text", "text": "yes"}], "stop_reason": "end_turn"}')
    assert outcome == Answered(
        ("yes",),
        "unknown",
        ResponseInfo(
            id=None, model=None, stop_reason="end_turn", inference_geo=None, service_tier=None, usage=None
        ),
    )


def test_an_answer_without_a_text_is_billed_and_invalid() -> None:
    outcome = told(content=[])
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.usage) == ("invalid_answer", BILL)


def test_a_refusal_names_its_category_where_there_is_one_and_is_never_an_answer() -> None:
    outcome = told(
        stop_reason="refusal",
        stop_details={"type": "refusal", "category": "finance"},
        content=[{"type": "text", "text": '{"mentions": []}'}],
    )
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.reason, outcome.final) == ("refusal", "stopped: refusal finance", True)


@pytest.mark.parametrize(
    ("stop_reason", "failure"),
    [
        ("a_new_one", "stop_reason"),
        (None, "stop_reason"),
        (7, "stop_reason"),
        ("pause_turn", "provider_error"),
    ],
)
def test_a_stop_reason_nobody_knows_is_a_failure_that_was_billed_unless_the_answer_is_whole(
    stop_reason: Any, failure: str
) -> None:
    outcome = told(stop_reason=stop_reason)
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.raw_answer, outcome.usage) == (failure, "yes", BILL)
    whole = told(stop_reason=stop_reason, content=[{"type": "text", "text": '{"mentions": []}'}])
    assert isinstance(whole, Answered)
    assert whole.usage == BILL


def test_of_a_cut_answer_the_last_text_must_be_whole() -> None:
    blocks = [
        {"type": "text", "text": '{"mentions": []}'},
        {"type": "text", "text": '{"mentions": [{"line": 1}'},
    ]
    assert isinstance(told(stop_reason="max_tokens", content=blocks), Failed)
    assert isinstance(told(stop_reason="max_tokens", content=blocks[::-1]), Answered)


@pytest.mark.parametrize(
    "body", ["", "<html>Welcome</html>", "[]", "{}", "[" * 100_000, json.dumps(MESSAGE)[:-9]]
)
def test_a_body_that_is_no_message_is_kept_and_its_bill_unknown(body: str) -> None:
    outcome = of_body(body)
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.bill) == ("unknown", "unknown")
    assert (outcome.raw_answer or "") == body


@pytest.mark.parametrize("content", [None, "yes", {"type": "text", "text": "yes"}])
def test_a_content_that_is_no_list_is_no_message(content: Any) -> None:
    outcome = told(content=content)
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.bill) == ("unknown", "unknown")


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        {},
        {"output_tokens": 7},
        {"input_tokens": 5, "output_tokens": None},
        {"input_tokens": -5, "output_tokens": 7},
        {"input_tokens": "5", "output_tokens": 7},
        {"input_tokens": 5, "output_tokens": 10**30},
    ],
)
def test_a_usage_that_is_not_whole_leaves_the_bill_unknown_and_the_answer_kept(usage: Any) -> None:
    """What is not there is not taken for nothing."""
    outcome = told(usage=usage)
    assert isinstance(outcome, Answered)
    assert (outcome.bill, outcome.usage) == ("unknown", None)
    assert outcome.response is not None
    assert outcome.response.usage == (None if usage is None else json.dumps(usage))


def test_surrogate_pairs_are_joined_and_halves_of_one_replaced_before_anything_is_recorded() -> None:
    text = json.dumps({"mentions": [], "summary": "\ud83d\ude80 \ud83d"})
    outcome = told(
        content=[{"type": "text", "text": "\ud83d\ude80 \ud83d " + text}], id="\ude80", usage={"\ud83d": 1}
    )
    assert isinstance(outcome, Answered)
    assert outcome.texts[0].startswith("\U0001f680 \ufffd {")
    assert outcome.response is not None
    assert (outcome.response.id, outcome.response.usage) == ("\ufffd", '{"\ufffd": 1}')
    found = object_in(outcome.texts[0])
    assert found is not None
    assert found["summary"] == "\U0001f680 \ufffd"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "content": JSON
            | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": JSON}), max_size=3),
            "usage": JSON | st.fixed_dictionaries({"input_tokens": JSON, "output_tokens": JSON}),
            **dict.fromkeys(("id", "model", "stop_reason", "stop_details"), JSON),
        },
    )
)
def test_whatever_a_response_holds_it_is_read_and_free_only_where_nothing_was_said(message: Any) -> None:
    outcome = of_body(json.dumps(message))
    if outcome.bill == "free":
        assert (message["stop_reason"], message["content"]) == ("refusal", [])

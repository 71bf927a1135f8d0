"""Every way a call to Claude can end, through the real SDK: what follows, and what is charged against what was billed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streams.analysis.answer import InvalidAnswerError, parse_answer
from streams.claude.outcomes import Answered, Exhausted, Failed, Misconfigured, PromptFault, Refused
from streams.loopback.script import OVERLOADED, RATE_LIMITED, SERVER_ERROR, Failure, Reply, Step
from tests.contract.one_call import ANSWER, NOW, asked

AN_HOUR = timedelta(hours=1)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
LIMITED = replace(RATE_LIMITED, retry_after=None)
STATED = (
    "You have reached your specified API usage limits. You will regain access on 2026-12-05 at 00:00 UTC."
)


@pytest.mark.parametrize(
    ("step", "retry_after_s"),
    [
        pytest.param(replace(RATE_LIMITED, retry_after=7), 7.0, id="429 with retry-after"),
        pytest.param(LIMITED, None, id="429 without retry-after"),
        pytest.param(replace(LIMITED, headers={"retry-after-ms": "250"}), 0.25, id="retry-after-ms"),
        pytest.param(
            replace(RATE_LIMITED, headers={"retry-after-ms": "1500"}),
            1.5,
            id="retry-after-ms is the finer one",
        ),
        pytest.param(
            replace(RATE_LIMITED, code="ramp_limit_exceeded", retry_after=20), 20.0, id="429 growing too fast"
        ),
        pytest.param(replace(LIMITED, headers={"x-should-retry": "true"}), None, id="429, do retry"),
        pytest.param(OVERLOADED, None, id="529"),
        pytest.param(replace(OVERLOADED, retry_after=3), 3.0, id="529 with retry-after"),
    ],
)
async def test_no_call_was_taken_and_the_same_claim_goes_again(
    step: Step, retry_after_s: float | None
) -> None:
    outcome, charge, bill = await asked(step)
    assert isinstance(outcome, Refused)
    assert outcome.retry_after_s == retry_after_s
    assert charge == bill == 0


@pytest.mark.parametrize(
    ("step", "until"),
    [
        pytest.param(
            replace(LIMITED, code="enforced_spend_limit_reached"),
            DECEMBER,
            id="429 for the tier's monthly limit",
        ),
        pytest.param(
            replace(LIMITED, code="contract_spend_limit_reached"), DECEMBER, id="429 for the contract's limit"
        ),
        pytest.param(
            replace(LIMITED, message="You have reached the spend limit of your organization."),
            DECEMBER,
            id="429 for a spend limit without a code",
        ),
        pytest.param(
            Failure(400, "invalid_request_error", STATED),
            datetime(2026, 12, 5, tzinfo=UTC),
            id="400 for a limit of one's own, until the date it states",
        ),
        pytest.param(
            Failure(
                400, "invalid_request_error", "You have reached your specified workspace API usage limits."
            ),
            DECEMBER,
            id="400 for a workspace's limit, undated",
        ),
        pytest.param(
            Failure(402, "billing_error", "Check your payment details."),
            NOW + AN_HOUR,
            id="402: a payment may be fixed at any hour",
        ),
        pytest.param(
            Failure(400, "invalid_request_error", "Your credit balance is too low to access the API."),
            NOW + AN_HOUR,
            id="400 for want of credit",
        ),
        pytest.param(
            replace(RATE_LIMITED, retry_after=7200),
            NOW + 2 * AN_HOUR,
            id="429 with a wait that no limit per minute has",
        ),
        pytest.param(
            replace(LIMITED, headers={"x-should-retry": "false"}), NOW + AN_HOUR, id="429, do not retry"
        ),
    ],
)
async def test_no_call_succeeds_before_its_date(step: Step, until: datetime) -> None:
    outcome, charge, bill = await asked(step)
    assert isinstance(outcome, Exhausted)
    assert outcome.until == until
    assert charge == bill == 0


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(Failure(401, "authentication_error", "invalid x-api-key"), id="401"),
        pytest.param(Failure(403, "permission_error", "not allowed"), id="403"),
        pytest.param(Failure(422, "invalid_request_error", "unprocessable"), id="422"),
        pytest.param(
            Failure(307, "elsewhere", "", headers={"location": "http://127.0.0.1:9/"}),
            id="a redirect is not followed",
        ),
    ],
)
async def test_no_call_succeeds_before_a_person_fixes_it(step: Failure) -> None:
    outcome, charge, bill = await asked(step)
    assert isinstance(outcome, Misconfigured)
    assert outcome.reason.startswith(str(step.status))
    assert step.message in outcome.reason
    assert charge == bill == 0


async def test_a_model_that_is_not_there_is_the_prompts_fault_and_costs_nothing() -> None:
    outcome, charge, bill = await asked(Failure(404, "not_found_error", "model: claude-haiku-5-5"))
    assert isinstance(outcome, PromptFault)
    assert "claude-haiku-5-5" in outcome.reason
    assert charge == bill == 0


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param(
            Failure(400, "invalid_request_error", "Output blocked by content filtering policy"),
            "content_filtered",
            id="a filter",
        ),
        pytest.param(
            Failure(400, "invalid_request_error", "output_config.format: not supported"),
            "bad_request",
            id="other 400",
        ),
        pytest.param(
            Failure(400, "invalid_request_error", "max_tokens: 128001 > 64000, which is the maximum allowed"),
            "bad_request",
            id="400 for more room than the model has",
        ),
        pytest.param(
            Failure(400, "", "", page='{"error": {"message": [], "type": 5}}'),
            "bad_request",
            id="400 of something else",
        ),
    ],
)
async def test_a_400_is_of_the_request_and_may_have_been_billed(step: Failure, expected: str) -> None:
    outcome, charge, _ = await asked(step)
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.owner, outcome.final) == (expected, "request", False)
    assert charge > 0


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param(Failure(413, "request_too_large", "too many bytes"), "request_too_large", id="413"),
        pytest.param(
            Failure(400, "invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"),
            "context_window",
            id="400 for a prompt that is longer than the context window",
        ),
        pytest.param(
            Failure(
                400, "invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 3"
            ),
            "context_window",
            id="400 for a prompt and an answer that are longer together",
        ),
        pytest.param(
            Failure(400, "invalid_request_error", "Input is too long for requested model"),
            "context_window",
            id="400 for an input that is too long",
        ),
        pytest.param(Reply("", stop_reason="refusal"), "refusal", id="refusal before the first word"),
    ],
)
async def test_this_video_never_succeeds_and_costs_nothing(step: Step, expected: str) -> None:
    outcome, charge, bill = await asked(step)
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.final, outcome.usage) == (expected, True, None)
    assert charge == bill == 0


@pytest.mark.parametrize(
    ("step", "expected", "final"),
    [
        pytest.param(SERVER_ERROR, "provider_error", False, id="500"),
        pytest.param(Failure(503, "api_error", "unavailable"), "provider_error", False, id="503"),
        pytest.param(Failure(504, "timeout_error", "timed out"), "provider_error", False, id="504"),
        pytest.param(
            Failure(502, "", "", page="<html>Bad gateway</html>"),
            "provider_error",
            False,
            id="502 of a gateway",
        ),
        pytest.param(
            replace(SERVER_ERROR, headers={"x-should-retry": "true"}),
            "provider_error",
            False,
            id="500, do retry",
        ),
        pytest.param(
            replace(SERVER_ERROR, headers={"x-should-retry": "false"}),
            "provider_error",
            False,
            id="500, do not retry",
        ),
        pytest.param(Failure(408, "timeout_error", "timed out"), "unknown", False, id="408"),
        pytest.param(Failure(409, "conflict_error", "conflict"), "unknown", False, id="409"),
        pytest.param(
            Failure(409, "conflict_error", "conflict", headers={"x-should-retry": "false"}),
            "unknown",
            False,
            id="409, do not retry",
        ),
        pytest.param(Reply(ANSWER, delivery="broken_json"), "unknown", False, id="broken JSON in a 200"),
        pytest.param(Reply(ANSWER, delivery="cut_connection"), "unknown", False, id="cut in mid-body"),
        pytest.param(Reply(ANSWER, delivery="no_answer"), "unknown", False, id="closed without a byte"),
    ],
)
async def test_what_may_have_been_billed_stays_charged_in_full(
    step: Step,
    expected: str,
    final: bool,  # noqa: FBT001
) -> None:
    outcome, charge, bill = await asked(step)
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.final, outcome.usage) == (expected, final, None)
    assert charge == 1 >= bill


@pytest.mark.parametrize("delivery", ["hang", "trickle"])
async def test_a_call_ends_at_its_time_limit_whatever_trickles_in(delivery: Any) -> None:
    """The client's own limit begins anew with every byte; a claim's deadline does not."""
    outcome, charge, bill = await asked(Reply(ANSWER, delivery=delivery), time_limit_s=2)
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.final) == ("unknown", False)
    assert charge == 1 >= bill > 0


def half(message: dict[str, Any]) -> dict[str, Any]:
    """The same message, cut as only max_tokens cuts it here."""
    return {**message, "content": [{"type": "text", "text": ANSWER[: len(ANSWER) // 2]}]}


@pytest.mark.parametrize(
    ("stop_reason", "expected", "final"),
    [
        ("max_tokens", "max_tokens", False),
        ("refusal", "refusal", True),
        ("model_context_window_exceeded", "context_window", True),
        ("pause_turn", "provider_error", False),
        ("stop_sequence", "stop_reason", False),
        ("tool_use", "stop_reason", False),
    ],
)
async def test_an_answer_that_stopped_early_is_charged_as_billed_and_kept_raw(
    stop_reason: Any,
    expected: str,
    final: bool,  # noqa: FBT001
) -> None:
    outcome, charge, bill = await asked(Reply(ANSWER, stop_reason=stop_reason, altered=half))
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.final) == (expected, final)
    assert outcome.raw_answer
    assert ANSWER.startswith(outcome.raw_answer)
    assert 1 > charge == bill > 0


@pytest.mark.parametrize(
    "stop_reason",
    ["model_context_window_exceeded", "pause_turn", "stop_sequence", "tool_use", "of_tomorrow", None],
)
async def test_a_whole_answer_is_one_whatever_it_stopped_for_but_a_refusal(stop_reason: Any) -> None:
    step = Reply(ANSWER, altered=lambda message: {**message, "stop_reason": stop_reason})
    outcome, charge, bill = await asked(step)
    assert isinstance(outcome, Answered)
    assert outcome.texts == (ANSWER,)
    assert outcome.response.stop_reason == stop_reason
    assert 1 > charge == bill > 0


async def test_a_refusal_is_no_answer_however_whole_its_text_is() -> None:
    outcome, charge, bill = await asked(Reply(ANSWER, stop_reason="refusal"))
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.final, outcome.raw_answer) == ("refusal", True, ANSWER)
    assert 1 > charge == bill > 0


async def test_a_refusal_after_some_thinking_is_billed() -> None:
    outcome, charge, bill = await asked(Reply("", thinking="hm", stop_reason="refusal"))
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.final) == ("refusal", True)
    assert 1 > charge == bill > 0


@pytest.mark.parametrize("thinking", ["", "let me see"])
async def test_an_answer_is_a_text_after_any_thinking(thinking: str) -> None:
    outcome, charge, bill = await asked(Reply(ANSWER, thinking=thinking))
    assert isinstance(outcome, Answered)
    assert outcome.texts == (ANSWER,)
    assert 1 > charge == bill > 0


async def test_an_enum_in_another_case_is_understood() -> None:
    outcome, *_ = await asked(Reply(ANSWER))
    assert isinstance(outcome, Answered)
    answer = parse_answer(outcome.texts[0])
    assert answer.market_outlook.direction == "bullish"
    assert [(mention.action, mention.time_horizon) for mention in answer.mentions] == [("buy", "weeks")]


@pytest.mark.parametrize("text", ['{"summary": "s"}', '{"mentions": "none"}', "I would rather not.", "[]"])
async def test_an_answer_that_breaks_the_schema_was_billed_all_the_same(text: str) -> None:
    outcome, charge, bill = await asked(Reply(text))
    assert isinstance(outcome, Answered)
    with pytest.raises(InvalidAnswerError):
        parse_answer(outcome.texts[0])
    assert 1 > charge == bill > 0


async def test_a_refusal_that_asks_for_another_try_counts_as_an_attempt_and_costs_nothing() -> None:
    """So it ends after three, where a 400 that came for ever would hold its video for ever."""
    outcome, charge, bill = await asked(
        Failure(400, "invalid_request_error", "odd", headers={"x-should-retry": "true"})
    )
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.final) == ("provider_error", False)
    assert charge == bill == 0

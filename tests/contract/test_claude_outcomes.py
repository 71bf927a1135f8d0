"""Every way a call to Claude can end, through the real SDK: what follows, and what is charged against what was billed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from anthropic import AsyncAnthropic

from streams.analysis.claude import Claude, client
from streams.analysis.conversation import InvalidAnswerError, parse_answer
from streams.analysis.outcomes import Answered, Exhausted, Failed, Misconfigured, Outcome, Refused
from streams.analysis.prices import price, worst_case
from streams.analysis.record import charge
from streams.demo.claude import LoopbackClaude
from streams.demo.script import OVERLOADED, RATE_LIMITED, SERVER_ERROR, Failure, Reply, Step
from streams.errors import EarmarkError
from streams.events.ledger import BudgetReserved

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
ANSWER = (
    '{"market_outlook": {"direction": "BULLISH", "reasoning": "r"}, "macro_themes": [], "key_risks": [],'
    ' "summary": "s", "mentions": [{"symbol": "X", "said_as": "ex", "action": " Buy", "conviction": 0.5,'
    ' "time_horizon": "Weeks", "quote": "q", "line": 1}]}'
)
REQUEST: dict[str, Any] = {
    "model": "claude-haiku-5-5",
    "max_tokens": 1000,
    "system": [
        {"type": "text", "text": "Read this. " * 300, "cache_control": {"type": "ephemeral", "ttl": "5m"}}
    ],
    "messages": [{"role": "user", "content": "[1] a kettle boils"}],
    "output_config": {"effort": "low"},
}


async def asked(step: Step, time_limit_s: float = 30) -> tuple[Outcome, Decimal, Decimal]:
    """The outcome of one call that goes as `step` says, what it is charged, and what the server billed."""
    async with (
        LoopbackClaude({}, improvise=lambda _: step) as server,
        client("key", server.base_url, 1) as sdk,
    ):
        claude = Claude(sdk, lambda: NOW)
        counted = await claude.count(REQUEST, time_limit_s)
        assert isinstance(counted, int)
        outcome = (await claude.call(REQUEST, time_limit_s)).outcome
        assert len(server.calls) == 1, "no retry but our own"
        reserved = worst_case(REQUEST["model"], counted, REQUEST["max_tokens"])
        return outcome, charged(outcome, reserved) / reserved, server.bill() / reserved


def charged(outcome: Outcome, reserved: Decimal) -> Decimal:
    match outcome:
        case Answered(_, usage):
            return price(REQUEST["model"], usage)
        case Failed():
            return charge(claim_of(reserved), outcome)
        case _:
            return Decimal(0)


def claim_of(usd: Decimal) -> BudgetReserved:
    return BudgetReserved(
        at=NOW,
        attempt_id=uuid4(),
        request_id=uuid4(),
        analysis_id=uuid4(),
        prompt_id="p",
        model=REQUEST["model"],
        max_tokens=REQUEST["max_tokens"],
        attempt=1,
        lane="live",
        replay_id=None,
        usd=usd,
        cap_usd=Decimal(5),
        lane_cap_usd=Decimal(5),
        hold_s=150,
    )


def error(status: int, kind: str, message: str, **more: Any) -> Failure:
    return Failure(status, kind, message, **more)


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
            error(400, "invalid_request_error", STATED),
            datetime(2026, 12, 5, tzinfo=UTC),
            id="400 for a limit of one's own, until the date it states",
        ),
        pytest.param(
            error(
                400, "invalid_request_error", "You have reached your specified workspace API usage limits."
            ),
            DECEMBER,
            id="400 for a workspace's limit, undated",
        ),
        pytest.param(
            error(402, "billing_error", "Check your payment details."),
            NOW + AN_HOUR,
            id="402: a payment may be mended at any hour",
        ),
        pytest.param(
            error(400, "invalid_request_error", "Your credit balance is too low to access the API."),
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
        pytest.param(
            error(400, "invalid_request_error", "output_config.format: not supported"), id="other 400"
        ),
        pytest.param(error(401, "authentication_error", "invalid x-api-key"), id="401"),
        pytest.param(error(403, "permission_error", "not allowed"), id="403"),
        pytest.param(error(404, "not_found_error", "model: claude-haiku-5-5"), id="404"),
        pytest.param(error(422, "invalid_request_error", "unprocessable"), id="422"),
        pytest.param(
            error(307, "elsewhere", "", headers={"location": "http://127.0.0.1:9/"}),
            id="a redirect is not followed",
        ),
    ],
)
async def test_no_call_succeeds_before_a_person_mends_it(step: Failure) -> None:
    outcome, charge, bill = await asked(step)
    assert isinstance(outcome, Misconfigured)
    assert outcome.reason.startswith(str(step.status))
    assert step.message in outcome.reason
    assert charge == bill == 0


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param(error(413, "request_too_large", "too many bytes"), "request_too_large", id="413"),
        pytest.param(
            error(400, "invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"),
            "context_window",
            id="400 for a prompt that is longer than the context window",
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
        pytest.param(error(503, "api_error", "unavailable"), "provider_error", False, id="503"),
        pytest.param(error(504, "timeout_error", "timed out"), "provider_error", False, id="504"),
        pytest.param(
            error(502, "", "", page="<html>Bad gateway</html>"),
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
            True,
            id="500, do not retry",
        ),
        pytest.param(error(408, "timeout_error", "timed out"), "unknown", False, id="408"),
        pytest.param(error(409, "conflict_error", "conflict"), "unknown", False, id="409"),
        pytest.param(
            error(409, "conflict_error", "conflict", headers={"x-should-retry": "false"}),
            "unknown",
            True,
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


@pytest.mark.parametrize(
    ("stop_reason", "expected", "final"),
    [
        ("max_tokens", "max_tokens", False),
        ("refusal", "refusal", True),
        ("model_context_window_exceeded", "context_window", True),
        ("pause_turn", "stop_reason", False),
        ("stop_sequence", "stop_reason", False),
        ("tool_use", "stop_reason", False),
    ],
)
async def test_an_answer_that_stopped_early_is_charged_as_billed_and_kept_raw(
    stop_reason: Any,
    expected: str,
    final: bool,  # noqa: FBT001
) -> None:
    outcome, charge, bill = await asked(Reply(ANSWER, stop_reason=stop_reason))
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.final) == (expected, final)
    assert outcome.raw_answer
    assert ANSWER.startswith(outcome.raw_answer)
    assert 1 > charge == bill > 0


async def test_a_refusal_after_some_thinking_is_billed() -> None:
    outcome, charge, bill = await asked(Reply("", thinking="hm", stop_reason="refusal"))
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.final) == ("refusal", True)
    assert 1 > charge == bill > 0


@pytest.mark.parametrize("thinking", ["", "let me see"])
async def test_a_whole_answer_is_the_first_text_after_any_thinking(thinking: str) -> None:
    outcome, charge, bill = await asked(Reply(ANSWER, thinking=thinking))
    assert isinstance(outcome, Answered)
    assert outcome.text == ANSWER
    assert 1 > charge == bill > 0


async def test_an_enum_in_another_case_is_understood() -> None:
    outcome, *_ = await asked(Reply(ANSWER))
    assert isinstance(outcome, Answered)
    answer = parse_answer(outcome.text)
    assert answer.market_outlook.direction == "bullish"
    assert [(mention.action, mention.time_horizon) for mention in answer.mentions] == [("buy", "weeks")]


@pytest.mark.parametrize(
    "text", ['{"summary": "s"}', ANSWER.replace("BULLISH", "sideways"), "I would rather not.", "[]"]
)
async def test_an_answer_that_breaks_the_schema_was_billed_all_the_same(text: str) -> None:
    outcome, charge, bill = await asked(Reply(text))
    assert isinstance(outcome, Answered)
    with pytest.raises(InvalidAnswerError):
        parse_answer(outcome.text)
    assert 1 > charge == bill > 0


async def test_a_refusal_that_asks_for_another_try_counts_as_an_attempt_and_costs_nothing() -> None:
    """So it ends after three, where a 400 that came for ever would hold its video for ever."""
    outcome, charge, bill = await asked(
        error(400, "invalid_request_error", "odd", headers={"x-should-retry": "true"})
    )
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.final) == ("provider_error", False)
    assert charge == bill == 0


async def test_a_count_fails_as_a_call_does() -> None:
    too_large = error(413, "request_too_large", "too many bytes")
    async with LoopbackClaude({}, counting=too_large) as server, client("key", server.base_url, 1) as sdk:
        counted = await Claude(sdk, lambda: NOW).count(REQUEST, 30)
    assert not isinstance(counted, int)
    assert isinstance(counted.outcome, Failed)
    assert counted.outcome.final
    assert not counted.outcome.billed


async def test_the_headers_of_errors_come_with_the_outcome() -> None:
    async with (
        LoopbackClaude({}, improvise=lambda _: RATE_LIMITED) as server,
        client("key", server.base_url, 1) as sdk,
    ):
        response = await Claude(sdk, lambda: NOW).call(REQUEST, 30)
    assert response.headers["retry-after"] == "1"
    assert "anthropic-ratelimit-requests-remaining" in response.headers


@asynccontextmanager
async def listening(reply: bytes | None) -> AsyncIterator[int]:
    """A port where a stranger answers whatever comes with `reply` and closes, or (None) never says a word."""
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if reply is None:
            await left.wait()
        else:
            writer.write(reply)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        left.set()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)


async def sent_to(
    base_url: str, time_limit_s: float = 30, key: str = "key", proxy: str | None = None
) -> Outcome:
    async with AsyncAnthropic(
        api_key=key, base_url=base_url, max_retries=0, http_client=httpx2.AsyncClient(proxy=proxy)
    ) as sdk:
        return (await Claude(sdk, lambda: NOW).call(REQUEST, time_limit_s)).outcome


async def test_a_connection_that_never_stood_carried_no_call() -> None:
    """Refused, cut in the handshake, the handshake too slow, turned away by the proxy: nothing of the request was sent."""
    async with listening(b"") as port:
        pass
    assert isinstance(await sent_to(f"http://127.0.0.1:{port}"), Refused)
    async with listening(b"") as port:
        assert isinstance(await sent_to(f"https://127.0.0.1:{port}"), Refused)
    async with listening(None) as port:
        assert isinstance(await sent_to(f"https://127.0.0.1:{port}", time_limit_s=2), Refused)
    async with listening(b"HTTP/1.1 407 who are you\r\n\r\n") as port:
        proxied = await sent_to("https://127.0.0.1:9", proxy=f"http://127.0.0.1:{port}")
    assert isinstance(proxied, Refused)


async def test_a_connection_that_stood_may_have_carried_a_call() -> None:
    """Whoever it was that closed it: the request was on its way."""
    async with listening(b"") as port:
        outcome = await sent_to(f"http://127.0.0.1:{port}")
    assert isinstance(outcome, Failed)
    assert (outcome.outcome, outcome.billed, outcome.usage) == ("unknown", True, None)


async def test_a_call_that_found_no_free_connection_was_not_sent() -> None:
    async with (
        LoopbackClaude({}, improvise=lambda _: Reply(ANSWER, delivery="hang")) as server,
        AsyncAnthropic(
            api_key="key",
            base_url=server.base_url,
            max_retries=0,
            http_client=httpx2.AsyncClient(limits=httpx2.Limits(max_connections=1)),
        ) as sdk,
    ):
        claude = Claude(sdk, lambda: NOW)
        first = asyncio.create_task(claude.call(REQUEST, 30))
        while not server.calls:  # noqa: ASYNC110  the server has no event for it
            await asyncio.sleep(0.01)
        second = await claude.call(REQUEST, 3)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert isinstance(second.outcome, Refused)
        assert len(server.calls) == 1


async def test_without_a_key_nothing_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(EarmarkError, match="ANTHROPIC_API_KEY is not set"):
        client(None, None, 1)
    async with LoopbackClaude({}) as server, AsyncAnthropic(base_url=server.base_url, max_retries=0) as sdk:
        outcome = (await Claude(sdk, lambda: NOW).call(REQUEST, 30)).outcome
        assert isinstance(outcome, Misconfigured)
        assert server.calls == []


async def test_a_key_or_an_address_that_cannot_be_sent_is_named_and_the_key_not_shown() -> None:
    async with listening(b"") as port:
        outcome = await sent_to(f"http://127.0.0.1:{port}", key="sk-secret\n")
    assert isinstance(outcome, Misconfigured)
    assert "ANTHROPIC_API_KEY" in outcome.reason
    assert "secret" not in outcome.reason
    outcome = await sent_to("127.0.0.1:9")
    assert isinstance(outcome, Misconfigured)
    assert "ANTHROPIC_BASE_URL" in outcome.reason

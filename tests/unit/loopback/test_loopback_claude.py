"""The loopback Claude, through the real SDK."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from anthropic import (
    APIConnectionError,
    APITimeoutError,
    AsyncAnthropic,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    OverloadedError,
    RateLimitError,
)

from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import OVERLOADED, RATE_LIMITED, SERVER_ERROR, Reply, Step, fingerprint

TEXT = json.dumps({"summary": "tea " * 50})
REQUEST: dict[str, Any] = {
    "model": "claude-haiku-5-5",
    "max_tokens": 1000,
    "system": [
        {"type": "text", "text": "Read this. " * 300, "cache_control": {"type": "ephemeral", "ttl": "5m"}}
    ],
    "messages": [{"role": "user", "content": "[1] a kettle boils"}],
    "output_config": {"effort": "low"},
}


@asynccontextmanager
async def serving(
    *script: Step, time_limit_s: float = 20
) -> AsyncIterator[tuple[LoopbackClaude, AsyncAnthropic]]:
    async with (
        LoopbackClaude({fingerprint(REQUEST): script}) as claude,
        AsyncAnthropic(
            api_key="sk-test", base_url=claude.base_url, max_retries=0, timeout=time_limit_s
        ) as client,
    ):
        yield claude, client


async def test_a_known_request_gets_its_answer() -> None:
    async with serving(Reply(TEXT)) as (claude, client):
        raw = await client.messages.with_raw_response.create(**REQUEST)
        message = await raw.parse()
    assert [(block.type, block.text) for block in message.content] == [("text", TEXT)]
    assert message.stop_reason == "end_turn"
    assert raw.headers["request-id"]
    assert raw.headers["anthropic-ratelimit-requests-remaining"] == "999"
    assert raw.headers["anthropic-ratelimit-output-tokens-remaining"] == str(
        400_000 - message.usage.output_tokens
    )
    assert raw.headers["anthropic-ratelimit-input-tokens-reset"].endswith("Z")
    assert [(call.status, call.max_tokens) for call in claude.calls] == [(200, 1000)]


async def test_max_tokens_alone_does_not_make_another_request() -> None:
    async with serving(Reply(TEXT)) as (_, client):
        message = await client.messages.create(**{**REQUEST, "max_tokens": 2000})
    assert message.stop_reason == "end_turn"


async def test_a_request_nobody_wrote_an_answer_for_is_refused_with_the_fix() -> None:
    changed = {**REQUEST, "messages": [{"role": "user", "content": "[1] another kettle boils"}]}
    async with serving(Reply(TEXT)) as (claude, client):
        with pytest.raises(BadRequestError, match=r"streams\.demo\.record") as refused:
            await client.messages.create(**changed)
    assert refused.value.body["error"]["type"] == "invalid_request_error"
    assert claude.bill() == 0


async def test_what_nobody_scripted_can_be_improvised() -> None:
    async with (
        LoopbackClaude({}, improvise=lambda body: Reply(body["messages"][0]["content"])) as claude,
        AsyncAnthropic(api_key="sk-test", base_url=claude.base_url, max_retries=0) as client,
    ):
        message = await client.messages.create(**REQUEST)
    assert message.content[0].text == "[1] a kettle boils"


async def test_a_thinking_block_comes_before_the_text() -> None:
    async with serving(Reply(TEXT, thinking="hm")) as (_, client):
        message = await client.messages.create(**REQUEST)
    assert [block.type for block in message.content] == ["thinking", "text"]


async def test_steps_come_in_order_and_the_last_repeats() -> None:
    async with serving(RATE_LIMITED, OVERLOADED, SERVER_ERROR, Reply(TEXT)) as (claude, client):
        with pytest.raises(RateLimitError) as limited:
            await client.messages.create(**REQUEST)
        with pytest.raises(OverloadedError):
            await client.messages.create(**REQUEST)
        with pytest.raises(InternalServerError):
            await client.messages.create(**REQUEST)
        for _ in range(2):
            await client.messages.create(**REQUEST)
    assert limited.value.response.headers["retry-after"] == "1"
    assert [call.status for call in claude.calls] == [429, 529, 500, 200, 200]
    assert [call.usd > 0 for call in claude.calls] == [False, False, False, True, True]


async def test_a_cut_answer_is_billed_up_to_max_tokens() -> None:
    async with serving(Reply(TEXT, stop_reason="max_tokens"), Reply(TEXT)) as (_, client):
        cut = await client.messages.create(**REQUEST)
        whole = await client.messages.create(**{**REQUEST, "max_tokens": 2000})
    assert (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 1000)
    assert TEXT.startswith(cut.content[0].text)
    assert cut.content[0].text != TEXT
    assert whole.content[0].text == TEXT


async def test_an_answer_longer_than_max_tokens_is_cut_as_well() -> None:
    async with serving(Reply(TEXT)) as (_, client):
        message = await client.messages.create(**{**REQUEST, "max_tokens": 10})
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 10)


async def test_a_refusal_before_any_words_is_free() -> None:
    async with serving(Reply("", stop_reason="refusal")) as (claude, client):
        message = await client.messages.create(**REQUEST)
    assert (message.stop_reason, message.content) == ("refusal", [])
    assert message.stop_details is not None
    assert claude.bill() == 0


async def test_a_connection_cut_in_the_middle_is_billed() -> None:
    async with serving(Reply(TEXT, delivery="cut_connection")) as (claude, client):
        with pytest.raises(APIConnectionError):
            await client.messages.create(**REQUEST)
    assert claude.bill() > 0


async def test_a_broken_body_is_billed() -> None:
    async with serving(Reply(TEXT, delivery="broken_json")) as (claude, client):
        with pytest.raises(json.JSONDecodeError):
            await client.messages.create(**REQUEST)
    assert claude.bill() > 0


async def test_a_call_that_hangs_is_billed_and_does_not_hold_the_server_up() -> None:
    async with serving(Reply(TEXT, delivery="hang"), time_limit_s=0.3) as (claude, client):
        with pytest.raises(APITimeoutError):
            await client.messages.create(**REQUEST)
    assert claude.bill() > 0


async def test_no_key_and_an_unknown_model_are_refused() -> None:
    async with serving(Reply(TEXT)) as (_, client):
        with pytest.raises(AuthenticationError):
            await client.messages.create(**REQUEST, extra_headers={"authorization": "Basic dGVh"})
        with pytest.raises(NotFoundError):
            await client.messages.create(**{**REQUEST, "model": "claude-teapot-1"})


async def test_the_count_is_what_is_billed_as_prompt() -> None:
    asked = {name: part for name, part in REQUEST.items() if name != "max_tokens"}
    async with serving(Reply(TEXT)) as (_, client):
        counted = await client.messages.count_tokens(**asked)
        usage = (await client.messages.create(**REQUEST)).usage
    assert usage.cache_creation_input_tokens is not None
    assert counted.input_tokens == usage.input_tokens + usage.cache_creation_input_tokens


async def test_a_marked_prefix_is_written_to_the_cache_once_and_then_read() -> None:
    async with serving(Reply(TEXT)) as (_, client):
        first = (await client.messages.create(**REQUEST)).usage
        second = (await client.messages.create(**REQUEST)).usage
    assert (first.cache_read_input_tokens, second.cache_creation_input_tokens) == (0, 0)
    assert first.cache_creation_input_tokens == second.cache_read_input_tokens
    assert second.cache_read_input_tokens


async def test_the_bill_is_the_list_price_of_what_was_used() -> None:
    """Haiku 5.5 per million: input 0.10, output 0.50, written to the cache for 5 minutes 0.125, read 0.01."""
    async with serving(Reply(TEXT, stop_reason="max_tokens"), RATE_LIMITED, Reply(TEXT)) as (
        claude,
        client,
    ):
        usages = [(await client.messages.create(**REQUEST)).usage]
        with pytest.raises(RateLimitError):
            await client.messages.create(**REQUEST)
        usages.append((await client.messages.create(**{**REQUEST, "max_tokens": 2000})).usage)
    in_nano_usd = sum(
        100 * usage.input_tokens
        + 500 * usage.output_tokens
        + 125 * (usage.cache_creation_input_tokens or 0)
        + 10 * (usage.cache_read_input_tokens or 0)
        for usage in usages
    )
    assert claude.bill() == Decimal(in_nano_usd).scaleb(-9)

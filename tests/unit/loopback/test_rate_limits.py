"""The loopback Claude's rate limits."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from anthropic import AsyncAnthropic, RateLimitError

from streams.loopback.claude import LoopbackClaude
from streams.loopback.rate_limits import Limits
from streams.loopback.script import Reply

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
REQUEST: dict[str, Any] = {
    "model": "claude-haiku-5-5",
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": "[1] a kettle boils"}],
}


def usage(fresh: int = 0, read: int = 0, output: int = 0) -> dict[str, int]:
    return {
        "input_tokens": fresh,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": read,
        "output_tokens": output,
    }


def test_a_bucket_holds_its_burst_and_fills_continuously() -> None:
    limits = Limits({"requests": 60}, enforced=True, burst_s=2)
    for _ in range(2):
        assert limits.refuse(NOON, 0) is None
        limits.spend(NOON, usage())
    assert limits.refuse(NOON, 0) == 1
    assert limits.refuse(NOON + timedelta(seconds=1), 0) is None


def test_input_is_asked_for_beforehand_and_what_the_cache_gave_is_free() -> None:
    limits = Limits({"input-tokens": 6000}, enforced=True)
    limits.spend(NOON, usage(fresh=5000, read=90_000))
    assert limits.refuse(NOON, 1000) is None
    assert limits.refuse(NOON, 1500) == 5


def test_output_is_known_afterwards_and_leaves_a_debt() -> None:
    limits = Limits({"output-tokens": 6000}, enforced=True)
    limits.spend(NOON, usage(output=6200))
    assert limits.refuse(NOON, 0) == 3
    assert limits.headers(NOON) == {
        "anthropic-ratelimit-output-tokens-limit": "6000",
        "anthropic-ratelimit-output-tokens-remaining": "0",
        "anthropic-ratelimit-output-tokens-reset": "2026-11-01T12:01:02Z",
    }


async def test_enforced_limits_refuse_with_a_time_and_the_headers_and_bill_nothing() -> None:
    limits = Limits({"requests": 60}, enforced=True, burst_s=1)
    async with (
        LoopbackClaude(
            {}, improvise=lambda _: Reply(json.dumps({})), limits=limits, now=lambda: NOON
        ) as claude,
        AsyncAnthropic(api_key="sk-test", base_url=claude.base_url, max_retries=0) as client,
    ):
        await client.messages.create(**REQUEST)
        with pytest.raises(RateLimitError) as refused:
            await client.messages.create(**REQUEST)
    headers = refused.value.response.headers
    assert (headers["retry-after"], headers["anthropic-ratelimit-requests-remaining"]) == ("1", "0")
    assert [(call.status, call.usd > 0) for call in claude.calls] == [(200, True), (429, False)]

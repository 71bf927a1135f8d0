"""Calls to Claude that never became one, and counts: what the connection itself can do, through the real SDK."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from anthropic import AsyncAnthropic

from streams.claude.client import Claude, client
from streams.claude.outcomes import Failed, Misconfigured, Outcome, Refused
from streams.errors import EarmarkError
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import RATE_LIMITED, Failure, Reply
from tests.contract.one_call import ANSWER, NOW, REQUEST


async def test_a_count_fails_as_a_call_does() -> None:
    too_large = Failure(413, "request_too_large", "too many bytes")
    async with LoopbackClaude({}, counting=too_large) as server, client("key", server.base_url, 1) as sdk:
        counted = await Claude(sdk, lambda: NOW).count(REQUEST, 30)
    assert not isinstance(counted, int)
    assert isinstance(counted.outcome, Failed)
    assert counted.outcome.final
    assert counted.outcome.bill == "free"


@pytest.mark.parametrize("page", ["<html>Welcome</html>", "{}"])
async def test_a_count_that_is_none_is_asked_for_again(page: str) -> None:
    """A gateway's page, or no number: nothing is known and nothing is lost."""
    async with (
        LoopbackClaude({}, counting=Failure(200, "", "", page=page)) as server,
        client("key", server.base_url, 1) as sdk,
    ):
        counted = await Claude(sdk, lambda: NOW).count(REQUEST, 30)
    assert not isinstance(counted, int)
    assert isinstance(counted.outcome, Failed)
    assert not counted.outcome.final


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
    assert (outcome.outcome, outcome.bill) == ("unknown", "unknown")


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


async def test_a_key_that_a_gateway_quotes_is_not_shown() -> None:
    failure = Failure(400, "invalid_request_error", "no such header: x-api-key: sk-secret-key")
    async with (
        LoopbackClaude({}, improvise=lambda _: failure) as server,
        client("sk-secret-key", server.base_url, 1) as sdk,
    ):
        outcome = (await Claude(sdk, lambda: NOW).call(REQUEST, 30)).outcome
    assert isinstance(outcome, Failed)
    assert outcome.reason.endswith("x-api-key: (hidden)")


async def test_a_key_or_an_address_that_cannot_be_sent_is_named_and_the_key_not_shown() -> None:
    async with listening(b"") as port:
        outcome = await sent_to(f"http://127.0.0.1:{port}", key="sk-secret\n")
    assert isinstance(outcome, Misconfigured)
    assert "ANTHROPIC_API_KEY" in outcome.reason
    assert "secret" not in outcome.reason
    outcome = await sent_to("127.0.0.1:9")
    assert isinstance(outcome, Misconfigured)
    assert "ANTHROPIC_BASE_URL" in outcome.reason

"""The edge to Claude: one request, one outcome, no retry of its own."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx2
from anthropic import AsyncAnthropic

from streams.claude.answers import of_body
from streams.claude.outcomes import Failed, Misconfigured, Outcome, Refused, Said, of_status
from streams.clock import Clock
from streams.errors import EarmarkError

log = logging.getLogger(__name__)

CONNECT_S = 10.0
"""How long a connection may take, in seconds: a third of the whole where that is shorter."""

# Raised before the first byte of a request is written, and never after it.
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)


def client(api_key: str | None, base_url: str | None, in_flight: int) -> AsyncAnthropic:
    """The SDK's client, its retries off: every attempt is claimed first. Raises EarmarkError without a key."""
    if not api_key:
        raise EarmarkError("ANTHROPIC_API_KEY is not set: put it into the environment or a .env file")
    return AsyncAnthropic(
        api_key=api_key,
        base_url=base_url,
        max_retries=0,
        http_client=httpx2.AsyncClient(
            limits=httpx2.Limits(max_connections=in_flight + 8, max_keepalive_connections=in_flight + 8),
            follow_redirects=False,
        ),
    )


@dataclass(frozen=True)
class Response:
    """What became of a call, and the headers it came with (none where nothing came)."""

    outcome: Outcome
    headers: Mapping[str, str]


class Claude:
    """Asks Claude and says what became of it."""

    def __init__(self, sdk: AsyncAnthropic, now: Clock) -> None:
        self._sdk = sdk
        self._now = now
        self._limits: dict[str, int] = {}
        self._missing: set[str] = set()

    async def max_tokens_of(self, model: str, time_limit_s: float) -> int | None:
        """The most tokens that an answer of `model` may have, as the API says; None where it does not say."""
        if model not in self._limits:
            try:
                async with asyncio.timeout(time_limit_s):
                    info = await self._sdk.models.retrieve(model, timeout=_phases(time_limit_s))
                    self._limits[model] = int(info.max_tokens or 0)
            except anthropic.NotFoundError:
                self._missing.add(model)
                return None
            except Exception as error:  # noqa: BLE001  whatever stands between us may answer anything
                log.info("the limit of model %s is not known: %s", model, type(error).__name__)
                return None
        return self._limits[model] or None

    def is_missing(self, model: str) -> bool:
        """Whether the API, asked for a model's limit, said that there is no such model."""
        return model in self._missing

    async def takes_key(self, time_limit_s: float) -> bool:
        """Whether the API answers to the key that is set (it costs nothing)."""
        return await self.refusal(time_limit_s) is None

    async def refusal(self, time_limit_s: float) -> Response | None:
        """Why the API lists no models to the key that is set, None where it does (it costs nothing)."""
        try:
            async with asyncio.timeout(time_limit_s):
                await self._sdk.models.list(limit=1, timeout=_phases(time_limit_s))
        except Exception as error:  # noqa: BLE001  every way a call can end has its outcome
            return self._of_error(error)
        return None

    async def count(self, request: dict[str, Any], time_limit_s: float) -> int | Response:
        """How many input tokens `request` would have (it costs nothing), or why that is not known."""
        counted = {key: value for key, value in request.items() if key != "max_tokens"}
        try:
            async with asyncio.timeout(time_limit_s):
                answer = await self._sdk.messages.count_tokens(**counted, timeout=_phases(time_limit_s))
                # The SDK hands on whatever a 200 holds, be it the page of a gateway.
                return int(answer.input_tokens)
        except Exception as error:  # noqa: BLE001  every way a call can end has its outcome
            return self._of_error(error)

    async def call(self, request: dict[str, Any], time_limit_s: float) -> Response:
        """Send `request` once and wait for the whole answer, `time_limit_s` at most."""
        try:
            async with asyncio.timeout(time_limit_s):
                raw = await self._sdk.messages.with_raw_response.create(
                    **request, timeout=_phases(time_limit_s)
                )
                body = await raw.text()
        except Exception as error:  # noqa: BLE001  every way a call can end has its outcome
            return self._of_error(error)
        return Response(of_body(body), raw.headers)

    def _of_error(self, error: Exception) -> Response:
        if isinstance(error, anthropic.APIStatusError):
            # The SDK's types are what the API promises: what stands between us may send anything.
            words = str(error.api_message or error.message)
            said = Said(error.type or type(error).__name__, error.error_code, words)
            headers = error.response.headers
            return Response(of_status(error.status_code, headers, said, self._now()), headers)
        return Response(self._without_response(error), {})

    def _without_response(self, error: Exception) -> Outcome:
        match error:
            case anthropic.APIConnectionError():
                return self._without_connection(error.__cause__)
            case TimeoutError():
                return _unanswered("no whole answer came within the call's time limit")
            case TypeError() if "authentication" in str(error).lower():
                return Misconfigured(str(error))
            case _:
                return _unanswered(f"{type(error).__name__}: {error}")

    def _without_connection(self, cause: BaseException | None) -> Outcome:
        match cause:
            case httpx2.UnsupportedProtocol():
                return Misconfigured(f"ANTHROPIC_BASE_URL is no http(s) address: {self._sdk.base_url}")
            case httpx2.LocalProtocolError():
                # Its words would show the header, and the key in it.
                return Misconfigured(
                    "ANTHROPIC_API_KEY (or another header) has a character that HTTP forbids"
                )
            case _ if isinstance(cause, _NEVER_SENT):
                return Refused(f"no connection to {self._sdk.base_url}: {cause!r}", None, unreachable=True)
            case _:
                return _unanswered(f"the connection broke off: {cause!r}")


def _unanswered(reason: str) -> Failed:
    return Failed("unknown", reason, "unknown", owner="provider")


def _phases(time_limit_s: float) -> httpx2.Timeout:
    # The client's limits are for each phase and each read anew: the whole needs its own clock besides.
    connect_s = min(CONNECT_S, time_limit_s / 3)
    return httpx2.Timeout(time_limit_s, connect=connect_s, pool=connect_s)

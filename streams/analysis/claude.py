"""The edge to Claude: one request, one outcome, no retry of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx2
from anthropic import AsyncAnthropic

from streams.analysis.outcomes import Failed, Misconfigured, Outcome, of_message, of_status
from streams.clock import Clock
from streams.errors import EarmarkError


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

    async def count(self, request: dict[str, Any], time_limit_s: float) -> int | Response:
        """How many input tokens `request` would have (it costs nothing), or why that is not known."""
        counted = {key: value for key, value in request.items() if key != "max_tokens"}
        try:
            answer = await self._sdk.messages.count_tokens(**counted, timeout=time_limit_s)
        except Exception as error:  # noqa: BLE001  every way a call can end has its outcome
            return self._of_error(error)
        return answer.input_tokens

    async def call(self, request: dict[str, Any], time_limit_s: float) -> Response:
        """Send `request` once."""
        try:
            raw = await self._sdk.messages.with_raw_response.create(**request, timeout=time_limit_s)
            message: dict[str, Any] = json.loads(await raw.text())
            return Response(of_message(message), raw.headers)
        except Exception as error:  # noqa: BLE001  every way a call can end has its outcome
            return self._of_error(error)

    def _of_error(self, error: Exception) -> Response:
        match error:
            case anthropic.APIStatusError():
                body = error.body if isinstance(error.body, dict) else {}
                detail = body.get("error", {}) if isinstance(body.get("error"), dict) else {}
                headers = error.response.headers
                outcome = of_status(
                    error.status_code,
                    headers,
                    detail.get("type", type(error).__name__),
                    detail.get("message", error.message),
                    self._now(),
                )
                return Response(outcome, headers)
            case TypeError() if "authentication" in str(error).lower():
                return Response(Misconfigured(str(error)), {})
            case _:
                return Response(Failed("unknown", f"{type(error).__name__}: {error}", None), {})

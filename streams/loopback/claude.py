"""A loopback Claude: the Messages API as far as the real SDK needs it, with answers that were written beforehand.

It answers from the request: a body it was not scripted for is a 400, so a changed prompt or transcript shows. Tokens
are counted by a fixed rule, and every answer is billed at list price by this server's own arithmetic.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import Any, Self

import orjson
from aiohttp import web

from streams.clock import Clock, utc_now
from streams.loopback.bills import bill, list_price
from streams.loopback.rate_limits import Limits
from streams.loopback.script import (
    RATE_LIMITED,
    Failure,
    Improviser,
    Reply,
    Script,
    Step,
    canonical,
    fingerprint,
)

BYTES_A_TOKEN = 3.5
MIN_CACHED_TOKENS = 512
_NOTHING = {
    "input_tokens": 0,
    "output_tokens": 0,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
}


@dataclass(frozen=True)
class Call:
    """One call to /v1/messages as it was charged; `usage` is null and `usd` 0 where nothing was billed."""

    at: datetime
    fingerprint: str
    model: str
    max_tokens: int
    status: int
    usage: Mapping[str, Any] | None
    usd: Decimal


class LoopbackClaude:
    """The server: `async with LoopbackClaude(scripts) as claude` serves at `claude.base_url` until the block ends.

    `scripts` by fingerprint; `improvise` answers what no script knows; `latency_s` passes before every message.
    `limits`: the rate limits in its headers; enforced limits refuse. `counting`: how count_tokens fails.
    """

    def __init__(
        self,
        scripts: Mapping[str, Script],
        *,
        improvise: Improviser | None = None,
        latency_s: float = 0,
        limits: Limits | None = None,
        counting: Failure | None = None,
        now: Clock = utc_now,
    ) -> None:
        self._scripts = scripts
        self._improvise = improvise
        self._latency_s = latency_s
        self._now = now
        self._tries: Counter[str] = Counter()
        self._cached: set[bytes] = set()
        self._limits = limits or Limits()
        self.counting = counting
        self._requests = 0
        self.calls: list[Call] = []
        self.base_url = ""
        self.max_tokens: int | None = 64_000
        self.retired: set[str] = set()
        """The limit that the models endpoint gives for every model."""

    def bill(self) -> Decimal:
        """US dollars for everything answered so far, also for what did not arrive."""
        return sum((call.usd for call in self.calls), Decimal(0))

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/messages/count_tokens", self._count_tokens)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/models/{model}", self._model)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _models(self, request: web.Request) -> web.StreamResponse:
        if not {"authorization", "x-api-key"} & set(map(str.lower, request.headers)):
            return self._failed(Failure(401, "authentication_error", "An API key is required."))
        if self.counting is not None:
            return self._failed(self.counting)
        return self._json(200, {"data": [], "has_more": False, "first_id": None, "last_id": None})

    async def _model(self, request: web.Request) -> web.StreamResponse:
        model = request.match_info["model"]
        if not model.startswith("claude-") or model in self.retired:
            return self._failed(Failure(404, "not_found_error", f"model: {model}"))
        info = {"type": "model", "id": model, "display_name": model, "created_at": "2026-01-01T00:00:00Z"}
        return self._json(200, info | {"lifecycle": "active", "max_tokens": self.max_tokens})

    async def _count_tokens(self, request: web.Request) -> web.StreamResponse:
        body = await request.json(loads=orjson.loads)
        refusal = _refusal(request, body) or self.counting
        return self._failed(refusal) if refusal else self._json(200, {"input_tokens": _prompt_tokens(body)})

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body = await request.json(loads=orjson.loads)
        step = _refusal(request, body) or self._over_limit(body) or self._step(body)
        made = self._message(step, body) if isinstance(step, Reply) else None
        message = step.altered(made) if isinstance(step, Reply) and made else made
        headers = self._record(step, body, made, message)
        # The bill is written first: a client that is gone before its answer comes has still bought it.
        await asyncio.sleep(self._latency_s)
        if isinstance(step, Failure):
            return self._failed(step, headers)
        if step.delivery == "hang":
            await asyncio.Event().wait()
        if step.delivery in {"cut_connection", "no_answer"}:
            return await _cut(
                request, json.dumps(message).encode() if step.delivery == "cut_connection" else b""
            )
        if step.delivery == "trickle":
            return await _trickle(request)
        # As ASCII, in which a half of a surrogate pair can travel.
        text = json.dumps(message)
        text = text[: len(text) // 2] if step.delivery == "broken_json" else text
        return self._response(200, text, headers)

    def _over_limit(self, body: Mapping[str, Any]) -> Failure | None:
        prefix, _ = _cached_prefix(body)
        free = _tokens(prefix) if prefix in self._cached else 0
        wait_s = self._limits.refuse(self._now(), _prompt_tokens(body) - free)
        return None if wait_s is None else replace(RATE_LIMITED, retry_after=wait_s)

    def _step(self, body: Mapping[str, Any]) -> Step:
        digest = fingerprint(body)
        script = self._scripts.get(digest)
        if script is not None:
            self._tries[digest] += 1
            return script[min(self._tries[digest], len(script)) - 1]
        if self._improvise is not None:
            return self._improvise(body)
        return Failure(
            400,
            "invalid_request_error",
            f"No answer is written for the request {digest[:12]}: its prompt or its transcript is not the one this "
            "loopback Claude knows. If the change is meant, run `python -m streams.demo.record` and review what differs.",
        )

    def _message(self, step: Reply, body: Mapping[str, Any]) -> dict[str, Any]:
        text, stop_reason = step.text, step.stop_reason
        output = _tokens((step.thinking + text).encode())
        if stop_reason == "max_tokens" or output > body["max_tokens"]:
            text, stop_reason, output = text[: len(text) // 2], "max_tokens", body["max_tokens"]
        free = stop_reason == "refusal" and not (text or step.thinking)
        blocks = [{"type": "text", "text": text}] if text else []
        thought = {"type": "thinking", "thinking": step.thinking, "signature": "c2NyaXB0ZWQ="}
        return {
            "id": f"msg_{len(self.calls) + 1:08}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [thought, *blocks] if step.thinking else blocks,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "stop_details": {"type": "refusal", "category": None} if stop_reason == "refusal" else None,
            "usage": _NOTHING if free else {**self._input_usage(body), "output_tokens": output},
        }

    def _input_usage(self, body: Mapping[str, Any]) -> dict[str, Any]:
        prefix, hour = _cached_prefix(body)
        cached = _tokens(prefix)
        if cached < MIN_CACHED_TOKENS:
            return {**_NOTHING, "input_tokens": _prompt_tokens(body)}
        read = prefix in self._cached
        self._cached.add(prefix)
        created = 0 if read else cached
        return {
            "input_tokens": _prompt_tokens(body) - cached,
            "cache_creation_input_tokens": created,
            "cache_read_input_tokens": cached if read else 0,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 0 if hour else created,
                "ephemeral_1h_input_tokens": created if hour else 0,
            },
        }

    def _record(
        self,
        step: Step,
        body: Mapping[str, Any],
        made: Mapping[str, Any] | None,
        sent: Mapping[str, Any] | None,
    ) -> Mapping[str, str]:
        call = Call(
            at=self._now(),
            fingerprint=fingerprint(body),
            model=body["model"],
            max_tokens=body["max_tokens"],
            status=step.status if isinstance(step, Failure) else 200,
            usage=None if made is None else made["usage"],
            usd=Decimal(0) if made is None or sent is None else bill(made, sent),
        )
        self.calls.append(call)
        if call.status not in {429, 529}:
            self._limits.spend(call.at, call.usage or _NOTHING)
        return self._limits.headers(call.at)

    def _failed(self, failure: Failure, headers: Mapping[str, str] | None = None) -> web.Response:
        again = {} if failure.retry_after is None else {"retry-after": str(failure.retry_after)}
        sent = {**(headers or {}), **again, **failure.headers}
        if failure.page is not None:
            return web.Response(
                status=failure.status, text=failure.page, headers=sent, content_type="text/html"
            )
        details = {} if failure.code is None else {"details": {"error_code": failure.code}}
        error = {"type": failure.kind, "message": failure.message, **details}
        return self._json(failure.status, {"type": "error", "error": error}, sent)

    def _json(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> web.Response:
        return self._response(status, orjson.dumps(body).decode(), headers or {})

    def _response(self, status: int, text: str, headers: Mapping[str, str]) -> web.Response:
        self._requests += 1
        named = {**headers, "request-id": f"req_{self._requests:08}"}
        return web.Response(status=status, text=text, headers=named, content_type="application/json")


def _refusal(request: web.Request, body: Mapping[str, Any]) -> Failure | None:
    bearer = request.headers.get("authorization", "").startswith("Bearer ")
    if not bearer and "x-api-key" not in request.headers:
        return Failure(401, "authentication_error", "An API key is required.")
    try:
        list_price({"model": body["model"], "usage": _NOTHING})
    except LookupError:
        return Failure(404, "not_found_error", f"model: {body['model']}")
    return None


def _tokens(text: bytes) -> int:
    return ceil(len(text) / BYTES_A_TOKEN)


def _prompt_tokens(body: Mapping[str, Any]) -> int:
    return _tokens(canonical([body.get(part) for part in ("output_config", "system", "messages")]))


def _cached_prefix(body: Mapping[str, Any]) -> tuple[bytes, bool]:
    """What a cache_control among the system blocks covers, and whether it is kept for an hour (or 5 minutes)."""
    system = body.get("system", [])
    marks = [index for index, block in enumerate(system) if "cache_control" in block]
    if not marks:
        return b"", False
    covered = [body["model"], body.get("output_config"), system[: marks[-1] + 1]]
    return canonical(covered), system[marks[-1]]["cache_control"].get("ttl") == "1h"


async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
    """Half of `body` and then nothing: the connection is gone; not even a status where there is no body."""
    response = web.StreamResponse(
        headers={"content-type": "application/json", "content-length": str(len(body))}
    )
    if body:
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.abort()
    return response


async def _trickle(request: web.Request) -> web.StreamResponse:
    """A body that is always about to begin, as a gateway keeps a connection open."""
    response = web.StreamResponse(headers={"content-type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)

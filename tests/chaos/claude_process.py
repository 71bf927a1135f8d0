"""The judge's witness: a loopback Claude in a process of its own that writes down every call before it answers.

A line of JSON a call: when it came (ms), under which claim, for which video, what became of it, what it is billed.
What a request meets depends on the seed, the video and how often that video was asked about, on nothing else.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from contextvars import ContextVar
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import orjson
from aiohttp import web

from streams.loopback.claude import BYTES_A_TOKEN, Call, LoopbackClaude
from streams.loopback.rate_limits import START_TIER, Limits
from streams.loopback.script import OVERLOADED, RATE_LIMITED, SERVER_ERROR, Failure, Reply, Step
from tests.chaos.analyst_process import CLAIM_HEADER

LATENCY_S = 0.05
# So high that the pace never rules: here the cap is on trial.
LIMITS = {name: 20 * limit for name, limit in START_TIER.items()}
# Rare where nothing is billed and all is charged: such charges eat of the 5 % that a day's bill may lack of its cap.
CHANCES: Mapping[str, float] = {
    "rate_limited": 0.006,
    "overloaded": 0.006,
    "server_error": 0.003,
    "cut_connection": 0.015,
    "hang": 0.015,
    "broken_json": 0.015,
    "max_tokens": 0.015,
    "refused_at_once": 0.01,
    "refused_amid": 0.01,
    "context_window": 0.01,
    "invalid": 0.015,
    "filtered": 0.01,
}
# A provider may bill what its filter stops: the witness does.
FILTERED = Failure(400, "invalid_request_error", "Output blocked by content filtering policy")
FILTERED_USAGE = {"input_tokens": 10, "output_tokens": 10}
OUTAGE_AFTER = 25
"""The call after which an outage begins."""
_claim: ContextVar[str | None] = ContextVar("claim")
_video: ContextVar[str] = ContextVar("video")


def video_in(body: Mapping[str, Any]) -> str:
    """The video that a request is about."""
    return re.findall(r"video-\d{6}", body["messages"][0]["content"])[0]


def answer_of(tokens: int) -> str:
    """An answer with one grounded mention that is so many tokens long."""
    answer = {
        "market_outlook": {"direction": "bullish", "reasoning": "they say so"},
        "macro_themes": [],
        "key_risks": [],
        "summary": "",
        "mentions": [
            {
                "symbol": "PLTR",
                "said_as": "palanteer",
                "action": "buy",
                "conviction": 0.8,
                "time_horizon": "months",
                "quote": "buying palanteer here and now",
                "line": 1,
            }
        ],
    }
    room = int(tokens * BYTES_A_TOKEN) - len(orjson.dumps(answer))
    return orjson.dumps({**answer, "summary": "x" * room}).decode()


class AccessLog(list[Call]):
    """Writes each call to a file, at once, and keeps none."""

    def __init__(self, log_file: Path) -> None:
        super().__init__()
        self._file = log_file.open("ab", buffering=0)

    def append(self, call: Call) -> None:
        line = {
            "at_ms": int(call.at.timestamp() * 1000),
            "attempt_id": _claim.get(),
            "video_id": _video.get(),
            "status": call.status,
            "usage": FILTERED_USAGE if call.status == FILTERED.status else call.usage,
        }
        self._file.write(orjson.dumps(line) + b"\n")


class Witness(LoopbackClaude):
    """`log_file` gets a line for each call, written before anything is answered."""

    def __init__(self, seed: int, outage_s: float, log_file: Path) -> None:
        super().__init__({}, improvise=self._improvised, latency_s=LATENCY_S, limits=Limits(LIMITS))
        self.calls = AccessLog(log_file)
        self._seed = seed
        self._asked: Counter[str] = Counter()
        self._outage_s = outage_s
        self._back_at_s: float | None = None

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        _claim.set(request.headers.get(CLAIM_HEADER))
        _video.set(video_in(await request.json(loads=orjson.loads)))
        return await super()._messages(request)

    def _is_away(self) -> bool:
        """Whether the outage is on: it begins with a call and ends by the clock."""
        if self._outage_s == 0 or sum(self._asked.values()) < OUTAGE_AFTER:
            return False
        now_s = monotonic()
        if self._back_at_s is None:
            self._back_at_s = now_s + self._outage_s
        return now_s < self._back_at_s

    def _improvised(self, body: Mapping[str, Any]) -> Step:
        # A cache that forgets: each prompt is billed as dear as its claim must reckon with.
        self._cached.clear()
        video_id, max_tokens = video_in(body), int(body["max_tokens"])
        self._asked[video_id] += 1
        if self._is_away():
            return SERVER_ERROR
        random = Random(f"{self._seed} {video_id} {self._asked[video_id]}")
        outcomes = [*CHANCES, "whole"]
        [outcome] = random.choices(outcomes, [*CHANCES.values(), 1 - sum(CHANCES.values())])
        text = answer_of(int(max_tokens * random.uniform(0.97, 1)))
        return {
            "rate_limited": RATE_LIMITED,
            "overloaded": OVERLOADED,
            "server_error": SERVER_ERROR,
            "cut_connection": Reply(text, delivery="cut_connection"),
            "hang": Reply(text, delivery="hang"),
            "broken_json": Reply(text, delivery="broken_json"),
            "max_tokens": Reply(text, stop_reason="max_tokens"),
            "refused_at_once": Reply("", stop_reason="refusal"),
            "refused_amid": Reply(text, stop_reason="refusal"),
            "context_window": Reply(text, stop_reason="model_context_window_exceeded"),
            "invalid": Reply(text.replace('"PLTR"', "null")),
            "filtered": FILTERED,
            "whole": Reply(text),
        }[outcome]


def main(seed: int, outage_s: float, log_file: Path, ready: Pipe) -> None:
    """Serve until terminated; `ready` gets the base URL."""
    asyncio.run(_serve(seed, outage_s, log_file, ready))


async def _serve(seed: int, outage_s: float, log_file: Path, ready: Pipe) -> None:
    async with Witness(seed, outage_s, log_file) as claude:
        ready.send(claude.base_url)
        ready.close()
        await asyncio.Event().wait()

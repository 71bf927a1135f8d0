"""Calls that the provider refused: who goes first when it takes calls again."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from streams.analysis.question import request_of
from streams.claude.calls import Calls
from streams.claude.client import Claude, client
from streams.claude.outcomes import Answered
from streams.clock import utc_now
from streams.events.event import LANES, Lane
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import RATE_LIMITED, Reply, Step
from tests.builders.analyst_scene import ANSWER, PROMPT, captions_of


async def test_a_live_call_goes_before_refused_ones_of_other_lanes() -> None:
    """The replays came first, and the provider holds all three."""
    asked: list[str] = []

    def answer(body: Mapping[str, Any]) -> Step:
        asked.append(body["messages"][0]["content"].split("welcome to ")[1].split()[0])
        return Reply(ANSWER) if len(asked) > 1 else replace(RATE_LIMITED, retry_after=1)

    async with (
        LoopbackClaude({}, improvise=answer) as claude,
        client("key", claude.base_url, 4) as sdk,
    ):
        calls = Calls(Claude(sdk, utc_now), 5.0, lambda: 0.0, utc_now)

        async def call(video: str, lane: Lane) -> None:
            request = request_of(PROMPT, captions_of(video), PROMPT.max_tokens)
            deadline_ms = int(utc_now().timestamp() * 1000) + 30_000
            outcome = await calls.call(request, calls.begin(PROMPT.model), deadline_ms, lane)
            assert isinstance(outcome, Answered)

        lanes: tuple[tuple[str, Lane], ...] = (("r1", "replay"), ("r2", "replay"), ("new", "live"))
        waiting = []
        for number, (video, lane) in enumerate(lanes, 1):
            waiting.append(asyncio.create_task(call(video, lane)))
            async with asyncio.timeout(5):
                while len(calls._model(PROMPT.model).line) < number:  # noqa: ASYNC110  nobody else waits for it
                    await asyncio.sleep(0.01)
        await asyncio.gather(*waiting)
    assert asked == ["r1", "new", "r1", "r2"]


async def test_a_new_live_request_need_not_stand_behind_refused_replays() -> None:
    """They hold money, so no other new replay goes before them; a live video does."""
    async with client("key", "http://127.0.0.1:1", 1) as sdk:
        calls = Calls(Claude(sdk, utc_now), 5.0, lambda: 0.0, utc_now)
        model = calls._model(PROMPT.model)
        model.line.append((LANES.index("replay"), 0, asyncio.get_running_loop().create_future()))
        assert calls.may_begin(PROMPT.model, "live")
        assert calls.may_begin(PROMPT.model, "backfill")
        assert not calls.may_begin(PROMPT.model, "replay")

"""Claude answers nobody, or turns down one video or one prompt: who is stopped by it, what is lost, what it costs."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from streams.clock import utc_now
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.event import Position, derive_id
from streams.events.ledger import (
    AnalysisRequested,
    BudgetReserved,
    BudgetSettled,
    ReplayCancelled,
    ReplayFilter,
    ReplayStarted,
    request_id,
)
from streams.events.prompts import PromptRegistered
from streams.log.connection import Connection
from streams.log.topics import ANALYSES, LEDGER
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import SERVER_ERROR, Failure, Reply, Step
from tests.builders.analyst_scene import ANSWER, LIMITS, PROMPT, Answers, Scene, analysts, captions_of, scene

pytestmark = pytest.mark.kafka

FILTERED = Failure(400, "invalid_request_error", "Output blocked by content filtering policy")
RETIRED = Failure(404, "not_found_error", "model: claude-haiku-5-5")
ODD = Failure(400, "invalid_request_error", "output_config.effort: not supported by this model")


async def claims(log: Scene) -> list[BudgetReserved]:
    return await log.events(LEDGER, BudgetReserved)


async def settled(log: Scene, *, unanswered: bool) -> list[BudgetSettled]:
    return [one for one in await log.events(LEDGER, BudgetSettled) if one.unanswered is unanswered]


DELIVERIES: dict[str, Step] = {
    "500": SERVER_ERROR,
    "an error in the body of a 200": Reply(ANSWER, delivery="broken_json"),
    "cut off": Reply(ANSWER, delivery="cut_connection"),
}


@pytest.mark.parametrize("failing", DELIVERIES.values(), ids=DELIVERIES)
async def test_an_outage_loses_no_video_and_costs_the_calls_in_flight_and_the_probes(
    connection: Connection, failing: Step
) -> None:
    videos = [f"v{number}" for number in range(12)]
    answers = Answers(otherwise=failing)
    async with scene(connection) as log, LoopbackClaude({}, improvise=answers) as claude:
        await log.ask(*videos)
        async with analysts(log, claude.base_url, limits=replace(LIMITS, calls_in_flight=4)):
            await log.until(LEDGER, [BudgetSettled], 4 + 4)  # those in flight, and four probes
            answers.otherwise = Reply(ANSWER)
            await log.until(ANALYSES, [AnalysisCompleted], len(videos))
            lost = await settled(log, unanswered=True)
        assert await log.events(ANALYSES, AnalysisFailed) == []
        assert {claim.attempt for claim in await claims(log)} == {1}, "an attempt was used up"
        assert len(lost) < len(videos), "more than one call at a time was made"
        ledger = await log.ledger()
        completed = await log.events(ANALYSES, AnalysisCompleted)
        assert ledger.charges.total == sum(one.usd for one in lost) + sum(one.usd for one in completed)
        assert all(one.outcome == "not_called" and one.usage is None for one in lost)


async def test_while_even_counting_is_refused_an_outage_costs_nothing(connection: Connection) -> None:
    async with (
        scene(connection) as log,
        LoopbackClaude({}, improvise=Answers(), counting=SERVER_ERROR) as claude,
    ):
        await log.ask("a", "b", "c", "d")
        async with analysts(log, claude.base_url):
            await asyncio.sleep(3)
            assert await claims(log) == []
            claude.counting = None
            await log.until(ANALYSES, [AnalysisCompleted], 4)
        assert claude.bill() == (await log.ledger()).charges.total


async def test_an_unreachable_claude_costs_nothing_and_no_attempt(connection: Connection) -> None:
    async with scene(connection) as log, LoopbackClaude({}, improvise=Answers()) as claude:
        await log.ask("a", "b", "c", "d", "e")
        async with analysts(log, "http://127.0.0.1:9"):
            await asyncio.sleep(3)
        async with analysts(log, claude.base_url):
            await log.until(ANALYSES, [AnalysisCompleted], 5)
        assert claude.bill() == (await log.ledger()).charges.total
        assert {claim.attempt for claim in await claims(log)} == {1}


async def test_an_open_breaker_stays_open_under_the_next_analyst(connection: Connection) -> None:
    """By the ledger, not by memory: the next one makes one call and not eight."""
    slow = replace(LIMITS, probe_delays_s=(3.0, 60.0), calls_in_flight=3)
    answers = Answers(otherwise=SERVER_ERROR)
    async with scene(connection) as log, LoopbackClaude({}, improvise=answers) as claude:
        await log.ask(*(f"v{number}" for number in range(9)))
        async with analysts(log, claude.base_url, limits=slow):
            await log.until(LEDGER, [BudgetSettled], 3)
        made = len(claude.calls)
        async with analysts(log, claude.base_url, limits=replace(slow, calls_in_flight=8)):
            await asyncio.sleep(5)  # the pause is over, and the next one is not
        assert len(claude.calls) - made == 1


async def test_a_video_that_gets_no_answer_while_others_do_fails_by_itself(connection: Connection) -> None:
    answers = Answers({"odd": Reply(ANSWER, delivery="cut_connection")})
    async with scene(connection) as log, LoopbackClaude({}, improvise=answers) as claude:
        await log.ask("odd")
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 1)
            await log.ask("a")
            await log.until(ANALYSES, [AnalysisFailed], 1)
        [failed] = await log.events(ANALYSES, AnalysisFailed)
        assert (failed.video.video_id, failed.outcome) == ("odd", "unknown")
        of_it = [claim for claim in await claims(log) if claim.analysis_id == failed.analysis_id]
        assert [claim.attempt for claim in of_it][-3:] == [1, 2, 3]
        assert len(await log.events(ANALYSES, AnalysisCompleted)) == 1
        ledger = await log.ledger()
        assert ledger.charges.total > claude.bill() > 0
        assert not ledger.pending


async def test_a_filtered_video_is_charged_repeated_once_and_final_and_nobody_else_stops(
    connection: Connection,
) -> None:
    answers = Answers({"filtered": FILTERED})
    async with scene(connection) as log, LoopbackClaude({}, improvise=answers) as claude:
        await log.ask("filtered", "a", "b")
        async with analysts(log, claude.base_url) as running:
            await log.until(ANALYSES, [AnalysisCompleted], 2)
            await log.until(ANALYSES, [AnalysisFailed], 1)
            await log.until(LEDGER, [BudgetSettled], 4)
            assert not any(task.done() for task in running.tasks)
        [failed] = await log.events(ANALYSES, AnalysisFailed)
        assert (failed.video.video_id, failed.outcome) == ("filtered", "content_filtered")
        assert len(await log.events(ANALYSES, AttemptFailed)) == 1
        charged = [claim.usd for claim in await claims(log) if claim.analysis_id == failed.analysis_id]
        assert len(charged) == 2
        ledger = await log.ledger()
        assert ledger.charges.total == claude.bill() + sum(charged)


async def test_what_two_videos_are_turned_down_for_is_the_prompts_fault_and_live_videos_wait(
    connection: Connection,
) -> None:
    answers = Answers(otherwise=ODD)
    async with scene(connection) as log, LoopbackClaude({}, improvise=answers) as claude:
        await log.ask("a", "b", "c", "d")
        async with analysts(log, claude.base_url, limits=replace(LIMITS, calls_in_flight=1)) as running:
            await log.until(LEDGER, [BudgetSettled], 2)
            await asyncio.sleep(2)
            assert not any(task.done() for task in running.tasks)
        assert len(claude.calls) == 2
        assert len((await log.ledger()).pending) == 4


async def test_a_retired_model_ends_its_replay_and_holds_up_nobody_else(connection: Connection) -> None:
    retired = PROMPT.model_copy(update={"name": "retired", "model": "claude-sonnet-5-5"})
    replay = derive_id("replay", "retired")

    def answer(body: Mapping[str, Any]) -> Step:
        return RETIRED if body["model"] == retired.model else Reply(ANSWER)

    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        await log.publisher.append(
            PromptRegistered(at=utc_now(), prompt_id=retired.prompt_id, prompt=retired)
        )
        await log.publisher.append(
            ReplayStarted(
                at=utc_now(),
                replay_id=replay,
                prompt_id=retired.prompt_id,
                filter=ReplayFilter(),
                seed=0,
                share=0.5,
                max_usd=Decimal(1),
                follow=False,
                captions_ends=(),
            )
        )
        captions = captions_of("old")
        at = await log.publisher.append(captions)
        await log.publisher.append(
            AnalysisRequested(
                at=utc_now(),
                request_id=request_id(captions.captions_id, retired.prompt_id, replay),
                video_id="old",
                captions_id=captions.captions_id,
                captions_at=Position(partition=at.partition, offset=at.offset),
                lane="replay",
                prompt_id=retired.prompt_id,
                replay_id=replay,
            )
        )
        async with analysts(log, claude.base_url) as running:
            await log.until(LEDGER, [ReplayCancelled], 1)
            await log.ask("new")
            await log.until(ANALYSES, [AnalysisCompleted], 1)
            assert not any(task.done() for task in running.tasks)
        [cancelled] = await log.events(LEDGER, ReplayCancelled)
        assert cancelled.reason is not None
        assert retired.model in cancelled.reason or "404" in cancelled.reason
        assert (await log.ledger()).charges.total == claude.bill()

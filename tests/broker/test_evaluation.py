"""An evaluation on a real log, beside an analyst at work: it spends by claims, once, and shows nowhere."""

import asyncio
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.analysis.symbols import Symbols
from streams.claude.client import Claude, client
from streams.cli.evaluate import evaluate
from streams.clock import utc_now
from streams.demo.sample_channel import WITHOUT_CAPTIONS, sample_answer
from streams.evaluation.ask import ask
from streams.evaluation.look_up import look_up
from streams.evaluation.questions import Question
from streams.evaluation.read_gold import read_gold
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.evaluations import EvaluationAttempted, TranscriptGiven
from streams.events.ledger import AnalysisRequested, BudgetReserved, BudgetSettled
from streams.log.connection import Connection
from streams.log.topics import ANALYSES, CAPTIONS, EVALUATIONS, LEDGER
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import OVERLOADED, Reply, Step
from tests.builders.analyst_scene import ANSWER, LIMITS, PROMPT, Scene, analysts, scene

pytestmark = pytest.mark.kafka

GOLD = read_gold("demo")
QUESTIONS = [Question(video, PROMPT) for video in GOLD.videos]
NOTHING = json.dumps({"summary": "A fire.", "mentions": []})
REFUSED, CUT, BUSY = GOLD.videos[0], GOLD.videos[1], GOLD.videos[2]


class Scripted:
    """The demo's answers by title; one video is refused, one is cut each time, one is answered at the second try."""

    def __init__(self) -> None:
        self.busy = 1

    def __call__(self, body: Mapping[str, Any]) -> Step:
        asked = body["messages"][0]["content"]
        video = next((video for video in GOLD.videos if f"Title: {video.title}\n" in asked), None)
        if video is None:
            return Reply(ANSWER)
        if video == REFUSED:
            return Reply("", stop_reason="refusal")
        if video == BUSY and self.busy:
            self.busy -= 1
            return OVERLOADED
        text = NOTHING if video.video_id == WITHOUT_CAPTIONS else sample_answer(video.video_id)
        return Reply(text, stop_reason="max_tokens" if video == CUT else "end_turn")


async def asked_by(log: Scene, base_url: str, max_usd: Decimal | None) -> str | None:
    async with client("key", base_url, LIMITS.calls_in_flight) as sdk:
        return await ask(
            log.connection, log.publisher, Claude(sdk, utc_now), LIMITS, QUESTIONS, utc_now, max_usd
        )


async def typed(connection: Connection, *words: str) -> Result:
    environment = {"EARMARK_KAFKA": connection.bootstrap, "EARMARK_TOPIC_PREFIX": connection.prefix}
    return await asyncio.to_thread(CliRunner().invoke, evaluate, words, env=environment)


async def hold_to_the_ledger(log: Scene) -> None:
    """Nothing is open, nothing was called without a grant, and `analyses` and `captions` know no gold video."""
    ledger = await log.ledger()
    assert not ledger.pending
    assert not ledger.unsettled
    granted = {event.attempt_id for event in await log.events(LEDGER, BudgetSettled) if event.granted}
    claims = [event for event in await log.events(LEDGER, BudgetReserved) if event.lane == "evaluation"]
    attempts = await log.events(EVALUATIONS, EvaluationAttempted)
    assert {attempt.attempt_id for attempt in attempts} <= {claim.attempt_id for claim in claims} & granted
    requests = [event for event in await log.events(LEDGER, AnalysisRequested) if event.lane == "evaluation"]
    transcripts = await log.records(EVALUATIONS)
    for request in requests:
        named = transcripts[request.captions_at.offset].event()
        assert isinstance(named, TranscriptGiven)
        assert named.captions_id == request.captions_id
    assert len({request.request_id for request in requests}) == len(GOLD.videos)
    assert await log.events(ANALYSES, AttemptFailed) == await log.events(ANALYSES, AnalysisFailed) == []
    assert {record.key for record in await log.records(CAPTIONS)} == {b"a", b"b"}


async def test_an_evaluation_spends_by_claims_once_and_shows_nowhere(connection: Connection) -> None:
    """Its prompt is the active one, so an analysis of a gold video in `analyses` would be published."""
    async with scene(connection) as log, LoopbackClaude({}, improvise=Scripted()) as claude:
        await log.ask("a")
        async with analysts(log, claude.base_url):
            await log.until(ANALYSES, [AnalysisCompleted], 1)
            bill = claude.bill()
            dear = max(claim.usd for claim in await log.events(LEDGER, BudgetReserved))
            little = dear * 5
            why = await asked_by(log, claude.base_url, little)
            assert why is not None
            assert why.startswith(f"--max-usd {little:f} pays for no further call")
            assert 0 < claude.bill() - bill <= little
            incomplete = await typed(connection, "demo", "--prompt", PROMPT.name, "--max-usd", "0")
            assert incomplete.output.endswith("incomplete, no score\n")
            assert "incomplete, no score" in str(incomplete.exception)
            # Two at once: no video is paid for twice.
            both = (asked_by(log, claude.base_url, None), asked_by(log, claude.base_url, None))
            assert await asyncio.gather(*both) == [None, None]
            calls = len(claude.calls)
            assert await asked_by(log, claude.base_url, None) is None
            assert len(claude.calls) == calls
            await log.ask("b")
            await log.until(ANALYSES, [AnalysisCompleted], 2)

        (asked,) = await look_up(connection, GOLD, [PROMPT], Symbols())
        states = {video.video_id: answer.state for video, answer in asked}
        assert states.pop(REFUSED.video_id) == "refused"
        assert states.pop(CUT.video_id) == "cut"
        assert set(states.values()) == {"answered"}
        live = {event.video.video_id: event.usd for event in await log.events(ANALYSES, AnalysisCompleted)}
        spent = sum(answer.cost.usd for _, answer in asked)
        assert live.keys() == {"a", "b"}
        assert spent + sum(live.values()) == claude.bill()

        assert (await log.ledger()).lanes["evaluation"].total == spent
        await hold_to_the_ledger(log)

        scored = await typed(
            connection, "demo", "--prompt", PROMPT.name, "--format", "json", "--fail-under", "T=.99"
        )
        shown = json.loads(scored.output)
        assert shown["prompts"][0]["states"] == {
            "answered": 6,
            "cut": 1,
            "refused": 1,
            "failed": 0,
            "not_asked": 0,
        }
        assert Decimal(shown["prompts"][0]["score"]["cost"]["usd"]) == spent
        assert "--fail-under asks for 0.99" in str(scored.exception)
        assert len(claude.calls) == calls + 1

"""One request, and a log in memory that a fold has read to its end; Claude is the loopback one behind the real SDK."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from aiokafka.errors import KafkaConnectionError, KafkaError

from streams.analysis.attempt import Attempts
from streams.analysis.next_step import Next
from streams.analysis.recorder import Recorder
from streams.analysis.state import AnalystState
from streams.analysis.symbols import Symbols
from streams.analysis.verdicts import Verdicts
from streams.budget.account import Pending
from streams.budget.limits import Limits
from streams.claude.calls import Calls
from streams.claude.client import Claude, client
from streams.events.captions import CaptionsExtracted
from streams.events.envelope import encode
from streams.events.event import Event, Lane, Position
from streams.events.ledger import (
    AnalysisRequested,
    BudgetSettled,
    ReplayFilter,
    ReplayStarted,
    request_id,
)
from streams.events.prompts import Prompt, PromptActivated, PromptRegistered
from streams.events.record import Record
from streams.log.publish import Appended
from streams.log.topics import ANALYSES, destination
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Failure, Reply, Step
from tests.builders.analyst_scene import ANSWER, captions_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PROMPT = Prompt(
    name="test", model="claude-haiku-5-5", max_tokens=1000, effort="low", words="Say.", schema_version=1
)
OTHER = PROMPT.model_copy(update={"name": "other"})
UNPRICED = PROMPT.model_copy(update={"name": "unpriced", "model": "claude-of-tomorrow"})
LIMITS = Limits(
    cap_usd=Decimal(5),
    backfill_share=Decimal("0.4"),
    replay_share=Decimal("0.5"),
    calls_in_flight=8,
    call_timeout_s=120.0,
)
REPLAY = UUID(int=7)


@dataclass
class Scene:
    """One request, and a log that a fold has read to its end."""

    calls: Calls
    claude: LoopbackClaude
    limits: Limits = LIMITS
    lane: Lane = "live"
    prompt: Prompt = PROMPT
    verdicts: Verdicts = field(default_factory=Verdicts)
    appended: list[Event] = field(default_factory=list)
    broken: dict[type[Event], KafkaError] = field(default_factory=dict)
    log_is_away: bool = False
    captions: CaptionsExtracted = field(default_factory=lambda: captions_of("a"))

    def __post_init__(self) -> None:
        self.state = AnalystState(self.verdicts.hear)
        recorder = Recorder(
            self.state, self.limits, self.append, self.calls.forget, symbols=Symbols(), now=lambda: NOW
        )
        self.attempts = Attempts(
            state=self.state,
            limits=self.limits,
            calls=self.calls,
            recorder=recorder,
            verdicts=self.verdicts,
            append=self.append,
            fetch_captions=self.fetch,
            reach=self.reach,
            now=lambda: NOW,
        )
        for prompt in (PROMPT, OTHER, UNPRICED):
            self.put(PromptRegistered(at=NOW, prompt_id=prompt.prompt_id, prompt=prompt))
        self.activate(PROMPT, 1)
        if self.lane == "replay":
            self.put(self.replay())
        self.put(self.asked())

    def put(self, event: Event) -> Appended:
        topic, partition = destination(event)
        message = encode(event)
        self.appended.append(event)
        self.state.apply(
            Record(
                topic.name,
                partition or 0,
                len(self.appended),
                int(NOW.timestamp() * 1000),
                message.key,
                message.headers,
                message.value,
            )
        )
        return Appended(topic.name, partition or 0, len(self.appended), int(NOW.timestamp() * 1000))

    async def append(self, event: Event) -> Appended:
        if type(event) in self.broken:
            raise self.broken[type(event)]
        return self.put(event)

    async def fetch(self, _pending: Pending) -> CaptionsExtracted:
        return self.captions

    async def reach(self, _partition: int) -> None:
        if self.log_is_away:
            raise KafkaConnectionError

    def activate(self, prompt: Prompt, number: int) -> None:
        for partition in range(ANALYSES.partitions):
            self.put(
                PromptActivated(
                    at=NOW,
                    prompt_id=prompt.prompt_id,
                    previous=None,
                    activation=number,
                    partition=partition,
                )
            )

    def replay(self) -> ReplayStarted:
        return ReplayStarted(
            at=NOW,
            replay_id=REPLAY,
            prompt_id=self.prompt.prompt_id,
            filter=ReplayFilter(),
            seed=0,
            share=0.5,
            max_usd=Decimal(1),
            follow=False,
            captions_ends=(),
        )

    def asked(self) -> AnalysisRequested:
        replay_id = REPLAY if self.lane == "replay" else None
        prompt_id = None if self.lane != "replay" else self.prompt.prompt_id
        return AnalysisRequested(
            at=NOW,
            request_id=request_id(self.captions.captions_id, prompt_id, replay_id),
            video_id="a",
            captions_id=self.captions.captions_id,
            captions_at=Position(partition=0, offset=0),
            lane=self.lane,
            prompt_id=prompt_id,
            replay_id=replay_id,
        )

    @property
    def pending(self) -> Pending:
        return self.state.ledger.pending[self.asked().request_id]

    async def make(self) -> Next:
        return await self.attempts.make(self.pending, self.prompt, self.calls.begin(self.prompt.model))

    def events(self, *kinds: type[Event]) -> list[Event]:
        return [event for event in self.appended if isinstance(event, kinds)]

    def settlements(self) -> list[tuple[str, Decimal, bool | None]]:
        return [
            (event.outcome, event.usd, event.granted)
            for event in self.appended
            if isinstance(event, BudgetSettled)
        ]


@asynccontextmanager
async def scene(
    limits: Limits = LIMITS,
    lane: Lane = "live",
    prompt: Prompt = PROMPT,
    counting: Failure | None = None,
    step: Step = Reply(ANSWER),  # noqa: B008  frozen
) -> AsyncIterator[Scene]:
    async with (
        LoopbackClaude({}, improvise=lambda _: step, counting=counting) as claude,
        client("key", claude.base_url, 1) as sdk,
    ):
        calls = Calls(Claude(sdk, lambda: NOW), limits.call_timeout_s, lambda: 0.5, lambda: NOW)
        yield Scene(calls, claude, limits, lane, prompt)

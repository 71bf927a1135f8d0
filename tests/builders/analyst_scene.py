"""A log with captions and requests in it, and analysts that work on it against a loopback Claude."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import orjson

from streams.analysis.analyse import analyse
from streams.analysis.request_analysis import request_analysis
from streams.analysis.symbols import Symbols
from streams.budget.entries import read_entry
from streams.budget.ledger import Ledger
from streams.budget.limits import Limits
from streams.claude.client import Claude, client
from streams.clock import Clock, utc_now
from streams.events.captions import CaptionsExtracted, captions_id
from streams.events.event import Event, Position
from streams.events.prompts import Prompt, PromptActivated, PromptRegistered
from streams.events.record import Record
from streams.events.videos import Origin, Video
from streams.log.connection import Connection
from streams.log.follow import follow, read
from streams.log.keeper import Shelf
from streams.log.publish import Publisher, publisher
from streams.log.topics import LEDGER, Topic
from streams.loopback.script import Reply, Step
from streams.prompts.place_markers import place_markers

E = TypeVar("E", bound=Event)

PROMPT = Prompt(
    name="test",
    model="claude-haiku-5-5",
    max_tokens=1000,
    effort="low",
    words="Say what was called.",
    schema_version=1,
)
LIMITS = Limits(
    cap_usd=Decimal(5),
    backfill_share=Decimal("0.5"),
    replay_share=Decimal("0.5"),
    calls_in_flight=8,
    call_timeout_s=5.0,
    hold_slack_s=5.0,
    retry_delays_s=(0.1, 0.2),
    probe_delays_s=(0.2, 0.5),
)
ANSWER = orjson.dumps(
    {
        "market_outlook": {"direction": "Bullish", "reasoning": "they say so"},
        "macro_themes": ["rates"],
        "key_risks": [],
        "summary": "One call.",
        "mentions": [
            {
                "symbol": "$pltr",
                "said_as": "palanteer",
                "action": "BUY",
                "conviction": 0.83,
                "time_horizon": "months",
                "quote": "Buying palanteer, here and now",
                "line": 1,
            },
            {
                "symbol": "TSLA",
                "said_as": "tesla",
                "action": "sell",
                "conviction": 0.5,
                "time_horizon": "days",
                "quote": "nobody ever said this",
                "line": 1,
            },
        ],
    }
).decode()


@dataclass
class Answers:
    """An improviser whose answers are named by the videos, and may be changed while it serves."""

    by_video: dict[str, Step] = field(default_factory=dict)
    otherwise: Step = field(default_factory=lambda: Reply(ANSWER))

    def __call__(self, body: Mapping[str, Any]) -> Step:
        asked = body["messages"][0]["content"]
        steps = (step for video, step in self.by_video.items() if f"welcome to {video}" in asked)
        return next(steps, self.otherwise)


def captions_of(video_id: str, origin: Origin = "poll") -> CaptionsExtracted:
    return CaptionsExtracted(
        at=datetime(2026, 11, 1, tzinfo=UTC),
        video=Video(video_id=video_id, url=f"https://www.youtube.com/watch?v={video_id}", origin=origin),
        captions_id=captions_id(video_id, 1),
        revision=1,
        attempt=1,
        source="captions_auto",
        language="en",
        texts=(f"welcome to {video_id}", "i am buying", "palanteer here and now", "bye"),
        starts_ms=(0, 2000, 4000, 6000),
        ends_ms=(2000, 4000, 6000, 8000),
        words=9,
    )


@dataclass
class Scene:
    """The log that a test writes to and reads from."""

    connection: Connection
    publisher: Publisher
    prompt: Prompt = PROMPT

    async def activate(self) -> None:
        """Register the prompt, activate it and place its markers."""
        now = datetime(2026, 11, 1, tzinfo=UTC)
        prompt_id = self.prompt.prompt_id
        await self.publisher.append(PromptRegistered(at=now, prompt_id=prompt_id, prompt=self.prompt))
        activated = PromptActivated(at=now, prompt_id=prompt_id, previous=None)
        at = await self.publisher.append(activated)
        await self.publisher.append_all(
            await place_markers(activated, Position(partition=at.partition, offset=at.offset))
        )

    async def ask(self, *video_ids: str, origin: Origin = "poll") -> None:
        """Put the captions of videos into the log, and a request for each."""
        for video_id in video_ids:
            captions = captions_of(video_id, origin)
            at = await self.publisher.append(captions)
            position = Position(partition=at.partition, offset=at.offset)
            await self.publisher.append_all(await request_analysis(captions, position))

    async def records(self, topic: Topic) -> list[Record]:
        found: list[Record] = []
        await read(self.connection, [topic], found.append)
        return found

    async def events(self, topic: Topic, kind: type[E]) -> list[E]:
        events = [record.event() for record in await self.records(topic)]
        return [event for event in events if isinstance(event, kind)]

    async def ledger(self) -> Ledger:
        """The ledger as everybody folds it."""
        ledger = Ledger()
        for record in await self.records(LEDGER):
            if (entry := read_entry(record)) is not None:
                ledger.apply(entry, record.offset, record.timestamp_ms)
        return ledger

    async def until(
        self, topic: Topic, kinds: Sequence[type[Event]], count: int, limit_s: float = 30
    ) -> None:
        """Wait until a topic holds so many events of these kinds."""
        left = asyncio.Event()

        def take(record: Record) -> None:
            nonlocal count
            count -= isinstance(record.event(), tuple(kinds))
            if count <= 0:
                left.set()

        async with asyncio.timeout(limit_s), follow(self.connection, [topic], take):
            await left.wait()


@dataclass
class Analysts:
    """Analysts that run until the block ends."""

    stops: list[asyncio.Event] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


@asynccontextmanager
async def scene(connection: Connection) -> AsyncIterator[Scene]:
    async with publisher(connection) as appender:
        set_up = Scene(connection, appender)
        await set_up.activate()
        yield set_up


@asynccontextmanager
async def analysts(
    set_up: Scene,
    base_url: str,
    *,
    limits: Limits = LIMITS,
    count: int = 1,
    now: Clock = utc_now,
    shelf: Shelf | None = None,
) -> AsyncIterator[Analysts]:
    """So many analysts, each with its own connections; they are stopped in good order at the block's end."""
    running = Analysts()
    for _ in range(count):
        stop = asyncio.Event()
        running.stops.append(stop)
        running.tasks.append(asyncio.create_task(_one(set_up.connection, base_url, limits, now, stop, shelf)))
    try:
        yield running
    finally:
        for stop in running.stops:
            stop.set()
        await asyncio.gather(*running.tasks)


async def _one(
    connection: Connection,
    base_url: str,
    limits: Limits,
    now: Clock,
    stop: asyncio.Event,
    shelf: Shelf | None,
) -> None:
    async with publisher(connection) as appender, client("key", base_url, limits.calls_in_flight) as sdk:
        await analyse(connection, appender, Claude(sdk, now), limits, Symbols(), now, stop, shelf=shelf)

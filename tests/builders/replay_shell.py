"""A person who types `earmark replay`, with a log and a read model; what the candidate makes of each video."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from click.testing import CliRunner, Result

from projections.rebuild import rebuild
from streams.analysis.request_analysis import request_analysis
from streams.cli import replay as verb
from streams.clock import utc_now
from streams.events.captions import CaptionsExtracted
from streams.events.event import Position
from streams.events.ledger import (
    AnalysisRequested,
    BudgetSettled,
    ReplayFilter,
    request_id,
)
from streams.events.prompts import PromptRegistered
from streams.log.follow import ends_of
from streams.log.topics import CAPTIONS, LEDGER, TOPICS
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Reply, Step
from streams.replay.wish import Wish
from tests.builders.analyst_scene import ANSWER, PROMPT, Scene, analysts, captions_of

CANDIDATE = PROMPT.model_copy(update={"name": "candidate", "words": "Say what was called, again."})
FIRST = {"channel_id": "UCfirst", "channel_title": "First & Fair"}
SECOND = {"channel_id": "UCsecond", "channel_title": "Second Sight"}
# What the candidate makes of each video; under the active prompt each has one grounded call, to buy PLTR for months.
MADE: dict[str, tuple[Mapping[str, Any], Mapping[str, Any] | None]] = {
    "v0": (FIRST, {"action": "hold"}),
    "v1": (FIRST, {"time_horizon": "weeks"}),
    "v2": (SECOND, {"conviction": 0.2}),
    "v3": (SECOND, None),
    "v4": (SECOND, {"symbol": "BYE"}),
    "v5": ({}, {}),
}


def answer(body: Mapping[str, Any]) -> Step:
    text = orjson.loads(ANSWER)
    [video_id] = re.findall(r"welcome to (\w+)", orjson.dumps(body["messages"]).decode())
    if body["system"][0]["text"] == CANDIDATE.words:
        _, change = MADE.get(video_id, ({}, {}))
        pltr, _ungrounded = text["mentions"]
        text["mentions"] = [] if change is None else [{**pltr, **change}]
        if change == {"symbol": "BYE"}:
            text["mentions"].append(pltr)
    return Reply(orjson.dumps(text).decode())


def captions(video_id: str, channel: Mapping[str, Any], days_ago: int = 1) -> CaptionsExtracted:
    plain = captions_of(video_id)
    published = utc_now() - timedelta(days=days_ago)
    video = plain.video.model_copy(
        update={**channel, "published_at": published, "title": f"Title {video_id}"}
    )
    return plain.model_copy(update={"video": video})


def wished(which: ReplayFilter, since_typed: str | None = None) -> Wish:
    """What `run candidate --max-usd 1` asks for."""
    return Wish(CANDIDATE, which, 0, Decimal("0.5"), Decimal(1), follow=False, since_typed=since_typed)


@dataclass
class Shell:
    """Types verbs where the log and the read model are."""

    log: Scene
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        connection = self.log.connection
        return {
            "EARMARK_KAFKA": connection.bootstrap,
            "EARMARK_TOPIC_PREFIX": connection.prefix,
            "EARMARK_HOME": str(self.home),
        }

    async def ended(self, *words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, verb.replay, words, env=self.environment)

    async def run(self, *words: str) -> str:
        """What a verb prints; it must end well."""
        result = await self.ended(*words)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    async def typed(self, *words: str) -> asyncio.subprocess.Process:
        """A verb in a process of its own, which Ctrl-C reaches."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streams", "replay", *words),
            env={**os.environ, **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # A shell lets its background jobs ignore Ctrl-C, and so their children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    async def watched(self, *words: str) -> list[str]:
        """The lines of a verb that ends well, and by itself, though nobody knows beforehand when."""
        code, printed, said = await ended(await self.typed(*words))
        assert code == 0, said
        return printed.splitlines()

    async def read_on(self) -> None:
        """Let the read model come up to the log."""
        await rebuild(self.home, self.log.connection.consumer, self.log.connection.name)

    async def tell(self, *told: CaptionsExtracted, ask: bool = True) -> None:
        """Captions come in, and the request for each under the active prompt, unless they are not to be asked for."""
        for one in told:
            at = await self.log.publisher.append(one)
            position = Position(partition=at.partition, offset=at.offset)
            if ask:
                await self.log.publisher.append_all(await request_analysis(one, position))

    async def history(self, claude: LoopbackClaude, *told: CaptionsExtracted) -> None:
        """Videos analysed under the active prompt, the candidate registered, all of it in the read model."""
        await self.tell(*told)
        async with analysts(self.log, claude.base_url):
            await self.log.until(LEDGER, [BudgetSettled], len(told))
        await self.register()
        await self.read_on()

    async def register(self) -> None:
        await self.log.publisher.append(
            PromptRegistered(at=utc_now(), prompt_id=CANDIDATE.prompt_id, prompt=CANDIDATE)
        )

    async def begin(self, wish: Wish) -> None:
        """The first that a run puts into the log."""
        ends = await ends_of(self.log.connection, CAPTIONS)
        await self.log.publisher.append(wish.start(utc_now(), ends))

    async def ends(self) -> list[tuple[int, ...]]:
        return [await ends_of(self.log.connection, topic) for topic in TOPICS]

    async def asked(self) -> list[str]:
        """The videos that replays asked for, in order."""
        requests = await self.log.events(LEDGER, AnalysisRequested)
        return [request.video_id for request in requests if request.replay_id is not None]


async def begun_and_killed(shell: Shell, asked: int) -> object:
    """What `run candidate --max-usd 1` leaves in the log where it is killed after so many requests: its replay's id."""
    replay = wished(ReplayFilter())
    records = await shell.log.records(CAPTIONS)
    await shell.begin(replay)
    for record in records[:asked]:
        told = record.event()
        assert isinstance(told, CaptionsExtracted)
        await shell.log.publisher.append(
            AnalysisRequested(
                at=utc_now(),
                request_id=request_id(told.captions_id, CANDIDATE.prompt_id, replay.replay_id),
                video_id=told.video.video_id,
                captions_id=told.captions_id,
                captions_at=Position(partition=record.partition, offset=record.offset),
                lane="replay",
                prompt_id=CANDIDATE.prompt_id,
                replay_id=replay.replay_id,
            )
        )
    return replay.replay_id


async def waiting(process: asyncio.subprocess.Process) -> None:
    """Until it waits for a read model that nobody brings up to the log."""
    assert process.stderr is not None
    said = await asyncio.wait_for(process.stderr.readline(), 60)
    assert said.startswith(b"waiting until the read model in ")


async def interrupted(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """How a process ends after Ctrl-C: its code, what it printed, what it said on stderr."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    return await ended(process)


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """How a process ends within its time: its code, what it printed, what it said on stderr."""
    try:
        async with asyncio.timeout(30):
            printed, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, printed.decode(), said.decode()

"""The whole walk to the captions, at a simulated time: real Kafka, real watch, real worker, real yt-dlp, loopback YouTube."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from streams.discovery.due import Pace
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable
from streams.events.channels import ChannelFollowed
from streams.events.record import Record
from streams.events.videos import VideoDiscovered
from streams.log.connection import Connection
from streams.log.follow import Follower, follow
from streams.log.publish import publisher
from streams.log.topics import CAPTIONS, CAPTIONS_REQUESTS, CAPTIONS_UNAVAILABLE, VIDEOS
from streams.loopback.youtube import LoopbackYoutube, serve
from tests.week.rounds import watching
from tests.week.scenario import MONDAY, Scenario
from tests.week.wall import Wall

GoRound = Callable[[], Awaitable[None]]
ROOT = Path(__file__).parents[2]
# While videos wait at watch's pace, time moves by what one of them takes, else by this.
STRIDE = timedelta(minutes=30)
IN_FLIGHT = 6
ANSWER_LIMIT_S = 120.0


@dataclass
class Story:
    """What the log tells of each video, in the order of its events' own times."""

    discovered: dict[str, VideoDiscovered] = field(default_factory=dict)
    requested: list[CaptionsRequested] = field(default_factory=list)
    taken: dict[str, CaptionsExtracted] = field(default_factory=dict)
    failed: list[CaptionsUnavailable] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    _sent: set[tuple[str, int, int]] = field(default_factory=set)
    _answered: set[tuple[str, int, int]] = field(default_factory=set)

    def apply(self, record: Record) -> None:
        """Fold a record of the four topics."""
        match record.event():
            case VideoDiscovered(video=video) as event:
                if video.video_id in self.discovered:
                    self.twice.append(video.video_id)
                self.discovered[video.video_id] = event
                self._sent.add((video.video_id, 1, 1))
            case CaptionsRequested(video=video, revision=revision, attempt=attempt) as event:
                if (video.video_id, revision, attempt) in self._sent:
                    self.twice.append(video.video_id)
                self.requested.append(event)
                self._sent.add((video.video_id, revision, attempt))
            case CaptionsExtracted(video=video, revision=revision, attempt=attempt) as event:
                self.taken.setdefault(video.video_id, event)
                self._answered.add((video.video_id, revision, attempt))
            case CaptionsUnavailable(video=video, revision=revision, attempt=attempt) as event:
                self.failed.append(event)
                self._answered.add((video.video_id, revision, attempt))
            case _:
                pass

    @property
    def in_flight(self) -> int:
        """How many tries have no answer yet."""
        return len(self._sent - self._answered)

    @property
    def sent(self) -> int:
        """How many tries were asked for."""
        return len(self._sent)


@dataclass
class Simulation:
    """A scenario that is played."""

    scenario: Scenario
    pace: Pace
    connection: Connection
    folder: Path
    story: Story = field(default_factory=Story)

    async def play(self) -> LoopbackYoutube:
        """From its beginning to its end. The server that was asked."""
        clock = Wall(self.folder / "clock", MONDAY)
        youtube = LoopbackYoutube(*self.scenario.channels, now=clock, refuses=self.scenario.refuses)
        async with serve(youtube), publisher(self.connection) as out:
            for channel in self.scenario.channels:
                followed = ChannelFollowed(
                    at=MONDAY,
                    channel_id=channel.channel_id,
                    handle=channel.handle,
                    title=channel.title,
                    since=None,
                )
                await out.append(followed)
            topics = (VIDEOS, CAPTIONS_REQUESTS, CAPTIONS, CAPTIONS_UNAVAILABLE)
            async with (
                self._worker(youtube.origin),
                watching(self.connection, youtube.origin, self.pace, clock, out) as go_round,
                follow(self.connection, topics, self.story.apply) as follower,
            ):
                await self._run(clock, youtube, go_round, follower)
        return youtube

    async def _run(
        self, clock: Wall, youtube: LoopbackYoutube, go_round: GoRound, follower: Follower
    ) -> None:
        while (now := clock()) < self.scenario.ends:
            sent = self.story.sent
            await self._settle(youtube, go_round, follower)
            # While watch has more to send, time moves by what one video takes; workers may be a few videos behind.
            is_draining = self.story.sent > sent or self.story.in_flight > 0
            await self._answers(IN_FLIGHT if self.story.sent > sent else 0, follower)
            now += timedelta(minutes=1 / self.pace.per_minute) if is_draining else STRIDE
            for channel in self.scenario.channels:
                youtube.show(self.scenario.shown(channel, now))
            clock.move(now)

    async def _settle(self, youtube: LoopbackYoutube, go_round: GoRound, follower: Follower) -> None:
        """Let watch do all that it does at this time."""
        before = None
        while before != (self.story.sent, len(youtube.requests)) or _looks():
            before = (self.story.sent, len(youtube.requests))
            for _ in range(3):
                await go_round()
            await follower.reach_now()
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await asyncio.gather(*_looks(), return_exceptions=True)

    async def _answers(self, left: int, follower: Follower) -> None:
        """Wait for the workers until no more than `left` tries are without an answer."""
        async with asyncio.timeout(ANSWER_LIMIT_S):
            while self.story.in_flight > left:
                await follower.moved()

    @asynccontextmanager
    async def _worker(self, origin: str) -> AsyncIterator[Process]:
        words = (self.connection.bootstrap, self.connection.prefix, origin, str(self.folder / "clock"))
        with (self.folder / "worker.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.week.worker_app", *words),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )
        try:
            yield process
        finally:
            process.terminate()
            await process.wait()


def _looks() -> list[asyncio.Task[None]]:
    """Watch's looks that are under way."""
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("look ")]

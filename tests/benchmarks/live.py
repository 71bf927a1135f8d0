"""A live video while history is replayed: what it waits for besides YouTube and Claude.

YouTube is on this machine and answers at once, so what the captions take is yt-dlp's process, its start included.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from streams.clock import utc_now
from streams.events.analyses import AnalysisCompleted
from streams.events.captions import CaptionsExtracted
from streams.events.event import Position, derive_id
from streams.events.ledger import (
    AnalysisRequested,
    BudgetReserved,
    ReplayFilter,
    ReplayStarted,
    request_id,
)
from streams.events.prompts import PromptRegistered
from streams.events.record import Record
from streams.events.signals import MentionAdded
from streams.events.videos import Video, VideoDiscovered
from streams.log.connection import Connection
from streams.log.follow import follow
from streams.log.topics import ANALYSES, CAPTIONS, LEDGER, MENTION_SIGNALS, VIDEOS
from streams.loopback.channel import Channel, ChannelVideo
from streams.loopback.rate_limits import START_TIER
from streams.loopback.youtube import LoopbackYoutube, serve
from streams.settings import Settings
from tests.benchmarks import analyst_process, provider_process
from tests.benchmarks.analyst_process import Assignment
from tests.benchmarks.material import (
    AT_ONCE,
    BEGAN,
    MENTIONS,
    PROMPT,
    SEGMENT_MS,
    captions_of,
    fresh,
    limits,
    scene,
    texts,
)
from tests.benchmarks.processes import process, told
from tests.benchmarks.provider_process import Tier
from tests.benchmarks.table import Result, at
from tests.benchmarks.worker import begin_here, worker
from tests.builders.analyst_scene import Scene

CALLS_IN_FLIGHT = int(Settings.model_fields["calls_in_flight"].default)
CANDIDATE = PROMPT.model_copy(update={"name": "candidate"})
REPLAY = derive_id("replay", "benchmark")
LIMIT_S = 300.0


@dataclass(frozen=True)
class Size:
    """`replayed` videos wait while `live` ones come, one each `pause_s`, the first after `warm_up_s`.

    `scale`: how many of the provider's minutes pass in one of ours. Seconds are ours.
    """

    replayed: int
    live: int
    pause_s: float
    warm_up_s: float
    scale: float


QUICK = Size(replayed=40, live=3, pause_s=0.1, warm_up_s=1, scale=10)
FULL = Size(replayed=5_000, live=120, pause_s=1.0, warm_up_s=75, scale=1)


@dataclass
class Walk:
    """When a live video's events came to stand in the log, and when the last of its signals could be read here (ms)."""

    discovered: float = 0
    captioned: float = 0
    requested: float = 0
    claimed: float = 0
    completed: float = 0
    readable: float = 0

    def steps(self) -> Mapping[str, float]:
        """What it waited for, in milliseconds; between the claim and the answer is Claude's time."""
        answered = self.completed - self.claimed
        return {
            "VideoDiscovered → CaptionsExtracted, by yt-dlp": self.captioned - self.discovered,
            "CaptionsExtracted → request": self.requested - self.captioned,
            "request → claim": self.claimed - self.requested,
            "AnalysisCompleted → all its signals readable": self.readable - self.completed,
            "VideoDiscovered → signals, without Claude's time": self.readable - self.discovered - answered,
        }


@dataclass
class Watch:
    """Follows the live videos through the log."""

    walks: dict[str, Walk] = field(default_factory=lambda: defaultdict(Walk))
    signals: Counter[str] = field(default_factory=Counter)
    claims_of_the_replay: int = 0
    _asked: dict[str, str] = field(default_factory=dict)

    def apply(self, record: Record) -> None:
        if record.topic in {CAPTIONS.name, ANALYSES.name} and not (record.key or b"").startswith(b"new"):
            return
        match record.event():
            case VideoDiscovered(video=video):
                self.walks[video.video_id].discovered = record.timestamp_ms
            case CaptionsExtracted(video=video):
                self.walks[video.video_id].captioned = record.timestamp_ms
            case AnalysisRequested(lane="live") as asked:
                self._asked[str(asked.request_id)] = asked.video_id
                self.walks[asked.video_id].requested = record.timestamp_ms
            case BudgetReserved(lane="live") as claim:
                self.walks[self._asked[str(claim.request_id)]].claimed = record.timestamp_ms
            case BudgetReserved(lane="replay"):
                self.claims_of_the_replay += 1
            case AnalysisCompleted(video=video):
                self.walks[video.video_id].completed = record.timestamp_ms
            case MentionAdded(video=video):
                self.signals[video.video_id] += 1
                self.walks[video.video_id].readable = utc_now().timestamp() * 1000

    def arrived(self) -> int:
        """How many videos have all their signals."""
        return sum(count == MENTIONS for count in self.signals.values())


async def live(connection: Connection, size: Size, home: Path) -> Result:
    """The same videos twice: with nothing else to do, and with a replay at the provider's limit."""
    idle, _ = await _watched(connection, size, home, replayed=0)
    busy, claims = await _watched(connection, size, home, replayed=size.replayed)
    rows = [["", "idle p50 ms", "p99 ms", "replay p50 ms", "p99 ms"]]
    numbers: dict[str, float] = {"live": len(busy), "claims_of_the_replay": claims}
    for step in idle[0].steps():
        columns = [[walk.steps()[step] for walk in walks] for walks in (idle, busy)]
        rows.append([step, *(f"{at(column, percent):,.0f}" for column in columns for percent in (50, 99))])
        numbers[step] = at(columns[1], 99)
    scaled = "" if size.scale == 1 else f" The provider's time passes {size.scale:g} times faster."
    return Result(
        "A live video while history is replayed",
        f"{size.live} live videos, one every {size.pause_s:g} s, with nothing else to do and with a replay of"
        f" {size.replayed:,} at the Start tier's limit: the real analyst and the real Faust worker, {MENTIONS} signals a"
        f" video.{scaled}",
        rows,
        numbers,
    )


async def _watched(
    connection: Connection, size: Size, home: Path, *, replayed: int
) -> tuple[list[Walk], int]:
    own = await fresh(connection)
    watch = Watch()
    first, *others = (video_id(number) for number in range(size.live + 1))
    async with scene(own) as log, serve(LoopbackYoutube(_channel(size.live + 1))) as youtube:
        await _replay(log, replayed)
        with process(provider_process.main, Tier(size.scale, START_TIER)) as provider:
            job = Assignment(own, await told(provider), limits(CALLS_IN_FLIGHT))
            topics = [VIDEOS, CAPTIONS, LEDGER, ANALYSES, MENTION_SIGNALS]
            with process(analyst_process.main, job):
                async with (
                    worker(own, home, EARMARK_YOUTUBE_URL=youtube.origin),
                    follow(own, topics, watch.apply) as follower,
                ):
                    async with asyncio.timeout(LIMIT_S):
                        await log.publisher.append(_discovered(first))
                        await asyncio.sleep(size.warm_up_s if replayed else 0)
                        while watch.arrived() < 1:
                            await follower.moved()
                    for video in others:
                        await log.publisher.append(_discovered(video))
                        await asyncio.sleep(size.pause_s)
                    async with asyncio.timeout(LIMIT_S):
                        while watch.arrived() < size.live + 1:
                            await follower.moved()
                        # A signal may be read before the answer that it comes from, which stands in another topic.
                        await follower.reach_now()
    return [watch.walks[video] for video in others], watch.claims_of_the_replay


def video_id(number: int) -> str:
    """An id as YouTube's are: eleven characters."""
    return f"new-{number:07}"


def _discovered(video: str) -> VideoDiscovered:
    url = f"https://www.youtube.com/watch?v={video}"
    return VideoDiscovered(at=BEGAN, video=Video(video_id=video, url=url, title=video, origin="poll"))


def _channel(videos: int) -> Channel:
    """A channel whose videos say what the replayed ones say."""
    said = enumerate(texts())
    events = [
        {"tStartMs": n * SEGMENT_MS, "dDurationMs": SEGMENT_MS, "segs": [{"utf8": text}]} for n, text in said
    ]
    track = orjson.dumps({"wireMagic": "pb3", "events": events})
    shown = [ChannelVideo(video_id(n), video_id(n), BEGAN, 1200, manual=track) for n in range(videos)]
    return Channel("UCbench", "@bench", "Bench", tuple(shown))


async def _replay(log: Scene, videos: int) -> None:
    """Old captions, which the worker has handled, and the requests of a replay under a candidate."""
    prompt_id = CANDIDATE.prompt_id
    await log.publisher.append(PromptRegistered(at=BEGAN, prompt_id=prompt_id, prompt=CANDIDATE))
    await log.publisher.append(
        ReplayStarted(
            at=BEGAN,
            replay_id=REPLAY,
            prompt_id=prompt_id,
            filter=ReplayFilter(),
            seed=0,
            share=1,
            max_usd=limits(1).cap_usd,
            follow=False,
            captions_ends=(),
        )
    )

    async def ask(number: int) -> None:
        captions = captions_of(f"old-{number:06}", "backfill")
        place = await log.publisher.append(captions)
        await log.publisher.append(
            AnalysisRequested(
                at=BEGAN,
                request_id=request_id(captions.captions_id, prompt_id, REPLAY),
                video_id=captions.video.video_id,
                captions_id=captions.captions_id,
                captions_at=Position(partition=place.partition, offset=place.offset),
                lane="replay",
                prompt_id=prompt_id,
                replay_id=REPLAY,
            )
        )

    for start in range(0, videos, AT_ONCE):
        await asyncio.gather(*(ask(number) for number in range(start, min(start + AT_ONCE, videos))))
    await begin_here(log.connection, CAPTIONS)

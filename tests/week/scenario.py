"""A finance channel's ordinary bad weeks: what its videos are, and when YouTube turns everybody away. Pure."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from streams.loopback import refusals
from streams.loopback.channel import Airing, Channel, ChannelVideo, Sound, Track
from streams.loopback.refusals import Refusal

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPOKEN = "en"
LINES = 3


@dataclass(frozen=True)
class Block:
    """From `begins` to `ends` every player says `says`."""

    name: str
    begins: datetime
    ends: datetime
    says: Refusal


@dataclass(frozen=True)
class Truth:
    """What is true of a video, whatever its tracks and its feed say. `free_at`: since when anybody can watch it."""

    kind: str
    aired_at: datetime
    free_at: datetime


@dataclass(frozen=True)
class Scenario:
    """Channels, the truth of each video by its id, and the blocks; it ends at `ends`."""

    channels: tuple[Channel, ...]
    truths: dict[str, Truth]
    blocks: tuple[Block, ...]
    ends: datetime

    def refuses(self, now: datetime) -> Refusal | None:
        """What everybody is told at a time."""
        return next((block.says for block in self.blocks if block.begins <= now < block.ends), None)

    def shown(self, channel: Channel, now: datetime) -> Channel:
        """A channel as it is at a time: members' videos open up."""
        videos = tuple(
            video if now < self.truths[video.video_id].free_at else _open(video) for video in channel.videos
        )
        return Channel(channel.channel_id, channel.handle, channel.title, videos)


def scenario(
    channels: int, videos: int, blocks: tuple[Block, ...], uploads_end: datetime, ends: datetime
) -> Scenario:
    """`videos` videos on `channels` channels until `uploads_end`, ordinary ones and every kind of odd one in turn."""
    draw = random.Random(10)
    truths: dict[str, Truth] = {}
    lists: list[list[ChannelVideo]] = [[] for _ in range(channels)]
    span = uploads_end - MONDAY
    for number in range(videos):
        kind, make = KINDS[number % len(KINDS)]
        at = (MONDAY + HOUR + draw.random() * (span - 2 * HOUR)).replace(microsecond=0)
        video, truth = make(f"{kind[:6]:->6}{number:05d}", at)
        truths[video.video_id] = Truth(kind, *truth)
        lists[number % channels].append(video)
    shown = tuple(
        Channel(f"UC{number:022d}", f"@desk{number}", f"Desk {number}", tuple(listed))
        for number, listed in enumerate(lists)
    )
    return Scenario(shown, truths, blocks, ends)


Made = tuple[ChannelVideo, tuple[datetime, datetime]]


def words(video_id: str, language: str, copies: int = 1) -> bytes:
    """Some lines in a language, each as many times as copies."""
    events = [
        {
            "tStartMs": 2000 * line,
            "dDurationMs": 1900,
            "segs": [{"utf8": f"{language} {video_id} line {line}"}],
        }
        for line in range(LINES)
        for _ in range(copies)
    ]
    return json.dumps({"events": events}).encode()


def _plain(video_id: str, at: datetime) -> Made:
    return ChannelVideo(video_id, video_id, at, 600, auto=words(video_id, SPOKEN)), (at, at)


def _dubbed(video_id: str, at: datetime) -> Made:
    tracks = tuple(Track(code, "auto", words(video_id, code)) for code in ("de", "ar", SPOKEN))
    sounds = (Sound("de", dubbed=True), Sound(SPOKEN, original=True), Sound("ar", dubbed=True))
    return ChannelVideo(video_id, video_id, at, 600, tracks=tracks, sounds=sounds), (at, at)


def _unmarked(video_id: str, at: datetime) -> Made:
    recognised = tuple(Track(code, "auto", words(video_id, code)) for code in ("ar", "bg", "de"))
    manual = Track(SPOKEN, "manual", words(video_id, SPOKEN))
    return ChannelVideo(video_id, video_id, at, 600, tracks=(manual, *recognised)), (at, at)


def _stream(days: int, *, premiere: bool = False) -> Callable[[str, datetime], Made]:
    def make(video_id: str, at: datetime) -> Made:
        announced = at - timedelta(days=days)
        airing = Airing(announced, at, at + 2 * HOUR, premiere=premiere)
        video = ChannelVideo(video_id, video_id, announced, 7200, auto=words(video_id, SPOKEN), airing=airing)
        return video, (at, at + 2 * HOUR)

    return make


def _members_first(video_id: str, at: datetime) -> Made:
    video = ChannelVideo(
        video_id, video_id, at, 600, auto=words(video_id, SPOKEN), says=refusals.MEMBERS_OF_A_LEVEL
    )
    return video, (at, at + 5 * DAY)


def _broken_track(video_id: str, at: datetime) -> Made:
    tracks = (Track(SPOKEN, "manual", None, 404), Track(SPOKEN, "auto", words(video_id, SPOKEN)))
    return ChannelVideo(video_id, video_id, at, 600, tracks=tracks), (at, at)


def _tripled(video_id: str, at: datetime) -> Made:
    return ChannelVideo(video_id, video_id, at, 600, auto=words(video_id, SPOKEN, copies=3)), (at, at)


def _late(video_id: str, at: datetime) -> Made:
    """Its captions come when the channel says so: until then its one track has no word."""
    return ChannelVideo(video_id, video_id, at, 600, auto=b'{"events": []}'), (at, at + 5 * HOUR)


def _open(video: ChannelVideo) -> ChannelVideo:
    if video.says is not None:
        return ChannelVideo(video.video_id, video.title, video.published_at, 600, auto=video.auto)
    if video.video_id.startswith("--late"):
        return ChannelVideo(
            video.video_id, video.title, video.published_at, 600, auto=words(video.video_id, SPOKEN)
        )
    return video


KINDS: tuple[tuple[str, Callable[[str, datetime], Made]], ...] = (
    ("plain", _plain),
    ("dubbed", _dubbed),
    ("stream1", _stream(1)),
    ("thrice", _tripled),
    ("plain", _plain),
    ("member", _members_first),
    ("unmark", _unmarked),
    ("stream4", _stream(4)),
    ("broken", _broken_track),
    ("late", _late),
    ("plain", _plain),
    ("premie", _stream(2, premiere=True)),
    ("plain", _plain),
    ("stream9", _stream(9)),
)

"""Following channels: how many requests an hour that is, and how long an upload waits until it is found.

Real watch, real feeds over HTTP, a loopback YouTube; time is simulated and moves on when watch has gone round.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from streams.discovery.due import Pace
from streams.events.channels import ChannelFollowed
from streams.events.record import Record
from streams.events.videos import VideoDiscovered
from streams.log.connection import Connection
from streams.log.follow import follow
from streams.log.publish import publisher
from streams.log.topics import VIDEOS
from streams.loopback.channel import Channel, ChannelVideo
from streams.loopback.youtube import LoopbackYoutube, serve
from streams.settings import Settings
from tests.benchmarks.material import BEGAN, fresh
from tests.benchmarks.table import Result, at
from tests.week.rounds import watching
from tests.week.wall import Wall

HOUR = timedelta(hours=1)
POLL = timedelta(seconds=float(Settings.model_fields["poll_interval"].default))
PACE = Pace(POLL, float(Settings.model_fields["youtube_per_minute"].default), ("videos", "streams"))


@dataclass(frozen=True)
class Size:
    """The numbers of channels that are followed, and what is measured of each, after a poll of all of them.

    Watch goes round once in each `stride` of simulated time.
    """

    channels: tuple[int, ...]
    measured: timedelta
    stride: timedelta


QUICK = Size((5,), timedelta(minutes=45), timedelta(seconds=5))
FULL = Size((40, 500), 2 * HOUR, timedelta(seconds=1))


async def discovery(connection: Connection, size: Size, home: Path) -> Result:
    """Follow so many channels, each with an upload an hour and a half, and count."""
    rows = [["channels", "requests an hour", "at most in a minute", "uploads", "found after p50", "p95"]]
    numbers: dict[str, float] = {}
    for channels in size.channels:
        an_hour, a_minute, waits = await _followed(await fresh(connection), channels, size, home)
        found = [f"{at(waits, percent) / 60:.1f} min" for percent in (50, 95)]
        rows.append([f"{channels:,}", f"{an_hour:,.0f}", f"{a_minute:,}", f"{len(waits):,}", *found])
        numbers |= {f"{channels} an hour": an_hour, f"{channels} p95 s": at(waits, 95)}
    return Result(
        "Following channels",
        f"Feeds are read every {POLL.total_seconds() / 60:g} minutes, each channel at its own time."
        f" Counted over {size.measured} of simulated time; from an upload to its VideoDiscovered in the log.",
        rows,
        numbers,
    )


async def _followed(
    connection: Connection, channels: int, size: Size, home: Path
) -> tuple[float, int, list[float]]:
    wall = Wall(home / f"clock{channels}", BEGAN)
    start, end = BEGAN + POLL * 1.2, BEGAN + POLL * 1.2 + size.measured
    shown = _channels(channels, start, end)
    found: dict[str, datetime] = {}

    def apply(record: Record) -> None:
        event = record.event()
        if isinstance(event, VideoDiscovered):
            found[event.video.video_id] = event.at

    youtube = LoopbackYoutube(*shown, now=wall)
    async with serve(youtube), publisher(connection) as out:
        await out.append_all(
            [
                ChannelFollowed(
                    at=BEGAN - 48 * HOUR, channel_id=one.channel_id, handle=None, title=None, since=None
                )
                for one in shown
            ]
        )
        async with watching(connection, youtube.origin, PACE, wall, out) as go_round:
            while wall() < end:
                await go_round()
                wall.move(wall() + size.stride)
        async with follow(connection, (VIDEOS,), apply):
            pass
    asked = [moment for moment in youtube.asked_at if start <= moment < end]
    minutes = [int((moment - start).total_seconds() // 60) for moment in asked]
    uploads = {video.video_id: video.published_at for one in shown for video in one.videos}
    waits = [
        (found[video] - uploaded).total_seconds() for video, uploaded in uploads.items() if video in found
    ]
    most = max(minutes.count(minute) for minute in set(minutes))
    return len(asked) / (size.measured / HOUR), most, waits


def _channels(count: int, start: datetime, end: datetime) -> list[Channel]:
    draw = Random(count)
    channels: list[Channel] = []
    for number in range(count):
        uploads = [
            start + (end - POLL - start) * draw.random() for _ in range(1 + (end - start) // (1.5 * HOUR))
        ]
        videos = [
            ChannelVideo(f"b{number:05d}v{n:04d}", "An upload", moment.replace(microsecond=0), 600)
            for n, moment in enumerate(uploads)
        ]
        channels.append(Channel(f"UC{number:022d}", f"@bench{number}", f"Bench {number}", tuple(videos)))
    return channels

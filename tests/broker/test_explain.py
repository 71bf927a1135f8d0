"""`earmark explain`: every record of a video is found, whatever the read model knows, and what is not there is explained."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from random import Random

import orjson
import pytest
from click.testing import CliRunner, Result

from projections.places import places_of
from projections.rebuild import rebuild
from streams.cli.main import earmark
from streams.clock import utc_now
from streams.discovery.seen import Seen
from streams.discovery.throttle import Pause
from streams.discovery.watch_state import Reporter, WatchState
from streams.events.channels import ChannelFollowed, ChannelUnfollowed
from streams.events.event import Event
from streams.events.ledger import BudgetSettled
from streams.events.record import Record
from streams.events.videos import Video, VideoDiscovered
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.publish import partition_of, publisher
from streams.log.topics import LEDGER, TOPICS
from streams.loopback.channel import Channel, ChannelVideo
from streams.loopback.claude import LoopbackClaude
from streams.loopback.youtube import LoopbackYoutube, serve
from streams.story.gather import gather
from streams.story.record import in_order
from tests.builders.analyst_scene import Answers, analysts, scene
from tests.builders.read_model_histories import history
from tests.builders.story_records import about, places

pytestmark = pytest.mark.kafka

VIDEOS = 3
NOW = utc_now()
DAY = timedelta(days=1)
FOLLOWED, LEFT, STRANGE = ("UC" + letter * 22 for letter in "fls")


async def test_every_record_is_found_with_the_read_model_behind_it_or_without_one(
    connection: Connection, tmp_path: Path
) -> None:
    """As by looking at each record of the log; the read model is absent, then half-way, then there."""
    events = history(Random(4), VIDEOS)
    half = len(events) // 2
    await append(connection, events[:half])
    await assert_found(connection, tmp_path)
    await rebuild(tmp_path, connection.consumer, connection.name)
    await append(connection, events[half:])
    await assert_found(connection, tmp_path)
    await rebuild(tmp_path, connection.consumer, connection.name)
    await assert_found(connection, tmp_path)


async def append(connection: Connection, events: Iterable[Event]) -> None:
    async with publisher(connection) as out:
        await out.append_all(events)


async def assert_found(connection: Connection, home: Path) -> None:
    """What the read model leaves out is a fact that it has read already."""
    records: list[Record] = []
    await read(connection, TOPICS, records.append)
    for number in range(VIDEOS):
        video_id = f"video-{number}"
        snapshot = places_of(home, video_id, partition_of(video_id, 12))
        found = await gather(connection, video_id, snapshot)
        told = in_order(about(video_id, records))
        first = places(one.record for one in told if not one.again)
        assert first <= places(found.records) <= places(one.record for one in told), video_id
        read_to = None if snapshot is None else sum(snapshot.ends.values())
        assert found.behind == (None if read_to is None else len(records) - read_to)


def listed(name: str, ago: timedelta, **said: object) -> ChannelVideo:
    return ChannelVideo(name, f"Title of {name}", NOW - ago, 60, **said)  # type: ignore[arg-type]


DESK = Channel(
    FOLLOWED,
    "@desk",
    "The Desk",
    (
        listed("tooold00000", 40 * DAY),
        listed("short000000", DAY, short=True),
        listed("private0000", DAY, behaviour="private"),
        listed("members0000", DAY, behaviour="members_only"),
        listed("waits000000", timedelta(hours=2)),
        listed("justout0000", timedelta()),
    ),
)
GONE = Channel(LEFT, "@left", "Left Behind", (listed("unfollowed0", DAY),))
OTHER = Channel(STRANGE, "@other", "Other People", (listed("stranger000", DAY),))

ABSENT = {
    "stranger000": [
        "YouTube shows a video of Other People, published ",
        f"its channel was never followed: `earmark follow {STRANGE}`; `earmark add stranger000` takes it all the same",
    ],
    "unfollowed0": ["its channel was unfollowed at "],
    "tooold00000": [
        "it is older than what is taken of its channel, which is followed from ",
        f"`earmark follow {FOLLOWED} --since {NOW - 40 * DAY:%Y-%m-%d}` reaches it",
    ],
    "short000000": [
        "YouTube shows a short of The Desk",
        "shorts are left out: EARMARK_TABS is videos,streams;",
    ],
    "private0000": ["YouTube shows instead of it: Private video", "such videos open up at times"],
    "members0000": ["YouTube shows instead of it: Join this channel to get access to members-only content"],
    "nobody00000": ["YouTube does not say whose it is"],
    "justout0000": [
        "its channel's feed was last read at ",
        ", before it was published; it is read every 15 min",
    ],
    "waits000000": [
        "it is one that Earmark takes, and watch has not sent it yet",
        "its channel's feed was read since, at ",
        "YouTube refuses every request: An error occurred (since ",
        "31 videos found and not asked for yet (30 old): at 20 a minute (EARMARK_YOUTUBE_PER_MINUTE) that takes 1 min 33 s",
    ],
}


async def test_what_is_not_in_the_log_is_explained(connection: Connection, tmp_path: Path) -> None:
    """By the real yt-dlp, and then without YouTube."""
    pause = Pause(NOW - timedelta(hours=1), NOW + timedelta(hours=1), "An error occurred", client=False)
    seen = {FOLLOWED: Seen(NOW - timedelta(hours=1), NOW - timedelta(hours=1))}
    Reporter(tmp_path)(WatchState(NOW, pause, seen, new_waiting=1, old_waiting=30))
    follows = [
        ChannelFollowed(at=NOW - 9 * DAY, channel_id=channel, handle=None, title=title, since=None)
        for channel, title in ((FOLLOWED, "The Desk"), (LEFT, "Left Behind"))
    ]
    await append(connection, [*follows, ChannelUnfollowed(at=NOW - 2 * DAY, channel_id=LEFT)])
    async with serve(LoopbackYoutube(DESK, GONE, OTHER)) as youtube:
        shell = Shell(connection, tmp_path, youtube.origin)
        for video_id, sentences in ABSENT.items():
            said = await shell.say(f"https://www.youtube.com/watch?v={video_id}")
            assert "It is not in the log:" in said
            assert [words for words in sentences if words not in said] == [], said
    alone = await shell.say("waits000000")
    assert "YouTube does not say whose it is, so why it is not here cannot be told: " in alone
    assert (
        "followed are The Desk: if it is of one of them, watch has not sent it yet or passed it over" in alone
    )
    refused = await shell.run("no-such-thing")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "is no video: give its 11-character id or its YouTube address" in str(refused.exception)


async def test_what_became_of_a_video_is_told_in_order(connection: Connection, tmp_path: Path) -> None:
    """A real analysis, with and without a read model; its id begins with a dash."""
    video_id = "-dashed0000"
    async with scene(connection) as log, LoopbackClaude({}, improvise=Answers()) as claude:
        video = Video(video_id=video_id, url=f"https://www.youtube.com/watch?v={video_id}", origin="asked")
        await append(connection, [VideoDiscovered(at=NOW, video=video)])
        await log.ask(video_id, "other000000")
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 2)
    shell = Shell(connection, tmp_path)
    without = await shell.say(video_id)
    assert "there is no read model of this log, so the log was read; `earmark up` keeps one" in without
    await rebuild(tmp_path, connection.consumer, connection.name)
    said = await shell.say(video_id)
    assert said.index("a person asked for it by name") < said.index("its captions were taken: 9 words in en")
    assert "It is analysed.\n" in said
    assert "6 records in the log" in said
    assert "read model" not in said
    told = orjson.loads(await shell.say(video_id, "--json"))
    assert [line["type"] for line in told["story"]] == [
        "VideoDiscovered", "CaptionsExtracted", "AnalysisRequested", "BudgetReserved", "AnalysisCompleted",
        "BudgetSettled",
    ]  # fmt: skip
    assert (told["status"], told["notes"]) == ("analysed", [])
    [bill] = [event.usd for event in await log.events(LEDGER, BudgetSettled)][:1]
    assert told["charged_usd"] == f"{bill:f}"


class Shell:
    """Types `earmark explain`."""

    def __init__(self, connection: Connection, home: Path, youtube: str = "http://127.0.0.1:9") -> None:
        self._env = {
            "EARMARK_KAFKA": connection.bootstrap,
            "EARMARK_TOPIC_PREFIX": connection.prefix,
            "EARMARK_HOME": str(home),
            "EARMARK_YOUTUBE_URL": youtube,
        }

    async def run(self, *words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, earmark, ["explain", *words], env=self._env)

    async def say(self, *words: str) -> str:
        result = await self.run(*words)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

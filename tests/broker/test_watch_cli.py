"""follow, unfollow, channels and add, as a person types them."""

import asyncio
from datetime import timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from streams.cli import channels as verbs
from streams.cli.main import earmark
from streams.clock import utc_now
from streams.discovery.seen import Seen
from streams.discovery.throttle import Pause
from streams.discovery.watch_state import Reporter, WatchState
from streams.events.channels import ChannelFollowed, ChannelUnfollowed
from streams.events.event import Event
from streams.events.videos import VideoDiscovered
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.topics import CHANNELS, VIDEOS
from streams.loopback.channel import Channel, ChannelVideo
from streams.loopback.youtube import LoopbackYoutube, serve

pytestmark = pytest.mark.kafka

NOW = utc_now()
CHANNEL_ID = "UC0123456789abcdefghijkl"
VIDEOS_OF_IT = tuple(
    ChannelVideo(f"video{n:06d}", f"Video {n}", NOW - timedelta(days=n), 1800) for n in (1, 2, 40)
)
PLAIN = Channel(CHANNEL_ID, "@plain", "Plain & Fair", VIDEOS_OF_IT)


class Shell:
    """Runs verbs against a log and a loopback YouTube."""

    def __init__(self, connection: Connection, youtube: LoopbackYoutube) -> None:
        self.connection = connection
        self.env = {
            "EARMARK_KAFKA": connection.bootstrap,
            "EARMARK_TOPIC_PREFIX": connection.prefix,
            "EARMARK_YOUTUBE_URL": youtube.origin,
            "EARMARK_TABS": "videos",
        }

    async def run(self, verb: click.Command, *words: str, typed: str = "") -> Result:
        return await asyncio.to_thread(CliRunner().invoke, verb, words, input=typed, env=self.env)

    async def say(self, verb: click.Command, *words: str, typed: str = "") -> str:
        result = await self.run(verb, *words, typed=typed)
        assert result.exit_code == 0, result.output
        return result.output

    async def log(self) -> list[Event]:
        events: list[Event] = []
        await read(self.connection, (CHANNELS, VIDEOS), lambda record: events.append(record.event()))
        return events


async def test_a_channel_is_followed_listed_extended_and_unfollowed(connection: Connection) -> None:
    async with serve(LoopbackYoutube(PLAIN)) as youtube:
        shell = Shell(connection, youtube)
        assert "no channel is followed" in await shell.say(verbs.channels)
        assert "following Plain & Fair (@plain), from now on" in await shell.say(verbs.follow, "@plain")
        assert "followed already" in await shell.say(verbs.follow, f"youtube.com/channel/{CHANNEL_ID}/videos")

        declined = await shell.say(verbs.follow, "@plain", "--since", "20d", typed="n\n")
        assert "2 new videos" in declined
        assert "1.0 hours: about 0." in declined
        assert "is unchanged" in declined
        nobody = await shell.run(verbs.follow, "@plain", "--since", "20d")
        assert "“Take them?” needs an answer" in str(nobody.exception)
        assert "give --yes" in str(nobody.exception)
        assert "since" in await shell.say(verbs.follow, "@plain", "--since", "20d", typed="y\n")
        assert "followed already" in await shell.say(verbs.follow, "@plain", "--since", "20d", "--yes")

        listed = await shell.say(verbs.channels)
        assert all(word in listed for word in (CHANNEL_ID, "@plain", "Plain & Fair", "not yet: videos"))
        assert "is no longer followed" in await shell.say(verbs.unfollow, "@Plain")
        refused = await shell.run(verbs.unfollow, "@plain")
        assert "is not followed" in str(refused.exception)

    plain, deep, gone = await shell.log()
    assert isinstance(plain, ChannelFollowed)
    assert isinstance(deep, ChannelFollowed)
    assert isinstance(gone, ChannelUnfollowed)
    assert (plain.channel_id, plain.handle, plain.title, plain.since) == (
        CHANNEL_ID,
        "@plain",
        "Plain & Fair",
        None,
    )
    assert deep.since is not None
    assert timedelta(days=19) < NOW - deep.since < timedelta(days=21)


async def test_channels_say_when_they_were_looked_at_and_what_pauses_them(
    connection: Connection, tmp_path: Path
) -> None:
    async with serve(LoopbackYoutube(PLAIN)) as youtube:
        shell = Shell(connection, youtube)
        shell.env["EARMARK_HOME"] = str(tmp_path)
        await shell.say(verbs.follow, "@plain")
        assert "no look is known here" in await shell.say(verbs.channels)
        now = utc_now()
        seen = Seen(now, now - timedelta(hours=2), "YouTube answers HTTP 429\x1b[2J")
        pause = Pause(now - timedelta(hours=1), now + timedelta(minutes=10), "Please sign in", client=False)
        Reporter(tmp_path)(WatchState(now, pause, {CHANNEL_ID: seen}))
        running = await shell.say(verbs.channels)
        Reporter(tmp_path)(WatchState(now - timedelta(hours=1), None, {CHANNEL_ID: seen}))
        stopped = await shell.say(verbs.channels)
    for moment in (seen.last_look, seen.last_success, pause.since, pause.until):
        assert f"{moment:%Y-%m-%d %H:%M}" in running
    assert "Please sign in" in running
    assert "HTTP 429" in running
    assert "\x1b" not in running
    assert "does not run here now" not in running
    assert "does not run here now" in stopped
    assert "YouTube refuses" not in stopped


async def test_a_video_is_added_once(connection: Connection) -> None:
    async with serve(LoopbackYoutube(PLAIN)) as youtube:
        shell = Shell(connection, youtube)
        await shell.say(verbs.add, "video000001", "https://youtu.be/video000002", "video000001")
        assert "in the log already" in await shell.say(verbs.add, "https://youtu.be/video000001?t=3")
    events = await shell.log()
    assert sorted(e.video.video_id for e in events if isinstance(e, VideoDiscovered)) == [
        "video000001",
        "video000002",
    ]
    assert {e.video.origin for e in events if isinstance(e, VideoDiscovered)} == {"asked"}


async def test_an_id_that_begins_with_a_dash_is_no_option(connection: Connection) -> None:
    """As one in 64 does; whatever stands before and behind it."""
    async with serve(LoopbackYoutube(PLAIN)) as youtube:
        shell = Shell(connection, youtube)
        for words in (["-dashvideo0"], ["--yes", "--doubled_h"], ["-h_elp_aaaa", "--yes"]):
            assert "is requested" in await shell.say(earmark, "add", *words)
        assert "-dashvideo0 is in the log already" in await shell.say(earmark, "add", "--", "-dashvideo0")
        assert (await shell.say(earmark, "add", "--help")).startswith("Usage: ")
        assert "No such option" in (await shell.run(earmark, "add", "--unheard-of")).output
    found = [event.video for event in await shell.log() if isinstance(event, VideoDiscovered)]
    assert {video.video_id for video in found} == {"-dashvideo0", "--doubled_h", "-h_elp_aaaa"}
    assert "https://www.youtube.com/watch?v=-dashvideo0" in {video.url for video in found}


@pytest.mark.parametrize(
    ("verb", "words", "sentence"),
    [
        (verbs.follow, ["@nobody"], "is no channel"),
        (verbs.follow, ["nobody"], "is no channel"),
        (verbs.follow, ["@plain", "--since", "soon"], "write a date"),
        (verbs.follow, ["@plain", "--since", "2999-01-01"], "future"),
        (verbs.add, ["nothing"], "is no video"),
    ],
)
async def test_a_mistake_is_one_sentence_and_nothing_is_sent(
    connection: Connection, verb: click.Command, words: list[str], sentence: str
) -> None:
    async with serve(LoopbackYoutube(PLAIN)) as youtube:
        shell = Shell(connection, youtube)
        result = await shell.run(verb, *words)
    assert result.exit_code != 0
    assert sentence in f"{result.output} {result.exception}"
    assert await shell.log() == []

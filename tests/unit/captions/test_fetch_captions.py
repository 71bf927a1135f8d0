"""The real yt-dlp, in its real process, against the loopback YouTube: one case each of what a video may do."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from streams.captions.failures import of_tracks
from streams.captions.fetch import Counted, NotTaken, Taken, complete, fetch_captions
from streams.captions.schedule import Failure
from streams.events.videos import Video
from streams.loopback.channel import UNPLAYABLE, Behaviour, Channel, ChannelVideo
from streams.loopback.youtube import LoopbackYoutube, serve
from streams.ytdlp.process import Options

PUBLISHED = datetime(2026, 10, 5, 14, 30, tzinfo=UTC)


def track(*lines: str, duration_ms: int = 3000) -> bytes:
    events = [
        {"tStartMs": 1000 * i, "dDurationMs": duration_ms, "segs": [{"utf8": line}]}
        for i, line in enumerate(lines)
    ]
    return json.dumps({"wireMagic": "pb3", "events": events}).encode()


def shown(
    video_id: str, behaviour: Behaviour = "plays", auto: bytes | None = None, manual: bytes | None = None
) -> ChannelVideo:
    return ChannelVideo(video_id, "Rates & chips", PUBLISHED, 61, auto, manual, behaviour=behaviour)


AUTO = track("palanteer is a buy", "[Music]")
MANUAL = track("Palantir is a buy.")
CHANNEL = Channel(
    "UC" + "d" * 22,
    "@desk",
    "The Desk",
    (
        shown("auto0000000", auto=AUTO),
        shown("manual00000", auto=AUTO, manual=MANUAL),
        shown("nothing0000"),
        shown("wordless000", auto=track("\n")),
        shown("endless0000", auto=track("hold", duration_ms=10**12)),
        *(
            shown(f"{behaviour:-<11}"[:11], behaviour, auto=AUTO)
            for behaviour in get_args(Behaviour)
            if behaviour != "plays"
        ),
    ),
)


@pytest.fixture
async def youtube() -> AsyncIterator[LoopbackYoutube]:
    async with serve(LoopbackYoutube(CHANNEL)) as server:
        yield server


async def fetched(youtube: LoopbackYoutube, video_id: str, **known: Any) -> Taken | NotTaken:
    video = Video(
        video_id=video_id, url=f"https://www.youtube.com/watch?v={video_id}", origin="asked", **known
    )
    return await fetch_captions(
        video, options=Options(youtube_url=youtube.origin), languages=(), time_limit_s=60
    )


async def test_automatic_captions_complete_the_video_in_three_requests(youtube: LoopbackYoutube) -> None:
    taken = await fetched(youtube, "auto0000000")
    assert isinstance(taken, Taken)
    assert (taken.source, taken.language, taken.original) == ("captions_auto", "en", "yes")
    assert taken.transcript.texts == ("palanteer is a buy", "[Music]")
    assert taken.transcript.ends_ms == (1000, 4000)
    assert taken.video == Video(
        video_id="auto0000000",
        url="https://www.youtube.com/watch?v=auto0000000",
        channel_id=CHANNEL.channel_id,
        channel_title="The Desk",
        title="Rates & chips",
        published_at=PUBLISHED,
        published_precision="second",
        origin="asked",
    )
    assert [path.partition("?")[0] for path in youtube.requests] == [
        "/watch",
        "/youtubei/v1/player",
        "/api/timedtext",
    ]


async def test_no_line_ends_after_the_video(youtube: LoopbackYoutube) -> None:
    """YouTube gives its length in whole seconds, rounded down."""
    taken = await fetched(youtube, "endless0000")
    assert isinstance(taken, Taken)
    assert taken.transcript.ends_ms == (62_000,)


async def test_manual_captions_go_before_automatic_ones(youtube: LoopbackYoutube) -> None:
    taken = await fetched(youtube, "manual00000")
    assert isinstance(taken, Taken)
    assert (taken.source, taken.transcript.texts) == ("captions_manual", ("Palantir is a buy.",))


@pytest.mark.parametrize("video_id", ["nothing0000", "wordless000"])
async def test_a_video_without_words_is_asked_for_later_and_known_better(
    youtube: LoopbackYoutube, video_id: str
) -> None:
    not_taken = await fetched(youtube, video_id)
    assert isinstance(not_taken, NotTaken)
    assert not_taken.failure.failure == "later"
    assert not_taken.video.title == "Rates & chips"


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        ("private", "slow"),
        ("members_only", "slow"),
        ("upcoming", "not_yet"),
        ("bot_check", "soon"),
        ("player_429", "soon"),
        ("timedtext_429", "soon"),
        ("timedtext_html", "unknown"),
    ],
)
async def test_what_youtube_refuses_is_put_in_its_class(
    youtube: LoopbackYoutube, behaviour: Behaviour, failure: str
) -> None:
    not_taken = await fetched(youtube, f"{behaviour:-<11}"[:11])
    assert isinstance(not_taken, NotTaken)
    assert not_taken.failure.failure == failure
    if behaviour in UNPLAYABLE:
        assert UNPLAYABLE[behaviour].reason in not_taken.failure.reason


async def test_a_dripping_server_is_left_at_the_time_limit() -> None:
    async with serve(LoopbackYoutube(CHANNEL)) as youtube:
        video = Video(
            video_id="timedtext_d", url="https://www.youtube.com/watch?v=timedtext_d", origin="poll"
        )
        options = Options(youtube_url=youtube.origin)
        async with asyncio.timeout(60):
            result = await fetch_captions(video, options=options, languages=(), time_limit_s=1)
    assert isinstance(result, NotTaken)
    assert result.failure.failure == "unknown"
    assert "more than 1 s" in result.failure.reason


INFO = dict.fromkeys(
    (
        "channel_id",
        "channel",
        "title",
        "timestamp",
        "release_timestamp",
        "upload_date",
        "live_status",
        "duration",
    )
)
STAMP, AIRED = 1_790_000_000, 1_790_400_000


def at(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)


def test_what_the_feed_said_stays_and_only_what_is_missing_is_taken() -> None:
    info = {
        "channel_id": "UCother",
        "channel": "Other",
        "title": "Other",
        "timestamp": 1,
        "upload_date": "19700101",
    }
    known = Video(
        video_id="v",
        url="u",
        title="Feed's",
        published_at=PUBLISHED,
        published_precision="second",
        origin="poll",
    )
    completed = complete(known, {**INFO, **info})
    assert (completed.title, completed.published_at, completed.published_precision) == (
        "Feed's",
        PUBLISHED,
        "second",
    )
    assert (completed.channel_id, completed.channel_title) == ("UCother", "Other")


@pytest.mark.parametrize(
    ("dates", "published_at", "precision"),
    [
        ({"timestamp": STAMP}, at(STAMP), "second"),
        ({"release_timestamp": AIRED}, at(AIRED), "second"),
        ({"timestamp": STAMP, "release_timestamp": AIRED, "live_status": "was_live"}, at(AIRED), "second"),
        ({"upload_date": "20261005"}, datetime(2026, 10, 5, tzinfo=UTC), "day"),
        ({}, None, None),
    ],
)
def test_the_date_comes_from_the_most_exact_field(
    dates: dict[str, Any], published_at: datetime | None, precision: str | None
) -> None:
    completed = complete(Video(video_id="v", url="u", origin="poll"), {**INFO, **dates})
    assert (completed.published_at, completed.published_precision) == (published_at, precision)


@pytest.mark.parametrize(
    ("live_status", "aired"), [("was_live", True), ("not_live", True), ("is_upcoming", False)]
)
def test_a_stream_is_published_when_it_aired_and_not_when_it_was_announced(
    live_status: str,
    aired: bool,  # noqa: FBT001  a parameter of the table
) -> None:
    announced = Video(
        video_id="v", url="u", published_at=PUBLISHED, published_precision="second", origin="poll"
    )
    completed = complete(announced, {**INFO, "release_timestamp": AIRED, "live_status": live_status})
    assert completed.published_at == (at(AIRED) if aired else PUBLISHED)


@pytest.mark.parametrize(
    ("failed", "failure"),
    [
        ([("en, manual", 404, "no words")], "unknown"),
        ([("en, manual", 200, "no words"), ("en, automatic", 200, "no words")], "later"),
        ([("en, manual", 200, "no json3 captions came, but nothing")], "unknown"),
        ([("en, manual", 404, "no words"), ("en, automatic", 429, "no words")], "soon"),
        ([("en, manual", 403, "no words")], "soon"),
    ],
)
def test_only_if_every_track_fails_the_failure_counts_with_each_ones_reason(
    failed: list[tuple[str, int, str]], failure: str
) -> None:
    said = of_tracks(failed)
    assert said.failure == failure
    assert all(name in said.reason for name, _, _ in failed)


async def test_what_is_asked_for_is_counted_until_it_is_answered_or_given_up() -> None:
    may_answer = asyncio.Event()
    taken = NotTaken(Video(video_id="v1", url="u", origin="asked"), Failure("it did not answer", "unknown"))

    async def fetch(_video: Video) -> Taken | NotTaken:
        await may_answer.wait()
        return taken

    counted = Counted(fetch)
    answered, given_up = (asyncio.create_task(counted(taken.video)) for _ in range(2))
    await asyncio.sleep(0)
    assert counted.under_way == 2
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    assert counted.under_way == 1
    may_answer.set()
    assert await answered == taken
    assert counted.under_way == 0

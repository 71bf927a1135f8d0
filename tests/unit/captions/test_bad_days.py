"""YouTube's ordinary bad days, through the real yt-dlp in its real process: the words really spoken, or whose failure it is."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from streams.captions.download import captions
from streams.captions.fetch import NotTaken, Taken, _read, complete, fetch_captions
from streams.events.captions import FailureClass
from streams.events.videos import Video
from streams.loopback import refusals
from streams.loopback.channel import Airing, ChannelVideo, Sound, Track
from streams.loopback.refusals import Refusal
from streams.loopback.youtube import LoopbackYoutube, serve
from streams.ytdlp.process import Options
from tests.builders.asking_youtube import DAY, HOUR, ID, Wall, ask, channel, one

VIDEO = Video(video_id=ID, url=f"https://www.youtube.com/watch?v={ID}", origin="poll")


def said(*lines: str) -> bytes:
    events = [
        {"tStartMs": 1000 * i, "dDurationMs": 900, "segs": [{"utf8": line}]} for i, line in enumerate(lines)
    ]
    return json.dumps({"events": events}).encode()


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def youtube(wall: Wall) -> AsyncIterator[LoopbackYoutube]:
    async with serve(LoopbackYoutube(channel(), now=wall)) as server:
        yield server


async def fetched(
    youtube: LoopbackYoutube, shown: ChannelVideo, *languages: str, known: Video = VIDEO
) -> Taken | NotTaken:
    youtube.show(channel(shown))
    return await fetch_captions(known, options=Options(youtube_url=youtube.origin), languages=languages)


async def taken(
    youtube: LoopbackYoutube, shown: ChannelVideo, *languages: str, known: Video = VIDEO
) -> Taken:
    result = await fetched(youtube, shown, *languages, known=known)
    assert isinstance(result, Taken), result
    return result


async def refused(youtube: LoopbackYoutube, shown: ChannelVideo, known: Video = VIDEO) -> NotTaken:
    result = await fetched(youtube, shown, known=known)
    assert isinstance(result, NotTaken), result
    return result


DUBS = (
    Track("de", "auto", said("Palantir ist ein Kauf")),
    Track("en", "auto", said("palantir is a buy")),
    Track("ar", "auto", said("بالانتير شراء")),
)


async def test_an_automatic_dub_is_not_what_was_said(youtube: LoopbackYoutube) -> None:
    sounds = (Sound("de", dubbed=True), Sound("en", original=True), Sound("ar", dubbed=True))
    result = await taken(youtube, one(tracks=DUBS, sounds=sounds))
    assert (result.language, result.original, result.transcript.texts) == (
        "en",
        "yes",
        ("palantir is a buy",),
    )


async def test_a_persons_words_go_before_dubs_that_nothing_tells_from_the_original(
    youtube: LoopbackYoutube,
) -> None:
    manual = Track("en", "manual", said("Palantir is a buy."))
    result = await taken(youtube, one(tracks=(*DUBS, manual)))
    assert (result.source, result.language, result.original) == ("captions_manual", "en", "unknown")


async def test_of_several_recognisers_the_first_that_youtube_lists_is_taken(youtube: LoopbackYoutube) -> None:
    english_first = (DUBS[1], DUBS[0], DUBS[2])
    result = await taken(youtube, one(tracks=english_first))
    assert (result.language, result.original) == ("en", "unknown")


async def test_hebrew_is_found_under_its_old_code(youtube: LoopbackYoutube) -> None:
    tracks = (Track("en", "auto", said("a buy")), Track("iw", "manual", said("קנייה")))
    assert (await taken(youtube, one(tracks=tracks), "he")).language == "iw"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (Track("en", "manual", said("\n", "[Music]"), name="bare"), None),
        (Track("en", "manual", None, 404, name="gone"), "HTTP 404"),
        (Track("en", "manual", b"", name="empty"), "nothing"),
    ],
    ids=["without a word", "404", "200 and nothing"],
)
async def test_behind_a_track_that_brings_nothing_the_next_of_the_language_is_read(
    youtube: LoopbackYoutube, broken: Track, reason: str | None
) -> None:
    result = await taken(youtube, one(tracks=(broken, Track("en", "auto", said("a buy")))))
    assert (result.source, result.transcript.texts) == ("captions_auto", ("a buy",))
    two_manual = await taken(
        youtube, one(tracks=(broken, Track("en", "manual", said("A buy."), name="whole")))
    )
    assert two_manual.transcript.texts == ("A buy.",)
    alone = (await refused(youtube, one(tracks=(broken,)))).failure
    assert alone.failure == ("later" if reason is None else "unknown")
    assert (reason or "no words") in alone.reason


async def test_what_is_shown_three_times_is_said_once(youtube: LoopbackYoutube) -> None:
    thrice = json.dumps(
        {
            "events": [
                None,
                *(
                    {"tStartMs": at, "dDurationMs": 10**9, "segs": [{"utf8": f"line {at}"}, None]}
                    for at in (0, 1000, 2000)
                    for _ in range(3)
                ),
            ]
        }
    )
    result = await taken(youtube, one(auto=b"\xef\xbb\xbf" + thrice.encode()))
    assert result.transcript.texts == ("line 0", "line 1000", "line 2000")
    assert result.transcript.ends_ms == (1000, 2000, 62_000)


@pytest.mark.parametrize("days", [1, 4, 9])
async def test_a_stream_announced_days_ahead_waits_and_is_published_when_it_aired(
    youtube: LoopbackYoutube, wall: Wall, days: int
) -> None:
    start = DAY + timedelta(days=days)
    stream = one(auto=said("a buy"), airing=Airing(DAY, start, start + 2 * HOUR))
    announced = VIDEO.model_copy(update={"published_at": DAY, "published_precision": "second"})
    wall.time = DAY + HOUR
    waiting = await refused(youtube, stream, announced)
    assert (waiting.failure.failure, waiting.failure.starts_at) == ("not_yet", start)
    assert waiting.video.published_at == DAY
    wall.time = start + HOUR
    assert (await refused(youtube, stream, announced)).failure.failure == "not_yet"
    wall.time = start + 3 * HOUR
    aired = (await taken(youtube, stream, known=waiting.video)).video
    assert (aired.published_at, aired.published_precision) == (start, "second")


async def test_a_premiere_without_a_date_is_announced_by_the_number_in_its_sentence(
    youtube: LoopbackYoutube, wall: Wall
) -> None:
    start = DAY + 3 * HOUR
    premiere = one(auto=said("a buy"), airing=Airing(DAY, start, start + HOUR, premiere=True, dated=False))
    wall.time = DAY
    failure = (await refused(youtube, premiere)).failure
    assert (failure.failure, failure.starts_at, failure.starts_in) == ("not_yet", None, 3 * HOUR)


async def test_a_day_is_not_a_second(youtube: LoopbackYoutube) -> None:
    result = await taken(youtube, one(auto=said("a buy"), day_only=True))
    assert (result.video.published_at, result.video.published_precision) == (
        datetime(DAY.year, DAY.month, DAY.day, tzinfo=DAY.tzinfo),
        "day",
    )


REFUSALS: dict[str, FailureClass] = {
    **dict.fromkeys(
        (
            "BOT_CHECK", "RATE_LIMITED", "CAPTCHA", "PLEASE_SIGN_IN", "RELOAD", "NOT_ON_THIS_APP", "CONTENT_NOT_ON_THIS_APP",
            "APP_UNSUPPORTED", "RESTRICTED_NETWORK", "ERROR_OCCURRED", "WENT_WRONG", "PLAYER_403", "PLAYER_429", "PLAYER_500",
        ),
        "soon",
    ),
    **dict.fromkeys(("PRIVATE", "THIS_IS_PRIVATE", "MEMBERS_ONLY", "MEMBERS_OF_A_LEVEL", "AGE"), "slow"),
    **dict.fromkeys(
        (
            "PAYMENT", "MUSIC_PREMIUM", "DRM", "REMOVED", "ACCOUNT_TERMINATED", "ACCOUNT_CLOSED", "NOT_ANYMORE",
            "NO_RECORDING", "VIOLATION", "COPYRIGHT_CLAIM", "COPYRIGHT_BLOCK",
        ),
        "permanent",
    ),
    **dict.fromkeys(("GEO", "PROCESSING", "UNAVAILABLE", "NOT_AVAILABLE"), "later"),
    **dict.fromkeys(("CONTENT_NOT_AVAILABLE", "UNKNOWN"), "unknown"),
}  # fmt: skip


def test_every_refusal_that_the_loopback_knows_has_its_row() -> None:
    assert {name for name, value in vars(refusals).items() if isinstance(value, Refusal)} == REFUSALS.keys()


@pytest.mark.parametrize(
    "name", ["RATE_LIMITED", "MEMBERS_OF_A_LEVEL", "ACCOUNT_CLOSED", "GEO", "PLAYER_403", "UNKNOWN"]
)
async def test_a_refusal_is_its_owners(youtube: LoopbackYoutube, name: str) -> None:
    result = await refused(youtube, one(auto=said("a buy"), says=getattr(refusals, name)))
    assert result.failure.failure == REFUSALS[name], result.failure.reason


# Geo restriction is raised, so it is in its own process above.
@pytest.mark.parametrize("name", [name for name in REFUSALS if name != "GEO"])
async def test_each_refusal_is_its_owners(youtube: LoopbackYoutube, name: str) -> None:
    """The same task in a thread instead of its own process; what it raises is read by the parts."""
    youtube.show(channel(one(auto=said("a buy"), says=getattr(refusals, name))))
    answer = await ask(youtube, lambda session: captions(session, ID, []))
    result = _read(complete(VIDEO, answer["info"]), answer)
    assert isinstance(result, NotTaken)
    assert result.failure.failure == REFUSALS[name], result.failure.reason


async def test_a_refusal_is_told_without_advice_for_yt_dlps_command_line(youtube: LoopbackYoutube) -> None:
    failure = (await refused(youtube, one(auto=said("a buy"), says=refusals.PRIVATE))).failure
    assert failure.reason == "Private video. Sign in if you've been granted access to this video."

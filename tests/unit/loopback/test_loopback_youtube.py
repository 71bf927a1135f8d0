"""What the real yt-dlp makes of the loopback YouTube's ordinary bad days."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import HTTPError

from streams.loopback.channel import Airing, ChannelVideo, Sound, Track
from streams.loopback.youtube import LoopbackYoutube
from streams.ytdlp.channels import tab
from streams.ytdlp.process import ExtractionError
from streams.ytdlp.session import Session
from tests.builders.asking_youtube import DAY, HOUR, ID, Wall, ask, channel, feed_of, info_of, one

STREAM = Airing(DAY - 96 * HOUR, DAY, DAY + 2 * HOUR, processed_at=DAY + 3 * HOUR)


async def entries_of(youtube: LoopbackYoutube, name: str) -> list[tuple[str, str | None, bool]]:
    """The tab as yt-dlp lists it: id, live status, and whether there is a date."""

    def question(session: Session) -> Any:
        session.set_argument("youtubetab", "approximate_date", "true")
        listing = session.extract(f"https://www.youtube.com/channel/{youtube.channel.channel_id}/{name}")
        return [
            (entry["id"], entry["live_status"], entry["timestamp"] is not None)
            for entry in listing["entries"]
        ]

    found: list[tuple[str, str | None, bool]] = await ask(youtube, question)
    return found


async def status_of(youtube: LoopbackYoutube, path: str, headers: dict[str, str]) -> tuple[int, Any]:
    def question(session: Session) -> tuple[int, Any]:
        try:
            answer = session._ydl.urlopen(Request(f"https://www.youtube.com{path}", headers=headers))
        except HTTPError as error:
            return error.status, error.response.headers
        return answer.status, answer.headers

    answer: tuple[int, Any] = await ask(youtube, question)
    return answer


async def test_ytdlp_prefers_the_original_sound_then_the_default_one(youtube: LoopbackYoutube) -> None:
    sounds = (Sound("de", dubbed=True, default=True), Sound("en", original=True), Sound("fr", dubbed=True))
    info = await info_of(youtube, one(sounds=sounds))
    heard = {form["language"]: form["language_preference"] for form in info["formats"] if form["language"]}
    assert heard == {"de": 5, "en": 10, "fr": -1}


async def test_recognised_languages_come_in_the_order_in_which_youtube_lists_them(
    youtube: LoopbackYoutube,
) -> None:
    for languages in (["ja", "en", "de"], ["de", "ja", "en"]):
        tracks = tuple(Track(language, "auto", b"{}") for language in languages)
        info = await info_of(youtube, one(tracks=tracks))
        originals = [key for key in info["automatic_captions"] if key.endswith("-orig")]
        assert originals == [f"{language}-orig" for language in languages]


async def test_two_tracks_written_in_one_language_are_told_apart_by_name(youtube: LoopbackYoutube) -> None:
    named = (Track("en", "manual", b'{"of": 1}'), Track("en", "manual", b'{"of": 2}', name="Desk & Co"))
    info = await info_of(youtube, one(tracks=named))
    assert list(info["subtitles"]) == ["en", "en-Desk & Co"]
    bodies = [
        await ask(youtube, lambda session, url=forms[0]["url"]: session.get(url))
        for forms in info["subtitles"].values()
    ]
    assert bodies == [(200, b'{"of": 1}'), (200, b'{"of": 2}')]


@pytest.mark.parametrize(
    ("track", "answer"),
    [
        (Track("en", "auto", b"{}"), (200, b"{}")),
        (Track("en", "auto", b""), (200, b"")),
        (Track("en", "auto", None, status=404), (404, b"")),
        (Track("en", "auto", b"slow down", status=429), (429, b"slow down")),
    ],
)
async def test_a_track_is_answered_as_it_says(
    youtube: LoopbackYoutube, track: Track, answer: tuple[int, bytes]
) -> None:
    info = await info_of(youtube, one(tracks=(track,)))
    url = info["automatic_captions"]["en-orig"][0]["url"]
    assert await ask(youtube, lambda session: session.get(url)) == answer


@pytest.mark.parametrize(
    ("after", "live_status", "formats", "captions"),
    [
        (-HOUR, "is_upcoming", False, False),
        (0 * HOUR, "is_live", True, False),
        (2 * HOUR, "post_live", True, False),
        (3 * HOUR, "was_live", True, True),
    ],
)
async def test_a_stream_is_announced_live_over_and_then_a_video(
    youtube: LoopbackYoutube,
    wall: Wall,
    after: timedelta,
    live_status: str,
    formats: bool,  # noqa: FBT001  a parameter of the table
    captions: bool,  # noqa: FBT001  likewise
) -> None:
    wall.time = DAY + after
    info = await info_of(youtube, one(auto=b"{}", airing=STREAM), unplayable=True)
    assert info["live_status"] == live_status
    assert info["release_timestamp"] == DAY.timestamp()
    assert (bool(info["formats"]), bool(info["automatic_captions"])) == (formats, captions)


@pytest.mark.parametrize(
    ("airing", "text"),
    [
        (STREAM, "This live event will begin in 4 days."),
        (replace(STREAM, premiere=True), "Premieres in 4 days"),
        (replace(STREAM, scheduled_at=DAY - 97 * HOUR), "This live event will begin in a few moments."),
        (replace(STREAM, announced_at=DAY), "Video unavailable"),
    ],
)
async def test_what_is_to_come_says_when(
    youtube: LoopbackYoutube, wall: Wall, airing: Airing, text: str
) -> None:
    wall.time = DAY - 96 * HOUR
    with pytest.raises(ExtractionError) as raised:
        await info_of(youtube, one(airing=airing))
    assert raised.value.text == text


@pytest.mark.parametrize(
    ("after", "live_status"), [(-HOUR, "is_upcoming"), (HOUR, "is_live"), (2 * HOUR, "not_live")]
)
async def test_a_premiere_was_never_live(
    youtube: LoopbackYoutube, wall: Wall, after: timedelta, live_status: str
) -> None:
    wall.time = DAY + after
    premiere = replace(STREAM, premiere=True, processed_at=None)
    info = await info_of(youtube, one(auto=b"{}", airing=premiere), unplayable=True)
    assert (info["live_status"], info["release_timestamp"]) == (live_status, DAY.timestamp())


async def test_youtube_may_name_no_start_or_one_that_is_past(youtube: LoopbackYoutube, wall: Wall) -> None:
    wall.time = DAY - HOUR
    undated, late = replace(STREAM, dated=False), replace(STREAM, scheduled_at=DAY - 2 * HOUR)
    starts = [
        (await info_of(youtube, one(airing=airing), unplayable=True))["release_timestamp"]
        for airing in (undated, late)
    ]
    assert starts == [None, (DAY - 2 * HOUR).timestamp()]


async def test_tabs_list_what_is_to_come_before_what_was_and_give_it_no_date(
    youtube: LoopbackYoutube, wall: Wall
) -> None:
    youtube.show(
        channel(
            one(),
            ChannelVideo("premiere000", "First seen", DAY, 60, airing=replace(STREAM, premiere=True)),
            ChannelVideo("stream00000", "Live", DAY, 60, airing=STREAM),
            ChannelVideo("before00000", "Old", DAY - 99 * HOUR, 60),
        )
    )
    wall.time = DAY - 97 * HOUR
    assert await entries_of(youtube, "videos") == [("before00000", None, True)]
    with pytest.raises(ExtractionError, match="does not have a streams tab"):
        await entries_of(youtube, "streams")
    wall.time = DAY - HOUR
    assert await entries_of(youtube, "videos") == [
        ("premiere000", "is_upcoming", False),
        ("before00000", None, True),
    ]
    assert await entries_of(youtube, "streams") == [("stream00000", "is_upcoming", False)]
    wall.time = DAY + HOUR
    assert await entries_of(youtube, "streams") == [("stream00000", "is_live", False)]
    wall.time = DAY + 5 * HOUR
    assert await entries_of(youtube, "streams") == [("stream00000", "was_live", True)]
    assert await entries_of(youtube, "videos") == [
        (ID, None, True),
        ("premiere000", None, True),
        ("before00000", None, True),
    ]


async def test_the_feed_has_a_stream_from_its_announcement_on(youtube: LoopbackYoutube, wall: Wall) -> None:
    youtube.show(channel(one(airing=STREAM)))
    bodies = []
    for wall.time in (DAY - 97 * HOUR, DAY - 96 * HOUR, DAY + 96 * HOUR):
        bodies.append(await feed_of(youtube, youtube.channel.channel_id))
    assert [ID in body for body in bodies] == [False, True, True]
    assert [f"<published>{STREAM.announced_at.isoformat()}</published>" in body for body in bodies[1:]] == [
        True,
        True,
    ]


async def test_a_feed_that_is_as_it_was_is_not_sent_again(youtube: LoopbackYoutube) -> None:
    path = f"/feeds/videos.xml?channel_id={youtube.channel.channel_id}"
    status, headers = await status_of(youtube, path, {})
    assert status == 200
    known = {"If-None-Match": headers["ETag"]}
    assert (await status_of(youtube, path, known))[0] == 304
    assert (await status_of(youtube, path, {"If-Modified-Since": headers["Last-Modified"]}))[0] == 304
    youtube.show(channel(replace(one(), title="Rates & chips, again")))
    assert (await status_of(youtube, path, known))[0] == 200
    youtube.validators = False
    status, headers = await status_of(youtube, path, known)
    assert (status, headers.get("ETag"), headers.get("Last-Modified")) == (200, None, None)


async def test_a_feed_may_fail_for_one_channel_and_for_a_while(youtube: LoopbackYoutube, wall: Wall) -> None:
    other = channel(letter="e")
    youtube.show(other)
    youtube.feed_status = lambda channel_id, now: (
        429 if now < DAY + 30 * HOUR else 404 if channel_id == other.channel_id else 200
    )

    async def statuses() -> list[int]:
        return [
            (await status_of(youtube, f"/feeds/videos.xml?channel_id={shown.channel_id}", {}))[0]
            for shown in (youtube.channel, other)
        ]

    assert await statuses() == [429, 429]
    wall.time = DAY + 30 * HOUR
    assert await statuses() == [200, 404]


async def test_channels_on_one_server_keep_their_videos_apart(youtube: LoopbackYoutube) -> None:
    videos = tuple(ChannelVideo(f"other{n:06d}", f"Day {n}", DAY - timedelta(days=n), 60) for n in range(35))
    other = channel(*videos, letter="e")
    youtube.show(other)
    listed = await ask(youtube, lambda session: tab(session, other.channel_id, "videos"))
    assert [entry["video_id"] for entry in listed["entries"]] == [video.video_id for video in videos]
    listed = await ask(youtube, lambda session: tab(session, youtube.channel.channel_id, "videos"))
    assert [entry["video_id"] for entry in listed["entries"]] == [ID]


async def test_a_date_without_an_hour_is_a_day_and_no_time(youtube: LoopbackYoutube) -> None:
    day = await info_of(youtube, one(day_only=True))
    assert (day["upload_date"], day["timestamp"]) == ("20261005", None)
    exact = await info_of(youtube, one())
    assert (exact["upload_date"], exact["timestamp"]) == ("20261005", DAY.timestamp())


async def test_every_request_is_kept_with_the_time_it_came(youtube: LoopbackYoutube, wall: Wall) -> None:
    await info_of(youtube, one())
    wall.time += HOUR
    await info_of(youtube, one())
    assert [path.partition("?")[0] for path in youtube.requests] == ["/watch", "/youtubei/v1/player"] * 2
    assert youtube.asked_at == [DAY + 24 * HOUR] * 2 + [DAY + 25 * HOUR] * 2

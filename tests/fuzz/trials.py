"""Spoilt bodies through the code that reads them: each gives a result or a named failure, and pauses nobody else."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from aiohttp import web

from streams.captions.download import captions
from streams.captions.fetch import NotTaken, Taken, _read, complete
from streams.captions.json3 import BrokenCaptionsError, Transcript, parse
from streams.discovery import feed
from streams.discovery.channels import Follow
from streams.discovery.listing import wanted
from streams.events.captions import CaptionsExtracted, CaptionsSource, captions_id
from streams.events.envelope import decode, encode
from streams.events.event import Event
from streams.events.text import whole_json
from streams.events.videos import Video, VideoDiscovered
from streams.loopback import pages, refusals, video_pages
from streams.loopback.captions_writer import automatic, manual
from streams.loopback.channel import Airing, Channel, ChannelVideo, Sound, Track
from streams.loopback.youtube import LoopbackYoutube, serve
from streams.ytdlp.process import ExtractionError, Options
from streams.ytdlp.session import Session
from tests.fuzz.mutations import spoilt

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ID = "video000000"
SAID = "[00:00] So today I am adding to Palantir & friends\n[00:09] and I would not touch the rest\n[00:21]"
VIDEO = Video(video_id=ID, url=f"https://www.youtube.com/watch?v={ID}", origin="poll")


@dataclass
class Outcomes:
    """How often what came of a body; `wrong`: what must not have come."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def keep(self, trial: int, look: Callable[[], str]) -> None:
        """Count what comes of one body; what is raised is wrong."""
        try:
            self.counts[look()] += 1
        except Exception as error:  # noqa: BLE001  that is the question
            self.wrong.append(f"trial {trial}: {type(error).__name__}: {error}"[:300])


def json3(trials: int, seed: int) -> Outcomes:
    """Bodies of caption tracks."""
    outcomes, bodies = Outcomes(), (automatic(SAID), manual(SAID))
    for trial in range(trials):
        draw = Random(f"json3 {seed} {trial}")
        body = spoilt(draw.choice(bodies), draw).decode(errors="replace")
        outcomes.keep(trial, lambda body=body: _json3(body))  # type: ignore[misc]
    return outcomes


def _json3(body: str) -> str:
    try:
        transcript = parse(body, 30_000)
    except BrokenCaptionsError:
        return "named: no json3"
    if not transcript.texts:
        return "no words"
    _written(_extracted(VIDEO, transcript, "captions_auto"))
    starts, ends = transcript.starts_ms, transcript.ends_ms
    assert list(starts) == sorted(starts)
    assert all(start <= end for start, end in zip(starts, ends, strict=True))
    return "words"


def feeds(trials: int, seed: int) -> Outcomes:
    """Bodies of feeds."""
    videos = tuple(ChannelVideo(f"video{n:06d}", f"Day {n} & <more>", NOW, 60) for n in range(3))
    body = pages.feed(Channel("UC" + "f" * 22, "@feeds", "Feeds & Co", videos), NOW).encode()
    outcomes = Outcomes()
    for trial in range(trials):
        draw = Random(f"feed {seed} {trial}")
        text = spoilt(body, draw).decode(errors="replace")
        outcomes.keep(trial, lambda text=text: _feed(text))  # type: ignore[misc]
    return outcomes


def _feed(body: str) -> str:
    try:
        found = feed.parse(body)
    except feed.FeedError:
        return "named: no feed"
    follow = Follow("UC" + "f" * 22, None, None, NOW, NOW.replace(year=1990))
    for video in wanted(found.listed, follow, found.title):
        _written(VideoDiscovered(at=NOW, video=video))
    return f"{len(found.listed)} videos"


class _Spoilt(LoopbackYoutube):
    """Answers for the player with spoilt bodies."""

    draw = Random()

    async def _player(self, request: web.Request) -> web.Response:
        _, video = self._video((await request.json())["videoId"])
        whole = video_pages.player(self.channel, video, self.now(), video.refusal(self.now()))
        body = spoilt(web.json_response(whole).body, self.draw)  # type: ignore[arg-type]
        return web.Response(body=body, content_type="application/json")


async def players(trials: int, seed: int) -> Outcomes:
    """Bodies of the player's answers, through the real yt-dlp (in a thread: its process would take a second)."""
    track = Track("en", "auto", automatic(SAID))
    sounds = (Sound("en", original=True), Sound("de", dubbed=True))
    airing = Airing(NOW.replace(day=1), NOW.replace(day=25), NOW.replace(day=26))
    shown = [
        ChannelVideo(ID, "Plays", NOW, 60, tracks=(track, Track("de", "auto", track.body)), sounds=sounds),
        ChannelVideo(ID, "Airs", NOW, 60, airing=airing),
        ChannelVideo(ID, "Private", NOW, 60, says=refusals.PRIVATE),
    ]
    youtube, outcomes = _Spoilt(now=lambda: NOW), Outcomes()
    async with serve(youtube):
        for trial in range(trials):
            youtube.draw = Random(f"player {seed} {trial}")
            video = youtube.draw.choice(shown)
            youtube.show(Channel("UC" + "f" * 22, "@feeds", "Feeds & Co", (video,)))
            came = await asyncio.to_thread(_player, youtube.origin)
            outcomes.keep(trial, lambda came=came: came if isinstance(came, str) else _taken(came))  # type: ignore[misc]
    return outcomes


def _player(origin: str) -> str | dict[str, Any]:
    session = Session(Options(youtube_url=origin))
    try:
        return captions(session, ID, [])
    except ExtractionError as error:
        return f"named: {error.kind}"
    except Exception as error:  # noqa: BLE001  in its process: an exit code and a traceback
        return f"named: its process ended ({type(error).__name__})"
    finally:
        session.close()


def _taken(answer: dict[str, Any]) -> str:
    answer = whole_json(answer)
    result = _read(complete(VIDEO, answer["info"]), answer)
    match result:
        case NotTaken(video=video, failure=failure):
            assert failure.failure != "soon", f"everybody would wait for {failure.reason}"
            _written(VideoDiscovered(at=NOW, video=video))
            return f"not taken: {failure.failure}"
        case Taken():
            _written(_extracted(result.video, result.transcript, result.source))
            return "taken"


def _extracted(video: Video, transcript: Transcript, source: CaptionsSource) -> CaptionsExtracted:
    return CaptionsExtracted(
        at=NOW,
        video=video,
        captions_id=captions_id(ID, 1),
        revision=1,
        attempt=1,
        source=source,
        language="en",
        texts=transcript.texts,
        starts_ms=transcript.starts_ms,
        ends_ms=transcript.ends_ms,
        words=transcript.words,
    )


def _written(event: Event) -> None:
    """It can be written down and read again."""
    message = encode(event)
    assert decode(message.headers, message.value) == event

"""What `follow --since` and `add` of many say before they take anything."""

import asyncio
import os
import re
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import click
import pytest
from click.testing import CliRunner, Result

from streams.budget.forecast import FRAME_BYTES, GUESS, Forecast
from streams.budget.prices import UnknownPriceError
from streams.cli import channels as verbs
from streams.clock import utc_now
from streams.discovery.backfill import days
from streams.events.analyses import AnalysisCompleted, Outlook
from streams.events.captions import CaptionsExtracted, captions_id
from streams.events.event import Position
from streams.events.ledger import Usage, analysis_id
from streams.events.prompts import Prompt, PromptActivated, PromptRegistered
from streams.events.record import Record
from streams.events.videos import Video
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.publish import Publisher, publisher
from streams.log.topics import CHANNELS, VIDEOS
from streams.loopback.channel import Channel, ChannelVideo
from streams.loopback.youtube import LoopbackYoutube, serve
from streams.prompts.files import BUNDLED, read_prompt

pytestmark = pytest.mark.kafka

NOW = utc_now()
MANY = Channel(
    "UC0123456789abcdefghijkl",
    "@plain",
    "Plain & Fair",
    tuple(ChannelVideo(f"video{n:06d}", f"Video {n}", NOW - timedelta(days=n), 1800) for n in range(1, 5)),
)
ELEVEN = tuple(f"video{n:06d}" for n in range(11))
PROMPT = Prompt(
    name="test", model="claude-haiku-5-5", max_tokens=2000, effort="low", words="Listen.", schema_version=1
)


class Shell:
    """Runs verbs against a log and a loopback YouTube."""

    def __init__(self, connection: Connection, youtube_url: str = "http://127.0.0.1:1") -> None:
        self.connection = connection
        self.env = {
            "EARMARK_KAFKA": connection.bootstrap,
            "EARMARK_TOPIC_PREFIX": connection.prefix,
            "EARMARK_YOUTUBE_URL": youtube_url,
            "EARMARK_TABS": "videos",
            "EARMARK_DAILY_CAP_USD": "0.01",
            "EARMARK_BACKFILL_SHARE": "0.25",
        }

    async def run(self, verb: click.Command, *words: str, typed: str = "") -> Result:
        return await asyncio.to_thread(CliRunner().invoke, verb, words, input=typed, env=self.env)

    async def taken(self) -> int:
        """How many follows and videos stand in the log."""
        records: list[Record] = []
        await read(self.connection, (CHANNELS, VIDEOS), records.append)
        return len(records)


async def activate(log: Publisher, prompt: Prompt) -> None:
    await log.append(PromptRegistered(at=NOW, prompt_id=prompt.prompt_id, prompt=prompt))
    await log.append(PromptActivated(at=NOW, prompt_id=prompt.prompt_id, previous=None))


async def analyse(
    log: Publisher, video_id: str, *, model: str, seconds: int, tokens: int, answer: int
) -> None:
    """Put captions of 20 bytes a second and their analysis into the log."""
    captions = CaptionsExtracted(
        at=NOW,
        video=Video(video_id=video_id, url=f"https://youtube.example/{video_id}", origin="poll"),
        captions_id=captions_id(video_id, 1),
        revision=1,
        attempt=1,
        source="captions_auto",
        language="en",
        texts=("nineteen bytes here",) * seconds,
        starts_ms=tuple(second * 1000 for second in range(seconds)),
        ends_ms=tuple(second * 1000 + 1000 for second in range(seconds)),
        words=3 * seconds,
    )
    at = await log.append(captions)
    await log.append(
        AnalysisCompleted(
            at=NOW,
            analysis_id=analysis_id(captions.captions_id, PROMPT.prompt_id),
            attempt_id=uuid4(),
            video=captions.video,
            captions_id=captions.captions_id,
            captions_revision=1,
            captions_at=Position(partition=at.partition, offset=at.offset),
            lane="live",
            replay_id=None,
            prompt_id=PROMPT.prompt_id,
            prompt=PROMPT.name,
            model=model,
            lines_version=1,
            grounding_version=1,
            raw_answer="{}",
            usage=Usage(input_tokens=tokens // 2, output_tokens=answer, cache_read_input_tokens=tokens // 2),
            usd=Decimal("0.01"),
            outlook=Outlook(direction="mixed", reasoning=""),
            themes=(),
            risks=(),
            summary="",
            mentions=(),
        )
    )


def money(output: str) -> Decimal:
    found = re.search(r"about ([\d.]+) US dollars at list price", output)
    assert found is not None, output
    return Decimal(found[1])


async def test_an_empty_log_gives_a_guess_and_a_declined_offer_takes_nothing(connection: Connection) -> None:
    shell = Shell(connection)
    said = await shell.run(verbs.add, *ELEVEN, typed="n\n")
    assert said.exit_code == 0, said.output
    guess = Forecast(read_prompt(BUNDLED), GUESS).of_videos(11)
    assert money(said.output) == round(guess, 2)
    assert (
        f"{days(guess, Decimal('0.01'), Decimal('0.25'))} days at 25% of a daily cap of 0.01 US dollars"
        in said.output
    )
    assert "a guess: the log has no analysis to go by" in said.output
    assert "no video is taken" in said.output
    assert await shell.taken() == 0


async def test_many_are_taken_when_a_person_says_so_and_few_are_not_asked_about(
    connection: Connection,
) -> None:
    shell = Shell(connection)
    assert "US dollars" not in (await shell.run(verbs.add, *ELEVEN[:10])).output
    one_more = await shell.run(verbs.add, *ELEVEN)
    assert "US dollars" not in one_more.output
    assert await shell.taken() == 11
    others = [word.replace("video", "other") for word in ELEVEN]
    assert "Take them?" in (await shell.run(verbs.add, *others, typed="y\n")).output
    assert await shell.taken() == 22
    more = [word.replace("video", "third") for word in ELEVEN]
    assured = (await shell.run(verbs.add, "--yes", *more)).output
    assert "11 new videos: about" in assured
    assert "Take them?" not in assured
    assert await shell.taken() == 33


async def test_the_newest_analyses_of_the_prompts_model_set_the_rates(connection: Connection) -> None:
    """Two of 100 s and 300 s at 40 tokens a second; an analysis by another model says nothing of this one."""
    async with publisher(connection) as log:
        await activate(log, PROMPT)
        await analyse(log, "a", model=PROMPT.model, seconds=100, tokens=400_000, answer=300)
        await analyse(log, "b", model=PROMPT.model, seconds=300, tokens=1_200_000, answer=500)
        await analyse(log, "c", model="claude-opus-5-5", seconds=300, tokens=10, answer=1)
    async with serve(LoopbackYoutube(MANY)) as youtube:
        shell = Shell(connection, youtube.origin)
        followed = await shell.run(verbs.follow, "@plain", "--since", "30d", typed="n\n")
        added = await shell.run(verbs.add, *ELEVEN, typed="n\n")
    assert "Plain & Fair (@plain) has 4 new videos since " in followed.output
    assert "2.0 hours: about " in followed.output
    assert "by the newest 2 analyses" in followed.output
    # The model's price above 100,000 tokens: 0.50 in, 2.50 out, a million.
    frame_and_words = 2 * (FRAME_BYTES + len(PROMPT.words))
    a_byte = 1_600_000 / (8000 + frame_and_words)
    for output, videos, seconds in ((followed.output, 4, 1800), (added.output, 11, 200)):
        tokens = (20 * seconds + frame_and_words / 2) * a_byte
        assert float(money(output)) == pytest.approx(videos * (tokens * 0.5 + 400 * 2.5) / 1e6, abs=0.006)


async def test_a_model_without_a_price_is_refused_before_youtube_is_walked(connection: Connection) -> None:
    async with publisher(connection) as log:
        await activate(log, PROMPT.model_copy(update={"model": "claude-unheard-of"}))
    async with serve(LoopbackYoutube(MANY)) as youtube:
        shell = Shell(connection, youtube.origin)
        said = await shell.run(verbs.follow, "@plain", "--since", "30d", "--yes")
        walked = [path for path in youtube.requests if path.startswith("/channel/")]
        refused = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "streams", "add", "--yes", *ELEVEN],
            env={**os.environ, **shell.env},
            capture_output=True,
            text=True,
            check=False,
        )
    assert isinstance(said.exception, UnknownPriceError)
    assert walked == []
    assert refused.returncode == 3
    assert refused.stderr.startswith("earmark: no list price is known for model 'claude-unheard-of'")
    assert await shell.taken() == 0

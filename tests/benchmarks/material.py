"""Videos as they are: twenty minutes of talk, an answer of some 1,500 tokens, and a log with so many of them in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from random import Random
from uuid import uuid4

import orjson

from streams.analysis.lines import lines_of
from streams.analysis.request_analysis import request_analysis
from streams.budget.limits import Limits
from streams.events.captions import CaptionsExtracted, captions_id
from streams.events.event import Position
from streams.events.videos import Origin, Video
from streams.log.connection import Connection
from streams.log.layout import apply
from streams.log.publish import Publisher, publisher
from streams.log.ready import topics_answer
from streams.prompts.files import BUNDLED, read_prompt
from tests.builders.analyst_scene import Scene

PROMPT = read_prompt(BUNDLED)
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
WORDS = 4000
WORDS_A_SEGMENT = 8
SEGMENT_MS = 2400
MENTIONS = 6
ANSWER_BYTES = 5250
AT_ONCE = 100


def limits(calls_in_flight: int) -> Limits:
    """Money enough for every benchmark: here it is never the cap that rules."""
    return Limits(
        cap_usd=Decimal(100_000),
        backfill_share=Decimal(1),
        replay_share=Decimal(1),
        calls_in_flight=calls_in_flight,
        call_timeout_s=120.0,
    )


@cache
def texts() -> tuple[str, ...]:
    """A transcript in segments, the same in every run."""
    random = Random(1)
    vocabulary = [
        "".join(random.choices("abcdefghijklmnoprstuvw", k=random.randint(2, 9))) for _ in range(900)
    ]
    return tuple(
        " ".join(random.choices(vocabulary, k=WORDS_A_SEGMENT)) for _ in range(WORDS // WORDS_A_SEGMENT)
    )


@cache
def answer() -> str:
    """An answer to it whose quotes are all there."""
    lines = lines_of(texts())
    told = {
        "market_outlook": {"direction": "bullish", "reasoning": "they say so"},
        "macro_themes": ["rates", "energy"],
        "key_risks": ["inflation"],
        "summary": "",
        "mentions": [
            {
                "symbol": f"SYM{chr(ord('A') + number)}",
                "said_as": "some name",
                "action": "buy",
                "conviction": 0.8,
                "time_horizon": "months",
                "quote": " ".join(line.text.split()[2:16]),
                "line": line.number,
            }
            for number, line in enumerate(lines[:: len(lines) // MENTIONS][:MENTIONS])
        ],
    }
    room = ANSWER_BYTES - len(orjson.dumps(told))
    return orjson.dumps({**told, "summary": " ".join(texts())[:room]}).decode()


def captions_of(video_id: str, origin: Origin) -> CaptionsExtracted:
    """The captions of one of these videos."""
    said = texts()
    starts_ms = tuple(SEGMENT_MS * number for number in range(len(said)))
    return CaptionsExtracted(
        at=BEGAN,
        video=Video(
            video_id=video_id,
            url=f"https://www.youtube.com/watch?v={video_id}",
            title=video_id,
            origin=origin,
        ),
        captions_id=captions_id(video_id, 1),
        revision=1,
        attempt=1,
        source="captions_auto",
        language="en",
        texts=said,
        starts_ms=starts_ms,
        ends_ms=tuple(start + SEGMENT_MS for start in starts_ms),
        words=WORDS,
    )


async def ask_many(publisher: Publisher, count: int, origin: Origin, name: str) -> None:
    """Put so many videos' captions into the log, and a request for each."""

    async def ask(number: int) -> None:
        captions = captions_of(f"{name}-{number:06}", origin)
        place = await publisher.append(captions)
        position = Position(partition=place.partition, offset=place.offset)
        await publisher.append_all(await request_analysis(captions, position))

    for start in range(0, count, AT_ONCE):
        await asyncio.gather(*(ask(number) for number in range(start, min(start + AT_ONCE, count))))


@asynccontextmanager
async def scene(connection: Connection) -> AsyncIterator[Scene]:
    """Such a log with the bundled prompt active."""
    async with publisher(connection) as out:
        log = Scene(connection, out, PROMPT)
        await log.activate()
        yield log


async def fresh(connection: Connection) -> Connection:
    """Topics of their own, empty, on the same broker."""
    own = Connection(connection.bootstrap, prefix=f"{connection.prefix}{uuid4().hex[:8]}.")
    admin = own.admin()
    await admin.start()
    try:
        await apply(admin, own.prefix)
    finally:
        await admin.close()
    await topics_answer(own)
    return own

"""Search in what was said: how long a question takes, how large the file is, and what a batch costs.

No broker: records go straight into the file. Words come as often as in speech, the commonest in each transcript and most
of a large vocabulary in hardly any.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from math import exp, log
from pathlib import Path
from random import Random
from typing import NamedTuple

from duckdb import DuckDBPyConnection

from projections import transcripts, transcripts_file
from streams.events.captions import CaptionsExtracted, captions_id
from streams.events.envelope import encode
from streams.events.record import Record
from streams.events.videos import Video
from streams.log.topics import CAPTIONS
from tests.benchmarks.material import BEGAN
from tests.benchmarks.table import Result, at


class Size(NamedTuple):
    """So many transcripts, and so many questions of each kind."""

    transcripts: int
    questions: int


QUICK = Size(60, 1)
USUAL = Size(10_000, 25)
FULL = Size(100_000, 25)
WORDS = 3_000
A_LINE = 10
BATCH = 1_000
COMMON, ALL = 20_000, 500_000
RARELY = 0.03


async def search(size: Size, home: Path) -> Result:
    """Fill a file with so many transcripts, and ask."""
    random = Random(1)
    vocabulary = spoken_words()
    file = home / "search.duckdb"
    database = transcripts_file.create(file)
    many: list[float] = []
    one: list[float] = []
    spoken = said(random, vocabulary)
    for number in range(0, size.transcripts, BATCH):
        batch = [next(spoken) for _ in range(min(BATCH, size.transcripts - number))]
        many.append(_timed(lambda batch=batch: _take(database, batch)))
    for _ in range(9):
        record = next(spoken)
        one.append(_timed(lambda record=record: _take(database, [record])))
    rows = [["question", "p50 ms", "p95 ms", "a scan by `contains`, ms"]]
    numbers: dict[str, float] = {}
    for name, pool in _pools(database).items():
        for words in (1, 2, 3):
            asked = [" ".join(random.sample(pool, words)) for _ in range(size.questions)]
            took = [_timed(lambda question=question: _found(database, question)) for question in asked]
            scans = [_timed(lambda question=question: _scanned(database, question)) for question in asked[:3]]
            rows.append(
                [f"{words} {name}", f"{at(took, 50):.0f}", f"{at(took, 95):.0f}", f"{at(scans, 50):,.0f}"]
            )
            numbers |= {f"{words} {name} p95 ms": at(took, 95), f"{words} {name} scan ms": at(scans, 50)}
    database.close()
    kilobytes = file.stat().st_size / size.transcripts / 1000
    numbers |= {"KB a transcript": kilobytes, "1 ms": at(one, 50), f"{BATCH} ms": at(many, 50)}
    return Result(
        "Search in what was said",
        f"{size.transcripts:,} transcripts of {WORDS:,} words, in one file of {kilobytes:.1f} KB a transcript."
        f" A batch of 1 is taken and checkpointed in {at(one, 50):.0f} ms, one of {BATCH:,} in"
        f" {at(many, 50) / 1000:.1f} s (p50), in {max(many) / 1000:.1f} s at most."
        " Frequent words are of the 100 commonest, rare ones stand in fewer than 20 transcripts."
        " The scan counts the transcripts that hold one of the words, and ranks nothing.",
        rows,
        numbers,
    )


@cache
def spoken_words() -> list[str]:
    """The commonest first."""
    return [_word(number) for number in range(ALL)]


def _word(number: int) -> str:
    """A word of its own for each number, short ones first."""
    letters, rest = "", number + 1
    while rest:
        rest, letter = divmod(rest, 70)
        letters += "etaoinshrdlcum"[letter % 14] + "aeiou"[letter // 14]
    return letters


def said(random: Random, vocabulary: list[str]) -> Iterator[Record]:
    """CaptionsExtracted of one video after the other."""
    video = Video(
        video_id="video",
        url="https://youtube.example/watch?v=video",
        title="Title",
        channel_id="c",
        origin="poll",
    )
    example = encode(
        CaptionsExtracted(
            at=BEGAN,
            video=video,
            captions_id=captions_id("video", 1),
            revision=1,
            attempt=1,
            source="captions_auto",
            language="en",
            texts=("",),
            starts_ms=(0,),
            ends_ms=(0,),
            words=WORDS,
        )
    )
    body = json.loads(example.value)
    number = 0
    while True:
        name = f"video-{number}"
        words = [_spoken(random, vocabulary) for _ in range(WORDS)]
        texts = [" ".join(words[begin : begin + A_LINE]) for begin in range(0, WORDS, A_LINE)]
        starts = [line * 3_000 + random.randrange(1_500) for line in range(len(texts))]
        about = {
            "video_id": name,
            "url": f"https://youtube.example/watch?v={name}",
            "title": f"What {' '.join(words[:4])} means",
            "channel_id": f"channel-{number % 40}",
            "channel_title": f"Channel {number % 40}",
            "published_at": (BEGAN + timedelta(minutes=number)).isoformat(),
            "published_precision": "second",
        }
        value = body | {
            "video": body["video"] | about,
            "captions_id": str(captions_id(name, 1)),
            "texts": texts,
            "starts_ms": starts,
            "ends_ms": [start + 3_000 for start in starts],
        }
        yield Record(
            CAPTIONS.name,
            number % CAPTIONS.partitions,
            number // CAPTIONS.partitions,
            0,
            name.encode(),
            example.headers,
            json.dumps(value).encode(),
        )
        number += 1


def _spoken(random: Random, vocabulary: list[str]) -> str:
    """A word, as often as its rank has it (Zipf)."""
    reach = ALL if random.random() < RARELY else COMMON
    return vocabulary[int(exp(random.random() * log(reach))) - 1]


def _take(database: DuckDBPyConnection, records: list[Record]) -> None:
    transcripts.take(database, records)
    database.execute("CHECKPOINT")


def _pools(database: DuckDBPyConnection) -> dict[str, list[str]]:
    held = database.execute(
        "SELECT term, sum(times)::BIGINT FROM ("
        " SELECT term, len(docs) AS times FROM _postings UNION ALL SELECT term, len(docs) FROM _small_runs"
        " UNION ALL SELECT term, 1 FROM _recent"
        ") GROUP BY term ORDER BY ALL"
    ).fetchall()
    held.sort(key=lambda row: -row[1])
    return {
        "frequent": [term for term, _ in held[:100]],
        "of all kinds": [term for term, _ in held[:: len(held) // 1_000 or 1]],
        "rare": [term for term, times in held if times < 20],
    }


def _found(database: DuckDBPyConnection, words: str) -> None:
    database.execute("FROM search(?)", [words]).fetchall()


def _scanned(database: DuckDBPyConnection, words: str) -> None:
    database.execute(
        "SELECT count(DISTINCT video_id) FROM segments, unnest(string_split(?, ' ')) AS asked(word)"
        " WHERE contains(lower(text), word)",
        [words],
    ).fetchall()


def _timed(what: Callable[[], None]) -> float:
    """How long it takes, in milliseconds."""
    began = time.perf_counter()
    what()
    return (time.perf_counter() - began) * 1000

"""Captions of any words as the log has them, and the search for them told plainly."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import log

import duckdb

from projections import transcripts
from streams.events.captions import CaptionsExtracted
from streams.events.record import Record
from tests.builders.read_model_world import extracted, record, video

Row = tuple[object, ...]


def said(number: int, *texts: str, revision: int = 1, **known: object) -> CaptionsExtracted:
    """The words of a video, a line each 10 s from the first second on."""
    event = extracted(video(number, **known), revision)
    return event.model_copy(
        update={
            "video": event.video.model_copy(update=known),
            "texts": texts,
            "starts_ms": tuple(1_500 + 10_000 * line for line in range(len(texts))),
            "ends_ms": tuple(10_000 + 10_000 * line for line in range(len(texts))),
        }
    )


def logged(events: Sequence[CaptionsExtracted], first: Mapping[int, int] | None = None) -> list[Record]:
    """Their records, one behind the other in each partition; `first`: where a partition goes on."""
    ends = Counter(first or {})
    records = []
    for event in events:
        appended = record(event, 0)
        records.append(replace(appended, offset=ends[appended.partition]))
        ends[appended.partition] += 1
    return records


@contextmanager
def words_in_memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty file of transcripts that is no file."""
    with duckdb.connect(config={"threads": 1}) as database:
        database.execute("SET TimeZone = 'UTC'")
        transcripts.define(database)
        yield database


def put_words_beside(model: duckdb.DuckDBPyConnection, captions: Sequence[CaptionsExtracted]) -> None:
    """Let a read model in memory see these words, as a reader of a snapshot sees them."""
    model.execute("ATTACH ':memory:' AS transcripts; USE transcripts")
    transcripts.define(model)
    transcripts.take(model, logged(captions))
    model.execute("USE memory; SET search_path = 'memory.main,transcripts.main'")


def naive(held: Sequence[CaptionsExtracted], question: str) -> list[tuple[str, float, str]]:
    """Video, score and line of each hit by Okapi BM25, as the books have it; for words of small Latin letters."""
    documents = [Counter(re.findall("[a-z]+", " ".join(event.texts))) for event in held]
    length = sum(map(Counter.total, documents)) / len(documents)
    weights = {}
    for term in set(re.findall("[a-z]+", question)):
        holding = sum(term in document for document in documents)
        weights[term] = log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
    newest = {
        event.video.video_id: event.revision for event in sorted(held, key=lambda event: event.revision)
    }
    hits = []
    for event, document in zip(held, documents, strict=True):
        if event.revision < newest[event.video.video_id] or not weights.keys() & document.keys():
            continue
        score = sum(
            weight * document[term] * 2.2 / (document[term] + 1.2 * (0.25 + 0.75 * document.total() / length))
            for term, weight in weights.items()
        )
        worth = [
            sum(weights[term] for term in weights.keys() & set(re.findall("[a-z]+", text)))
            for text in event.texts
        ]
        hits.append((event.video.video_id, score, event.texts[worth.index(max(worth))]))
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))

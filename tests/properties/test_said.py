"""What was said is a fold of `captions`: batches leave no trace in it, and a search finds what a plain one would."""

from collections import Counter
from random import Random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.transcripts import Sizes, positions, take
from streams.events.captions import CaptionsExtracted
from streams.events.record import Record
from tests.builders.said import logged, naive, said, words_in_memory

TINY = Sizes(recent=3, merged=2, part=2)
WORDS = ["buy", "sell", "the", "bank", "of", "gold", "a", "an", "bang", "selling", "thesis", "banks"]


def history(random: Random) -> list[CaptionsExtracted]:
    """Some videos, of a few several revisions."""

    def line() -> str:
        return " ".join(random.choices(WORDS, weights=range(len(WORDS), 0, -1), k=random.randint(0, 5)))

    return [
        said(number, *(line() for _ in range(random.randint(1, 4))), revision=revision)
        for number in range(random.randint(1, 9))
        for revision in range(1, random.choice([1, 1, 1, 2, 3]) + 1)
    ]


def found(database: duckdb.DuckDBPyConnection, question: str) -> list[tuple[str, float, str]]:
    rows = database.execute("SELECT video_id, score, line FROM search(?)", [question]).fetchall()
    return [(video, pytest.approx(score), line) for video, score, line in rows]


def everything(database: duckdb.DuckDBPyConnection) -> list[Counter[str]]:
    """What readers see, and what the index holds, without the numbers that documents and runs have in it."""
    queries = (
        "FROM transcripts",
        "FROM segments",
        "SELECT * EXCLUDE doc FROM _documents",
        "SELECT captions_id FROM _superseded JOIN _documents USING (doc)",
        """SELECT term, captions_id, frequency FROM _documents JOIN (
        FROM _recent UNION ALL SELECT term, unnest(docs), unnest(frequencies)
        FROM (SELECT * EXCLUDE run FROM _postings UNION ALL SELECT * EXCLUDE run FROM _small_runs)) USING (doc)""",
    )
    return [Counter(map(repr, database.execute(query).fetchall())) for query in queries]


def shuffled(log: list[Record], random: Random) -> list[list[Record]]:
    """The log in batches as they may come: cut anywhere, partitions in any order, and some of it again."""
    waiting = {record.partition: [r for r in log if r.partition == record.partition] for record in log}
    batches: list[list[Record]] = []
    while waiting:
        batch: list[Record] = []
        for partition in random.sample(sorted(waiting), random.randint(1, len(waiting))):
            taken = random.randint(1, 4)
            batch += waiting[partition][:taken]
            waiting[partition] = waiting[partition][taken:]
            if not waiting[partition]:
                del waiting[partition]
        batches.append(batch)
        if random.random() < 0.3:
            batches.append(random.choice(batches))
    return batches


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32))
def test_however_the_log_comes_the_same_is_held_and_found_as_a_plain_search_would(seed: int) -> None:
    random = Random(seed)
    events = history(random)
    # The same fact once more, with other words: the first stands.
    log = logged(
        [
            *events,
            random.choice(events).model_copy(update={"texts": ("gold",), "starts_ms": (0,), "ends_ms": (1,)}),
        ]
    )
    with words_in_memory() as whole, words_in_memory() as pieces:
        take(whole, log)
        for batch in shuffled(log, random):
            take(pieces, batch, TINY)
        assert everything(pieces) == everything(whole)
        assert positions(pieces) == positions(whole)
        for question in ("the", "buy gold", "a bang thesis", "bank banks bank", "nothing"):
            assert found(pieces, question) == naive(events, question) == found(whole, question)
        lines = whole.execute(
            "SELECT captions_id, list((start_ms, end_ms, text) ORDER BY ordinal) FROM segments GROUP BY ALL"
        ).fetchall()
        newest = {event.video.video_id: event for event in events}
        assert dict(lines) == {
            event.captions_id: list(zip(event.starts_ms, event.ends_ms, event.texts, strict=True))
            for event in newest.values()
        }

from dataclasses import replace
from uuid import UUID

import duckdb
import pytest

from projections.ingest import TABLES, Place, Progress, apply, prepare, progress
from streams.events.catalogue import CATALOGUE
from streams.events.record import Record
from streams.events.videos import VideoDiscovered
from streams.log.topics import EVALUATIONS
from tests.builders.read_model_world import (
    PROMPTS,
    START_MS,
    at,
    completed,
    extracted,
    record,
    requested,
    video,
)
from tests.unit.projections.conftest import Told


def discovered(number: int, offset: int, timestamp_ms: int = START_MS) -> Record:
    return record(VideoDiscovered(at=at(0), video=video(number)), offset, timestamp_ms)


def test_every_event_type_fills_a_table() -> None:
    """But for those of evaluations, whose words and answers are in no view."""
    filled = frozenset().union(*(table.types for table in TABLES))
    assert filled == CATALOGUE.types.keys() - {event_type.__name__ for event_type in EVALUATIONS.types}


def test_what_stands_before_the_position_is_passed_over() -> None:
    first, second = discovered(1, 0), discovered(1, 1)
    place = Place(first.topic, first.partition)
    batch = prepare([first, second], {place: Progress(next_offset=1)})
    assert [row[2] for row in batch.events["VideoDiscovered"]] == [1]
    assert batch.progress[place].next_offset == 2


def test_the_brokers_clock_never_runs_back() -> None:
    batch = prepare([discovered(1, 0, 5000), discovered(1, 1, 3000)], {})
    assert {reached.clock_ms for reached in batch.progress.values()} == {5000}


def test_a_batch_names_the_videos_that_it_has_something_new_of() -> None:
    answers = [record(completed(video(number), PROMPTS[0], UUID(int=number)), 0) for number in (1, 2)]
    asked = record(requested(video(4)), 0)
    batch = prepare([discovered(3, 0), *answers, asked], {})
    assert batch.videos == {"video-1", "video-2", "video-3"}
    assert len(batch) == 4


def test_a_record_that_was_never_earmarks_is_a_reject_and_moves_no_clock(told: Told) -> None:
    """The ledger's fold passes over it, its time included, and claims expire by that clock."""
    foreign = Record("analysis.ledger", 0, 0, START_MS, None, (), b"hello")
    apply(told.database, [foreign])
    assert told.rows("SELECT topic, rejects FROM freshness") == [("analysis.ledger", 1)]
    apply(told.database, [record(requested(video(1)), 1, START_MS + 1000)])
    apply(told.database, [replace(foreign, offset=2, timestamp_ms=START_MS + 10**9)])
    assert progress(told.database)[Place("analysis.ledger", 0)].clock_ms == START_MS + 1000


def test_an_event_in_a_topic_where_it_does_not_belong_is_a_reject(told: Told) -> None:
    apply(told.database, [replace(record(extracted(video(1)), 0), topic="videos")])
    assert told.rows("SELECT topic, type, reason FROM _rejects") == [
        ("videos", "CaptionsExtracted", "CaptionsExtracted does not belong in videos")
    ]
    assert told.rows("FROM captions") == []


def test_a_batch_that_fails_leaves_neither_rows_nor_positions(told: Told) -> None:
    told.database.execute("ALTER TABLE _rejects RENAME TO gone")
    with pytest.raises(duckdb.Error):
        apply(told.database, [discovered(1, 0), replace(discovered(2, 1), value=b"{")])
    assert progress(told.database) == {}
    assert told.rows("FROM _discovered") == []


def test_a_fact_told_twice_is_kept_as_it_stood_first(told: Told) -> None:
    told.tell(extracted(video(1)))
    told.tell(extracted(video(1), minutes=30))
    assert told.rows("SELECT happened_at, log_offset FROM captions") == [(at(1), 0)]

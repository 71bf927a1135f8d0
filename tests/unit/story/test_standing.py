"""Over generated histories: a video stands by its own records where the read model says it does."""

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from projections.ingest import apply
from streams.events.record import Record
from streams.story.record import Story, in_order
from streams.story.standing import Standing, standing
from tests.builders.empty_model import empty_model
from tests.builders.read_model_histories import history
from tests.builders.read_model_world import START_MS, record
from tests.builders.story_records import about
from tests.unit.projections.test_waits import WAYS

STEP_MS = 20_000
SEEDS = 8
ROWS = "SELECT video_id, status, waits_for, reason, next_try_at FROM video_status"
CLOCK = "SELECT coalesce(max(clock), TIMESTAMPTZ '1970-01-01 00:00:00+00') FROM _positions WHERE topic = 'analysis.ledger'"


def told(seed: int) -> list[Record]:
    """A history as a log has it, by a clock that moves on."""
    ends: dict[tuple[str, int], int] = {}
    records = []
    for number, event in enumerate(history(random.Random(seed), 6)):
        first = record(event, 0)
        place = first.topic, first.partition
        records.append(record(event, ends.get(place, 0), START_MS + number * STEP_MS))
        ends[place] = ends.get(place, 0) + 1
    return records


# Eleven markers of twelve, the one of the video's own partition among them.
ELSEWHERE = "the activation of its prompt is a dead letter"


@pytest.mark.parametrize("name", sorted(WAYS.keys() - {ELSEWHERE}))
def test_in_every_way_to_stop_it_stands_where_the_read_model_says(name: str) -> None:
    """The table of the read model's own test."""
    events, (waits_for, reason, next_try_at, _) = WAYS[name]
    records = [record(event, number, START_MS + number) for number, event in enumerate(events)]
    letters = [one for one in records if one.topic == "dead-letters"]
    numbered = [replace(one, offset=letters.index(one)) if one in letters else one for one in records]
    now = datetime.fromtimestamp((START_MS + len(events)) / 1000, UTC)
    found = standing(Story("video-1", in_order(about("video-1", numbered))), now)
    if waits_for == "money":
        assert found.waits_for in {"analyst", "provider"}
    else:
        assert (found.waits_for, found.next_try_at) == (waits_for, next_try_at)
        assert found.reason == reason.replace("not in the read model", "not in the log")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_video_stands_where_the_read_model_says(seed: int) -> None:
    """At every fifth of the history; what waits for money is known from the other videos only."""
    records = told(seed)
    step = len(records) // 5 + 1
    with empty_model() as database:
        for end in range(step, len(records) + step, step):
            apply(database, records[end - step : end])
            so_far = records[:end]
            [(now,)] = database.execute(CLOCK).fetchall()
            for video_id, *row in database.execute(ROWS).fetchall():
                found = standing(Story(video_id, in_order(about(video_id, so_far))), now)
                if row[1] == "money":
                    assert found.status == "captioned"
                    assert found.waits_for in {"analyst", "provider"}
                else:
                    reason = row[2] and row[2].replace("not in the read model", "not in the log")
                    assert found == Standing(row[0], row[1], reason, row[3]), (video_id, end)

"""How many calls a lane may have in flight."""

from dataclasses import replace

import pytest

from streams.budget.limits import room_for_answer
from tests.builders.analyst_scene import LIMITS


@pytest.mark.parametrize(("in_flight", "others"), [(1, 1), (2, 1), (4, 3), (8, 7), (600, 525)])
def test_a_place_is_kept_free_for_a_live_request_wherever_there_are_two(in_flight: int, others: int) -> None:
    limits = replace(LIMITS, calls_in_flight=in_flight)
    assert limits.calls_of("live") == in_flight
    assert limits.calls_of("backfill") == limits.calls_of("replay") == others


@pytest.mark.parametrize(
    ("model_limit", "cuts", "room"),
    [
        (64_000, 0, 1000),
        (64_000, 1, 2000),
        (64_000, 3, 8000),
        (2000, 1, 2000),
        (1500, 1, 1500),
        (1000, 1, 1000),
        (None, 3, 1000),
        (500, 1, 1000),
    ],
)
def test_a_cut_answer_gets_twice_the_room_within_the_models_own_limit(
    model_limit: int | None,
    cuts: int,
    room: int,
) -> None:
    """Unknown: not doubled, for the provider would refuse the call. A prompt above the limit is the prompt's own affair."""
    assert room_for_answer(1000, model_limit, cuts=cuts) == room

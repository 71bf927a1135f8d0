"""How many calls a lane may have in flight."""

from dataclasses import replace

import pytest

from tests.builders.analyst_scene import LIMITS


@pytest.mark.parametrize(("in_flight", "others"), [(1, 1), (2, 1), (4, 3), (8, 7), (600, 525)])
def test_a_place_is_kept_free_for_a_live_request_wherever_there_are_two(in_flight: int, others: int) -> None:
    limits = replace(LIMITS, calls_in_flight=in_flight)
    assert limits.calls_of("live") == in_flight
    assert limits.calls_of("backfill") == limits.calls_of("replay") == others

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.log.fetch import NEAR, ranges


def test_bodies_near_each_other_are_read_in_one_go() -> None:
    assert ranges([7, 3, 4, 1000, 1049, 5000]) == [(3, 8), (1000, 1050), (5000, 5001)]


@given(st.sets(st.integers(0, 2000)))
def test_every_offset_is_read_once_and_no_long_gap_is(offsets: set[int]) -> None:
    found = ranges(offsets)
    assert offsets <= {offset for start, end in found for offset in range(start, end)}
    assert all(start in offsets and end - 1 in offsets for start, end in found)
    assert all(later - end >= NEAR for (_, end), (later, _) in pairwise(found))

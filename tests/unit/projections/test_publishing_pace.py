"""How soon one snapshot may follow another."""

from itertools import accumulate, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.projector import PATIENCE_S, WAIT_S, pause
from projections.snapshots import KEPT_S, RECENT, RECENT_BYTES

BLOCK = 2**18
SMALL = 10 * BLOCK
LARGE = 430_000_000
DISK_AN_HOUR = 12e9


seconds_taken = st.floats(0, 100)
size = st.integers(BLOCK, 10**11)


@given(seconds_taken, size, size)
def test_publishing_gets_a_third_of_the_time_at_most(seconds: float, written: int, size: int) -> None:
    assert pause(seconds, written, size) >= max(WAIT_S, 2 * seconds)


@given(seconds_taken, size, size, st.floats(0, 10), st.integers(0, 10**9))
def test_what_took_more_is_never_followed_sooner(
    seconds: float, written: int, size: int, slower: float, more: int
) -> None:
    assert pause(seconds + slower, written + more, size + more) >= pause(seconds, written, size)


@given(size)
def test_recent_snapshots_take_no_more_room_than_said(size: int) -> None:
    """However small the batches are."""
    recent = KEPT_S / pause(0.01, 0, size)
    assert recent <= RECENT or recent * size <= RECENT_BYTES * 1.01


@given(st.integers(0, 13 * BLOCK))
def test_what_a_trickle_writes_stays_within_an_hour_s_share(written: int) -> None:
    """An event a second, and a snapshot after each for which it is time."""
    events = accumulate(repeat(1.0, 600))
    due, total = 0.0, 0
    for now in events:
        if now >= due:
            total += written
            due = now + 0.05 + pause(0.05, written, 4 * SMALL)
    assert total / 600 * 3600 <= DISK_AN_HOUR * 1.05


@pytest.mark.parametrize(
    ("what", "seconds", "written", "size", "expected"),
    [
        ("nothing to speak of", 0.02, 0, SMALL, WAIT_S),
        ("slow, and small", 0.5, BLOCK, SMALL, 1.0),
        ("as much as an hour's share allows", 0.05, 2_000_000, SMALL, 0.6),
        ("a load: readers go before the disk", 0.1, 40 * BLOCK, SMALL, PATIENCE_S + 0.105),
        ("a few blocks of a large model", 0.05, 2_000_000, LARGE, KEPT_S / RECENT),
        ("a whole copy of a large model", 0.6, LARGE, LARGE, PATIENCE_S + 4.3),
    ],
)
def test_a_snapshot_follows_after(
    what: str, seconds: float, written: int, size: int, expected: float
) -> None:
    assert pause(seconds, written, size) == pytest.approx(expected, rel=0.01), what

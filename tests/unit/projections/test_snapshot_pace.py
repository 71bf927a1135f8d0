"""How soon one snapshot may follow another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.pace import BYTES_A_SECOND, CREDIT_S, PATIENCE_S, WAIT_S, Pace
from projections.snapshots import KEPT_S, RECENT, RECENT_BYTES

BLOCK = 2**18
SMALL = 10 * BLOCK
LARGE = 430_000_000
ROUNDING = 1e-6
CREDIT = BYTES_A_SECOND * CREDIT_S

seconds_taken = st.floats(0, 100)
bytes_ = st.integers(BLOCK, 10**11)
snapshots = st.lists(st.tuples(seconds_taken, bytes_, bytes_, st.floats(0, 1000)), min_size=1, max_size=20)


@given(snapshots)
def test_publishing_gets_half_of_the_time_and_recent_snapshots_the_room_that_is_said(
    made: list[tuple[float, int, int, float]],
) -> None:
    """However long nothing was published before."""
    pace, now = Pace(), 0.0
    for seconds, written, size, idle in made:
        pace = pace.after(now, seconds, written, size)
        wait = pace.due - now
        assert wait >= max(WAIT_S, seconds) - ROUNDING
        recent = KEPT_S / wait
        assert recent <= RECENT + ROUNDING or recent * size <= RECENT_BYTES * 1.01
        now = pace.due + idle


@given(bytes_, bytes_, st.integers(0, 10**9))
def test_who_wrote_more_is_never_sooner(written: int, before: int, more: int) -> None:
    one, other = (
        Pace().after(0, 0.1, wrote, LARGE).after(5, 0.1, written, LARGE) for wrote in (before, before + more)
    )
    assert one.due <= other.due


@pytest.mark.parametrize("blocks", [1, 8, 13])
def test_a_trickle_writes_what_it_may_in_an_hour(blocks: int) -> None:
    """An event a second, and a snapshot after each for which it is time."""
    pace, total = Pace(), 0
    for now in range(3600):
        if now >= pace.due:
            total += blocks * BLOCK
            pace = pace.after(now + 0.05, 0.05, blocks * BLOCK, LARGE)
    assert total <= 12.1e9 + CREDIT


@pytest.mark.parametrize("blocks", [20, 100])
def test_under_a_load_readers_go_before_the_disk(blocks: int) -> None:
    pace, now = Pace(), 0.0
    for _ in range(200):
        pace = pace.after(now, 0.1, blocks * BLOCK, SMALL)
        assert pace.due - now <= PATIENCE_S + blocks * BLOCK / 100e6 + ROUNDING
        now = pace.due
    # And what was written then is not held against the trickle that comes after it.
    assert pace.after(now + 60, 0.1, BLOCK, SMALL).due == pytest.approx(now + 60 + WAIT_S)


def test_after_a_pause_the_disk_holds_nobody_up() -> None:
    pace, now = Pace(), 0.0
    while (wait := (pace := pace.after(now, 0.02, 2_000_000, SMALL)).due - now) == pytest.approx(WAIT_S):
        now = pace.due
    assert now > CREDIT_S / 4
    assert wait <= PATIENCE_S + 0.02


def test_whole_copies_of_a_large_model_do_not_keep_the_disk_busy() -> None:
    pace, now = Pace(), 0.0
    for _ in range(20):
        pace = pace.after(now, 0.5, LARGE, LARGE)
        now = pace.due
    assert pace.after(now, 0.5, LARGE, LARGE).due - now == pytest.approx(PATIENCE_S + LARGE / 100e6)


def test_as_many_copies_as_a_trickle_needs_hold_nobody_up_however_large_the_model() -> None:
    pace, now, huge = Pace(), 0.0, 10 * LARGE
    for _ in range(RECENT + 1):
        pace = pace.after(now, 5.0, huge, huge)
        assert pace.due - now == pytest.approx(5.0)
        now = pace.due
    assert pace.after(now, 5.0, huge, huge).due - now == pytest.approx(PATIENCE_S + huge / 100e6)

"""When a partition counts as silent."""

from hypothesis import given
from hypothesis import strategies as st

from streams.worker.watchdog import SILENCE_S, Look, Place, silent

A, B = ("videos", 0), ("videos", 1)


def look_on(looks: list[Look]) -> list[list[Place]]:
    since: dict[Place, float] = {}
    found = []
    for look in looks:
        since, stalled = silent(since, look)
        found.append(stalled)
    return found


def test_a_partition_with_work_that_does_none_is_silent_after_the_limit() -> None:
    looks = [Look(now, [A], {}, {}) for now in (0.0, SILENCE_S, SILENCE_S + 1)]
    assert look_on(looks) == [[], [], [A]]


def test_a_partition_that_caught_up_in_between_is_not() -> None:
    looks = [Look(0, [A], {}, {}), Look(40, [], {}, {}), Look(50, [A], {}, {}), Look(90, [A], {}, {})]
    assert look_on(looks) == [[]] * 4


def test_events_that_end_keep_it_awake() -> None:
    looks = [Look(now, [A], {}, {A: now - 10}) for now in range(0, 300, 20)]
    assert look_on(looks) == [[]] * len(looks)


def test_one_busy_partition_does_not_speak_for_another() -> None:
    looks = [Look(now, [A, B], {A: 1000}, {}) for now in (0, 50)]
    assert look_on(looks) == [[], [B]]


def test_a_try_within_its_time_is_left_alone_and_one_that_never_ends_is_not() -> None:
    looks = [Look(now, [], {A: 100.0}, {}) for now in (0, 99, 145, 146)]
    assert look_on(looks) == [[], [], [], [A]]


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=50))
def test_no_alarm_without_a_silence_of_that_length(steps: list[tuple[float, bool]]) -> None:
    now = began = 0.0
    since: dict[Place, float] = {}
    for step, behind in steps:
        now += step
        began = began if behind and since else now
        since, stalled = silent(since, Look(now, [A] if behind else [], {}, {}))
        assert bool(stalled) == (behind and now - began > SILENCE_S)

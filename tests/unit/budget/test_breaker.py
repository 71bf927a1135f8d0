"""Whether Claude answers at all: open after some calls without an answer, closed by the first one, lone failures counted."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from streams.budget.breaker import ALONE, JITTER, OPENS_AFTER, Breaker
from streams.events.event import NAMESPACE

A, B, C, D = (uuid5(NAMESPACE, name) for name in "abcd")


def broken(*unanswered: UUID, at_ms: int = 1000) -> Breaker:
    breaker = Breaker()
    for analysis in unanswered:
        breaker.unanswered(analysis, at_ms)
    return breaker


def test_it_opens_after_three_calls_in_a_row_without_an_answer() -> None:
    assert not broken(A, B).is_open
    breaker = broken(A, B, C)
    assert breaker.is_open
    assert breaker.since_ms == 1000
    assert 30_000 <= breaker.until_ms - 1000 <= 30_000 * (1 + JITTER)


def test_an_answer_closes_it_and_breaks_the_row() -> None:
    breaker = broken(A, B, C)
    breaker.answered(D)
    assert not breaker.is_open
    breaker.unanswered(A, 2000)
    breaker.unanswered(B, 2000)
    assert not breaker.is_open


def pauses(*probing: UUID, times: int) -> list[int]:
    breaker, waits = broken(A, B, C), list[int]()
    for probe in range(times):
        at_ms = breaker.until_ms
        breaker.unanswered(probing[probe % len(probing)], at_ms)
        waits.append(breaker.until_ms - at_ms)
    return waits


def test_each_probe_without_an_answer_doubles_the_pause_up_to_the_longest() -> None:
    for step, wait in enumerate(pauses(A, B, times=12)):
        least = min(60_000 * 2**step, 900_000)
        assert least <= wait <= least * (1 + JITTER)


def test_one_video_that_alone_gets_no_answer_holds_up_nobody_and_waits_longer_each_time() -> None:
    breaker, waits = Breaker(), list[float]()
    for _ in range(20):
        waits.append(breaker.retry_s(A))
        breaker.unanswered(A, 1000)
        assert not breaker.is_open
    assert waits[:3] == [30, 60, 120]
    assert waits[-1] == 900 * ALONE
    assert breaker.retry_s(B) == 30
    breaker.unanswered(B, 2000)
    assert breaker.is_open


def test_calls_that_were_under_way_do_not_lengthen_the_pause() -> None:
    breaker = broken(A, B, C)
    until_ms = breaker.until_ms
    for _ in range(600):
        breaker.unanswered(D, 1500)
    assert breaker.until_ms == until_ms


def test_a_failure_counts_only_of_a_video_that_failed_before_others_were_answered() -> None:
    breaker = broken(A)
    assert not breaker.counts(A), "nobody knows whose fault it is"
    breaker.answered(B)
    assert breaker.counts(A)
    assert not breaker.counts(C)
    breaker.unanswered(C, 2000)
    assert not breaker.counts(A), "somebody else fails, too"
    breaker.answered(A)
    assert not breaker.counts(A)


def test_what_is_done_is_forgotten() -> None:
    breaker = broken(A)
    breaker.answered(B)
    breaker.forget(A)
    assert not breaker.counts(A)


@given(st.lists(st.tuples(st.sampled_from([A, B, C, D]), st.booleans(), st.integers(0, 10**6)), max_size=40))
def test_it_is_open_exactly_after_a_long_enough_row(history: list[tuple[UUID, bool, int]]) -> None:
    breaker, row, clock_ms = Breaker(), list[UUID](), 0
    for analysis, is_answered, wait_ms in history:
        clock_ms += wait_ms
        if is_answered:
            breaker.answered(analysis)
            row.clear()
        else:
            breaker.unanswered(analysis, clock_ms)
            row.append(analysis)
        assert breaker.is_open == (len(row) >= OPENS_AFTER and len(set(row)) > 1)

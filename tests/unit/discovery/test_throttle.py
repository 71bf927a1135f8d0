"""Whether YouTube refuses us: the same from its answers in any order, never for ever, and never for one asker's sake."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.discovery.throttle import FIRST_PROBE, JITTER, LAST_PROBE, Refusal, Throttle, Verdict

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BOT = "Sign in to confirm you're not a bot"


def refusal(
    asker: str, at: datetime, sentence: str = BOT, *, attempt: int = 1, unknown: bool = False
) -> Refusal:
    return Refusal(at, asker, (1, attempt), sentence, unknown)


def odd(asker: str, at: datetime, sentence: str = "Oops 12 of it") -> Refusal:
    return refusal(asker, at, sentence, unknown=True)


def judged(*answers: Refusal | datetime) -> Verdict:
    """What refusals and the times of answers that brought something come to."""
    throttle = Throttle()
    for answer in answers:
        if isinstance(answer, datetime):
            throttle.served(answer)
        else:
            throttle.refused(answer)
    return throttle.verdict()


def test_nothing_is_paused_while_everybody_is_served() -> None:
    assert judged(NOON, NOON + HOUR) == Verdict()


def test_one_refusal_pauses_everybody_and_one_answer_ends_it() -> None:
    pause = judged(NOON, refusal("a", NOON + MINUTE)).pause
    assert pause is not None
    assert (pause.since, pause.sentence, pause.client) == (NOON + MINUTE, BOT, False)
    assert FIRST_PROBE <= pause.until - pause.since <= FIRST_PROBE * (1 + JITTER)
    assert judged(NOON, refusal("a", NOON + MINUTE), NOON + HOUR).pause is None


def test_probes_go_at_growing_intervals_up_to_the_longest() -> None:
    throttle, at = Throttle(), NOON
    intervals: list[timedelta] = []
    for probe in range(12):
        throttle.refused(refusal("a", at, attempt=probe + 1))
        pause = throttle.verdict().pause
        assert pause is not None
        intervals.append(pause.until - at)
        at = pause.until
    for step, interval in enumerate(intervals):
        least = min(FIRST_PROBE * 2**step, LAST_PROBE)
        assert least <= interval <= least * (1 + JITTER)
    assert len(set(intervals)) == len(intervals), "no jitter"


def test_what_was_under_way_when_the_pause_began_makes_it_no_longer() -> None:
    crowd = [refusal(f"v{n}", NOON + n * timedelta(seconds=2)) for n in range(50)]
    pause, alone = judged(*crowd).pause, judged(crowd[0]).pause
    assert pause is not None
    assert alone is not None
    assert pause.until == alone.until


def test_the_same_unknown_sentence_to_three_askers_is_the_clients() -> None:
    two = judged(odd("a", NOON, "Oops 1"), odd("b", NOON + MINUTE, "Oops 2"))
    assert two == Verdict()
    three = judged(
        odd("a", NOON, "Oops 1"), odd("b", NOON + MINUTE, "Oops 2"), odd("c", NOON + 2 * MINUTE, "Oops 3")
    )
    assert three.pause is not None
    assert three.pause.client
    assert three.excused == {("a", (1, 1)), ("b", (1, 1)), ("c", (1, 1))}


def test_the_excuse_stays_when_youtube_serves_again() -> None:
    verdict = judged(*(odd(f"v{n}", NOON + n * MINUTE) for n in range(5)), NOON + HOUR)
    assert verdict.pause is None
    assert {asker for asker, _ in verdict.excused} == {f"v{n}" for n in range(5)}


@pytest.mark.parametrize(
    "answers",
    [
        [odd("a", NOON), odd("a", NOON + MINUTE), odd("a", NOON + 2 * MINUTE)],
        [odd("a", NOON), odd("b", NOON + MINUTE), NOON + 2 * MINUTE, odd("c", NOON + 3 * MINUTE)],
        [odd("a", NOON, "This"), odd("b", NOON + MINUTE, "That"), odd("c", NOON + 2 * MINUTE, "The other")],
    ],
    ids=["one asker three times", "one was served between", "three sentences"],
)
def test_an_unknown_sentence_alone_pauses_nobody(answers: list[Refusal | datetime]) -> None:
    assert judged(*answers) == Verdict()


def test_an_asker_that_is_refused_while_others_are_served_waits_alone() -> None:
    first = refusal("odd one", NOON)
    again = refusal("odd one", NOON + HOUR, attempt=2)
    verdict = judged(first, NOON + 30 * MINUTE, again)
    assert verdict.pause is None
    assert verdict.alone == {"odd one"}
    with_another = judged(first, NOON + 30 * MINUTE, again, refusal("b", NOON + HOUR + MINUTE))
    assert with_another.pause is not None
    assert with_another.alone == set()


def test_a_refusal_of_last_week_makes_nobody_the_odd_one() -> None:
    verdict = judged(refusal("a", NOON), NOON + HOUR, refusal("a", NOON + timedelta(days=7), attempt=2))
    assert verdict.pause is not None


TIMES = st.integers(0, 600).map(lambda minutes: NOON + minutes * MINUTE)
ANSWERS = st.lists(
    TIMES
    | st.builds(
        lambda at, asker, unknown, attempt: refusal(
            asker, at, "Oops" if unknown else BOT, attempt=attempt, unknown=unknown
        ),
        TIMES,
        st.sampled_from("abcd"),
        st.booleans(),
        st.integers(1, 3),
    ),
    max_size=30,
)


@given(ANSWERS, st.randoms(use_true_random=False))
def test_the_order_in_which_answers_are_read_changes_nothing(
    answers: list[Refusal | datetime], shuffle: object
) -> None:
    mixed = answers * 2
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    assert judged(*mixed) == judged(*answers)


@given(ANSWERS)
def test_an_answer_after_all_others_ends_any_pause(answers: list[Refusal | datetime]) -> None:
    assert judged(*answers, NOON + 601 * MINUTE).pause is None


@given(ANSWERS)
def test_a_pause_is_never_longer_than_the_longest_interval_after_its_last_refusal(
    answers: list[Refusal | datetime],
) -> None:
    pause = judged(*answers).pause
    if pause is not None:
        refused = [answer.at for answer in answers if isinstance(answer, Refusal)]
        assert pause.since <= max(refused)
        assert pause.until <= max(refused) + LAST_PROBE * (1 + JITTER)


@given(ANSWERS)
def test_in_the_order_of_time_what_was_served_before_any_refusal_may_be_forgotten(
    answers: list[Refusal | datetime],
) -> None:
    forgetful, mindful = Throttle(), Throttle()
    for answer in sorted(answers, key=lambda one: one.at if isinstance(one, Refusal) else one):
        for throttle in (forgetful, mindful):
            if isinstance(answer, Refusal):
                throttle.refused(answer)
            else:
                throttle.served(answer)
        forgetful.forget(NOON)  # no refusal is older
        assert forgetful.verdict() == mindful.verdict()

"""The pace, step by step."""

from collections.abc import Mapping

import pytest

from streams.claude.pace import BURST_CALLS, Pace, Permit
from streams.events.ledger import Usage

SHORT = Usage(input_tokens=100, output_tokens=100)


def headers(name: str, limit: int, remaining: int | None = None) -> Mapping[str, str]:
    told = {f"anthropic-ratelimit-{name}-limit": str(limit)}
    if remaining is not None:
        told[f"anthropic-ratelimit-{name}-remaining"] = str(remaining)
    return told


def begin(pace: Pace, now_s: float) -> list[Permit]:
    """As many calls as may begin now."""
    permits = []
    while pace.wait_s(now_s) <= 0:
        permits.append(pace.take(now_s))
    return permits


def full_speed(limits: Mapping[str, str]) -> Pace:
    """A pace that has had answers enough, at second 0 after a long rest."""
    pace = Pace(-10_000.0, lambda: 0.0)
    pace.learn(limits, -9_000.0)
    for second in range(10):
        pace.answered(pace.take(-8_000.0 + 100 * second), SHORT, -8_000.0 + 100 * second)
    return pace


def calls_a_minute(pace: Pace, start_s: float = 0.0) -> int:
    """What may begin in the minute after a burst."""
    begin(pace, start_s)
    return sum(len(begin(pace, start_s + second / 10)) for second in range(1, 601))


def test_it_starts_with_a_few_calls_at_once_and_fifty_a_minute() -> None:
    pace = Pace(0.0, lambda: 0.0)
    assert len(begin(pace, 0.0)) == BURST_CALLS
    assert calls_a_minute(pace) == 48


def test_the_first_headers_bring_a_part_of_the_limit_and_answers_bring_the_rest() -> None:
    pace = Pace(0.0, lambda: 0.0)
    pace.learn(headers("requests", 1000), 0.0)
    assert calls_a_minute(pace) == pytest.approx(1000 * 0.97 / 4, abs=1)
    for _ in range(50):
        pace.answered(pace.take(100.0), SHORT, 100.0)
    assert calls_a_minute(pace, 200.0) == pytest.approx(1000 * 0.97, abs=1)


def test_a_limit_below_the_start_is_kept_to_at_once() -> None:
    pace = Pace(0.0, lambda: 0.0)
    pace.learn(headers("requests", 20), 0.0)
    assert calls_a_minute(pace) == 19


def test_an_answer_after_a_long_rest_doubles_the_speed_and_no_more() -> None:
    pace = Pace(0.0, lambda: 0.0)
    pace.learn(headers("requests", 1000), 0.0)
    pace.answered(pace.take(1e9), SHORT, 1e9)
    assert calls_a_minute(pace, 1e9) == pytest.approx(1000 * 0.97 / 2, abs=1)


@pytest.mark.parametrize("told", [{}, headers("requests", 0), {"anthropic-ratelimit-requests-limit": "many"}])
def test_headers_that_say_nothing_change_nothing(told: Mapping[str, str]) -> None:
    pace = Pace(0.0, lambda: 0.0)
    pace.learn(told, 0.0)
    assert calls_a_minute(pace) == 48


def test_output_is_taken_by_the_mean_and_put_right_by_the_bill() -> None:
    """Of 970 a second: 100 were expected, 5,000 used, so the next call waits until the debt is gone."""
    pace = full_speed(headers("output-tokens", 60_000))
    permit = pace.take(0.0)
    assert permit.costs["output-tokens"] == pytest.approx(100)
    pace.answered(permit, Usage(input_tokens=1, output_tokens=5_000), 0.0)
    debt = 5_000 - 970
    expected_next = (10 * 100 + 5_000) / 11
    assert pace.wait_s(0.0) == pytest.approx((debt + expected_next) / 970)


def test_what_the_cache_gives_counts_for_nothing() -> None:
    pace = full_speed(headers("input-tokens", 60_000))
    permit = pace.take(0.0)
    pace.counted(permit, 50_000, 0.0)
    assert pace.wait_s(0.0) > 30
    cached = Usage(input_tokens=100, cache_read_input_tokens=49_900, output_tokens=100)
    pace.answered(permit, cached, 0.0)
    assert pace.wait_s(0.0) == 0


def test_how_much_of_a_prompt_is_in_the_cache_is_learnt() -> None:
    pace = Pace(0.0, lambda: 0.0)
    cached = Usage(input_tokens=100, cache_read_input_tokens=2_000, output_tokens=100)
    pace.answered(pace.take(0.0), cached, 0.0)
    permit = pace.take(10.0)
    pace.counted(permit, 2_300, 10.0)
    assert permit.costs["input-tokens"] == 300


def test_a_limit_on_both_kinds_of_tokens_binds_as_well() -> None:
    pace = full_speed(headers("tokens", 6_000))
    assert calls_a_minute(pace) == pytest.approx(6_000 * 0.97 / 200, abs=2)


def test_what_is_given_back_is_free_for_another_call_but_for_the_count() -> None:
    """Counting has a limit of its own, and it was asked for."""
    pace = Pace(0.0, lambda: 0.0)
    permits = begin(pace, 0.0)
    pace.give_back(permits[0], 0.0)
    assert pace.wait_s(0.0) == 0
    pace.asked_to_count(permits[1])
    pace.take(0.0)
    pace.give_back(permits[1], 0.0)
    assert pace.wait_s(0.0) > 0


def test_a_refusal_holds_every_call_for_the_time_it_names_and_some_chance() -> None:
    pace = Pace(0.0, lambda: 0.5)
    pace.refused(pace.take(0.0), 8.0, 1.0)
    assert pace.is_held(9.9)
    assert not pace.is_held(10.1)
    assert pace.wait_s(1.0) == pytest.approx(9.0)


def test_refusals_that_name_no_time_hold_longer_each_time_until_an_answer() -> None:
    pace, now_s, holds = full_speed(headers("requests", 60_000)), 0.0, []
    for _ in range(8):
        pace.refused(pace.take(now_s), None, now_s)
        holds.append(pace.wait_s(now_s))
        now_s += 1000
    assert holds == [1, 2, 4, 8, 16, 32, 60, 60]
    pace.answered(pace.take(now_s), SHORT, now_s)
    pace.refused(pace.take(now_s + 1000), None, now_s + 1000)
    assert pace.wait_s(now_s + 1000) == 1


def test_of_a_hundred_calls_that_one_moment_refuses_the_first_is_news() -> None:
    """The speed is halved once; answers to calls of before the refusal do not raise it either."""
    pace = full_speed(headers("requests", 6_000))
    permits = begin(pace, 0.0)
    assert len(permits) == 97
    for permit in permits[:50]:
        pace.refused(permit, None, 1.0)
    for permit in permits[50:]:
        pace.answered(permit, SHORT, 1.0)
    assert calls_a_minute(pace, 100.0) == pytest.approx(6_000 * 0.97 / 2, rel=0.01)


def test_where_remaining_says_that_others_call_too_we_take_less() -> None:
    pace = full_speed(headers("requests", 1_000, 1_000))
    for second in range(30):
        pace.learn(headers("requests", 1_000, 100), float(second))
    assert calls_a_minute(pace, 30.0) == pytest.approx(1_000 * 0.97 / 5, rel=0.02)
    for second in range(30):
        pace.learn(headers("requests", 1_000, 900), 100.0 + second)
    assert calls_a_minute(pace, 200.0) == pytest.approx(1_000 * 0.97, rel=0.02)


def test_an_end_that_nobody_knows_leaves_what_was_taken() -> None:
    pace = full_speed(headers("output-tokens", 6_000))
    permits = begin(pace, 0.0)
    waits_s = pace.wait_s(0.0)
    pace.answered(permits[0], None, 0.0)
    pace.give_back(permits[0], 0.0)
    assert pace.wait_s(0.0) == waits_s > 0

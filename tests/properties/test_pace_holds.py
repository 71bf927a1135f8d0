"""The pace against buckets of the provider's own: never above the limit, nearly all of it, and never stuck."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.claude.pace import AIM, MIN_SPEED, Bucket, Pace, Permit
from streams.events.ledger import Usage

START = {"requests": 1_000, "input-tokens": 2_000_000, "output-tokens": 400_000}


@given(
    per_s=st.floats(0.1, 1000),
    burst=st.floats(1, 2000),
    calls=st.lists(st.tuples(st.floats(0, 20), st.floats(0, 3000)), max_size=60),
)
def test_a_bucket_never_gives_more_than_rate_times_time_and_burst_in_any_window(
    per_s: float, burst: float, calls: list[tuple[float, float]]
) -> None:
    """Held against its definition over all windows; what costs more than the burst counts as the burst."""
    bucket, now_s = Bucket(per_s, burst, 0.0), 0.0
    taken: list[tuple[float, float]] = []
    for pause_s, cost in calls:
        now_s += pause_s
        now_s += bucket.wait_s(cost, now_s) * (1 + 1e-9)
        assert bucket.wait_s(cost, now_s) < 1e-6
        bucket.take(cost, now_s)
        taken.append((now_s, cost))
    for first, (begin_s, _) in enumerate(taken):
        spent = 0.0
        for at_s, cost in taken[first:]:
            allowed = per_s * (at_s - begin_s) + max(burst, cost)
            spent += cost
            assert spent <= allowed + 1e-6 * (1 + spent)


@dataclass
class Provider:
    """The provider's own buckets, by their definition: a minute's worth each, or `burst_s` seconds' worth."""

    a_minute: dict[str, int]
    burst_s: float = 60.0
    others_a_s: float = 0.0
    overload_s: tuple[float, float] = (0.0, 0.0)
    levels: dict[str, float] = field(init=False)
    at_s: float = 0.0

    def __post_init__(self) -> None:
        self.levels = {name: limit * self.burst_s / 60 for name, limit in self.a_minute.items()}

    def ask(self, now_s: float, fresh: int, output: int) -> tuple[bool, dict[str, str]]:
        """Whether it takes the call, and what it says of the limits."""
        passed_s, self.at_s = now_s - self.at_s, now_s
        others = {"requests": self.others_a_s}
        for name, limit in self.a_minute.items():
            gained = passed_s * (limit / 60 - others.get(name, 0.0))
            self.levels[name] = min(limit * self.burst_s / 60, max(0.0, self.levels[name] + gained))
        wanted = {"requests": 1, "input-tokens": fresh, "output-tokens": 1}
        start_s, end_s = self.overload_s
        takes = all(self.levels[name] >= wanted[name] for name in self.a_minute)
        takes = takes and not start_s <= now_s < end_s
        if takes:
            used = {**wanted, "output-tokens": output}
            self.levels = {name: level - used[name] for name, level in self.levels.items()}
        told = {}
        for name, limit in self.a_minute.items():
            left = int(max(0.0, self.levels[name]) * 60 / self.burst_s)
            told[f"anthropic-ratelimit-{name}-limit"] = str(limit)
            told[f"anthropic-ratelimit-{name}-remaining"] = str(left)
        return takes, told


@dataclass
class Result:
    """What was answered, as (second it was sent, what it used), and the seconds in which calls were refused."""

    answered: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    refused_s: list[float] = field(default_factory=list)

    def a_minute(self, name: str, start_s: float, end_s: float) -> float:
        """Of one limit, used a minute in a stretch of time."""
        return (
            sum(used[name] for at_s, used in self.answered if start_s <= at_s < end_s)
            * 60
            / (end_s - start_s)
        )


def run(
    provider: Provider, chance: random.Random, until_s: float, draw: Callable[[], tuple[int, int, int]]
) -> Result:
    """Always more to do; calls take 20 to 40 seconds. `draw`: counted, fresh and output tokens of the next call."""
    pace, result, order = Pace(0.0, chance.random), Result(), count()
    ends: list[tuple[float, int, Callable[[float], None]]] = []
    again: deque[tuple[int, int, int]] = deque()
    now_s = 0.0

    def send(now_s: float) -> None:
        permit = pace.take(now_s)
        tokens = again.popleft() if again else draw()
        counted, fresh, output = tokens
        pace.counted(permit, counted, now_s)
        takes, told = provider.ask(now_s, fresh, output)

        def refused(now_s: float) -> None:
            result.refused_s.append(now_s)
            again.append(tokens)
            pace.learn(told, now_s)
            pace.refused(permit, None, now_s)

        def answered(now_s: float) -> None:
            used = {"requests": 1, "input-tokens": fresh, "output-tokens": output}
            result.answered.append((permit.at_s, used))
            pace.learn(told, now_s)
            usage = Usage(input_tokens=fresh, output_tokens=output, cache_read_input_tokens=counted - fresh)
            pace.answered(permit, usage, now_s)

        after_s = chance.uniform(20, 40) if takes else 0.1
        heappush(ends, (now_s + after_s, next(order), answered if takes else refused))

    while now_s < until_s:
        wait_s = pace.wait_s(now_s)
        if wait_s <= 1e-9:
            send(now_s)
        elif ends and ends[0][0] <= now_s + wait_s:
            now_s, _, end = heappop(ends)
            end(now_s)
        else:
            now_s += wait_s + 1e-6
    return result


def draws(chance: random.Random) -> Callable[[], tuple[int, int, int]]:
    """Transcripts of very different lengths, 1,500 tokens of each in the cache."""

    def draw() -> tuple[int, int, int]:
        fresh = int(chance.lognormvariate(9, 0.7))
        return fresh + 1_500, fresh, int(chance.lognormvariate(7, 0.5))

    return draw


@pytest.mark.parametrize(
    ("a_minute", "bound", "burst_s"),
    [
        (START, "input-tokens", 60),
        ({**START, "input-tokens": 90_000_000}, "output-tokens", 60),
        ({"requests": 1_000}, "requests", 60),
        ({"requests": 1_000}, "requests", 2),
        ({"requests": 50}, "requests", 60),
        ({"requests": 50, "input-tokens": 400_000, "output-tokens": 80_000}, "input-tokens", 60),
    ],
)
def test_nearly_all_of_the_limit_is_used_and_nothing_refused(
    a_minute: dict[str, int], bound: str, burst_s: float
) -> None:
    """Whichever limit binds: 0.95 of it and more from the third minute on, and no refusal from the first call on."""
    chance = random.Random(7)
    result = run(Provider(a_minute, burst_s), chance, 480, draws(chance))
    assert 0.95 < result.a_minute(bound, 180, 440) / a_minute[bound] < 1
    assert result.refused_s == []


@pytest.mark.parametrize("others", [0.4, 0.8])
def test_who_else_uses_the_account_keeps_what_they_take_and_we_take_the_rest(others: float) -> None:
    """No header speaks of them; `remaining` does."""
    chance = random.Random(7)
    provider = Provider({"requests": 1_000}, others_a_s=others * 1_000 / 60)
    result = run(provider, chance, 900, draws(chance))
    assert result.a_minute("requests", 300, 860) == pytest.approx(1_000 * (1 - others), rel=0.05)
    assert [at_s for at_s in result.refused_s if at_s > 300] == []


@pytest.mark.parametrize("limit", [50, 400])
def test_after_minutes_of_overload_it_is_soon_as_fast_as_before(limit: int) -> None:
    """While every call is refused few are made; five minutes after the end nearly all of the limit is used again."""
    chance = random.Random(7)
    provider = Provider({"requests": limit}, overload_s=(300, 600))
    result = run(provider, chance, 1_200, draws(chance))
    assert 0 < len(result.refused_s) < 300
    assert result.a_minute("requests", 900, 1_160) > 0.95 * limit


@given(
    st.lists(
        st.tuples(
            st.floats(0, 100),
            st.sampled_from(["begin", "answer", "unknown", "refuse", "give back"]),
            st.integers(0, 400_000),
            st.one_of(st.none(), st.floats(0, 60)),
            st.one_of(st.none(), st.tuples(st.integers(5, 100_000), st.floats(0, 1))),
        ),
        max_size=80,
    )
)
def test_whatever_happened_the_next_call_may_begin_in_time(
    history: list[tuple[float, str, int, float | None, tuple[int, float] | None]],
) -> None:
    """No starvation: all that was held and all that was overdrawn is over after a bounded time, and not before."""
    pace, now_s, permits = Pace(0.0, lambda: 1.0), 0.0, deque[Permit]()
    limit, overdrawn = 50, 1.0
    for pause_s, what, tokens, retry_after_s, told in history:
        now_s += pause_s
        if told is not None:
            limit = told[0]
            remaining = str(int(limit * told[1]))
            names = {"limit": str(limit), "remaining": remaining}
            pace.learn(
                {f"anthropic-ratelimit-requests-{name}": value for name, value in names.items()}, now_s
            )
        if what == "begin" and pace.wait_s(now_s) <= 0:
            permits.append(pace.take(now_s))
        if not permits:
            continue
        match what:
            case "answer":
                pace.answered(permits.popleft(), Usage(input_tokens=tokens, output_tokens=tokens), now_s)
            case "unknown":
                pace.answered(permits.popleft(), None, now_s)
            case "refuse":
                pace.refused(permits.popleft(), retry_after_s, now_s)
            case "give back":
                pace.give_back(permits.popleft(), now_s)
    assert pace.wait_s(now_s) <= 60 * 1.25 + overdrawn * 60 / (AIM * limit * MIN_SPEED)
    wait_s = pace.wait_s(now_s)
    if wait_s > 1e-6:
        assert pace.wait_s(now_s + wait_s / 2) > 0
    assert pace.wait_s(now_s + wait_s + 1e-6) < 1e-6

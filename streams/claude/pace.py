"""How fast a model may be asked: token buckets that the provider's headers teach. Time and chance are passed in.

- Each limit has a bucket here that fills to AIM of it, with a small burst: the provider's own, which holds a minute's
  worth, then stays full, and nothing is refused.
- Before the first headers: START_A_MINUTE. Then SLOW_START of the limit, and from there more with every answer.
- A refusal holds every call and halves the speed, which then grows again in the same way.
- Where `remaining` sinks below half of a limit, somebody else uses it too: we take that much less.
- Output tokens are taken by the mean of the answers so far, input tokens by the provider's count, and both are put
  right by the bill. What is read from the cache counts for nothing, and so does `max_tokens`.
- Counting tokens has its own limit, which no header reports; it was never below the limit for messages, so it gets a
  bucket of that size.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from streams.events.ledger import Usage

AIM = 0.97
START_A_MINUTE = 50
"""No paid account was ever allowed less."""
SLOW_START = 0.25
GAIN = 1.03
"""What an answer multiplies the speed by, at least: where answers are rare it doubles in DOUBLING_S seconds."""
DOUBLING_S = 10.0
MIN_SPEED = 1 / 16
MIN_SHARE = 1 / 16
SMOOTH_S = 5.0
"""Over how many seconds `remaining` is smoothed."""
BURST_CALLS = 4
BURST_S = (1.0, 10.0)
"""What may go at once: BURST_CALLS calls, but no less and no more than is regained in so many seconds."""
BACKOFF_S = 1.0
MAX_BACKOFF_S = 60.0
JITTER = 0.25
"""How much longer than asked to hold at most, as a share, so that several analysts do not return at once."""
MEAN_OF = 50
COUNTS = "counts"
REQUESTS = "requests"
INPUT, OUTPUT, BOTH = "input-tokens", "output-tokens", "tokens"


@dataclass
class Bucket:
    """A token bucket, full at first: `per_s` tokens a second, `burst` at most.

    What costs more than the burst goes once the bucket is full, and leaves a debt.
    """

    per_s: float
    burst: float
    at_s: float
    level: float = field(init=False)

    def __post_init__(self) -> None:
        self.level = self.burst

    def wait_s(self, cost: float, now_s: float) -> float:
        """Seconds until `cost` may be taken."""
        self._fill(now_s)
        return max(0.0, min(cost, self.burst) - self.level) / self.per_s

    def take(self, cost: float, now_s: float) -> None:
        """Take `cost`, which may be negative: given back."""
        self._fill(now_s)
        self.level -= cost

    def tune(self, per_s: float, burst: float, now_s: float) -> None:
        """Go on at another rate."""
        self._fill(now_s)
        self.per_s, self.burst = per_s, burst

    def _fill(self, now_s: float) -> None:
        self.level = min(self.burst, self.level + self.per_s * max(0.0, now_s - self.at_s))
        self.at_s = max(self.at_s, now_s)


@dataclass
class _Mean:
    """The mean of the last MEAN_OF or so values; `value` before the first is a guess."""

    value: float
    seen: int = 0

    def add(self, value: float) -> None:
        self.seen = min(self.seen + 1, MEAN_OF)
        self.value += (value - self.value) / self.seen


@dataclass
class Permit:
    """Leave for one call, given at `at_s`: what was taken for it and can still be given back, by limit."""

    at_s: float
    costs: dict[str, float]


class Pace:
    """The pace of one model. Times are seconds on one steady clock; `chance` gives numbers from 0 to 1."""

    def __init__(self, now_s: float, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._limits: dict[str, float] = {REQUESTS: START_A_MINUTE, COUNTS: START_A_MINUTE}
        self._taught = False
        self._remaining: dict[str, float] = {}
        self._learnt_at_s = float("-inf")
        self._speed = 1.0
        self._grown_at_s = now_s
        self._held_at_s = self._held_until_s = float("-inf")
        self._refusals = 0
        self._fresh, self._cached, self._output = _Mean(10_000), _Mean(0), _Mean(1_500)
        self._buckets: dict[str, Bucket] = {}
        self._tune(now_s)

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next call may begin."""
        costs = self._costs()
        waits = (bucket.wait_s(costs[name], now_s) for name, bucket in self._buckets.items())
        return max(self._held_until_s - now_s, *waits, 0.0)

    @property
    def calls_per_s(self) -> float:
        """How many calls may begin a second, as far as their number is limited."""
        return self._buckets[REQUESTS].per_s

    @property
    def held_until_s(self) -> float:
        """Until when the provider asked us to wait; long ago where it never did."""
        return self._held_until_s

    def is_held(self, now_s: float) -> bool:
        """Whether the provider asked us to wait."""
        return now_s < self._held_until_s

    def take(self, now_s: float) -> Permit:
        """Leave for a call that begins now: `wait_s` was 0."""
        costs = self._costs()
        for name, bucket in self._buckets.items():
            bucket.take(costs[name], now_s)
        return Permit(now_s, costs)

    def give_back(self, permit: Permit, now_s: float) -> None:
        """Nothing was sent: what is left of the permit is free for another call."""
        for name, cost in permit.costs.items():
            if name in self._buckets:
                self._buckets[name].take(-cost, now_s)
        permit.costs.clear()

    def asked_to_count(self, permit: Permit) -> None:
        """Tokens were counted, or the provider was asked to."""
        permit.costs.pop(COUNTS, None)

    def counted(self, permit: Permit, input_tokens: int, now_s: float) -> None:
        """The call's prompt has so many tokens, as much of them in the cache as is usual."""
        self._correct(permit, max(0.0, input_tokens - self._cached.value), permit.costs[OUTPUT], now_s)

    def answered(self, permit: Permit, usage: Usage | None, now_s: float) -> None:
        """The call has ended, with this usage; None where it ended in nobody knows what."""
        if usage is not None:
            fresh = usage.input_tokens + usage.cache_creation_input_tokens
            self._fresh.add(fresh)
            self._cached.add(usage.cache_read_input_tokens)
            self._output.add(usage.output_tokens)
            self._correct(permit, fresh, usage.output_tokens, now_s)
            # Calls that began before the last refusal say nothing about the time since.
            if permit.at_s > self._held_at_s:
                self._refusals = 0
                growth = max(GAIN, 2 ** min(1.0, (now_s - self._grown_at_s) / DOUBLING_S))
                self._grown_at_s = now_s
                self._speed = min(1.0, self._speed * growth)
                self._tune(now_s)
        permit.costs.clear()

    def refused(self, permit: Permit, retry_after_s: float | None, now_s: float) -> None:
        """The provider took no call: hold all of them for as long as it says, or else longer each time.

        It was a request all the same; its tokens are free for another.
        """
        permit.costs.pop(REQUESTS, None)
        self.give_back(permit, now_s)
        if permit.at_s > self._held_at_s:
            # Of all the calls that one bad moment refuses, the first is news.
            self._held_at_s = now_s
            self._refusals += 1
            self._speed = max(MIN_SPEED, self._speed / 2)
            self._tune(now_s)
        wait_s = retry_after_s or min(MAX_BACKOFF_S, BACKOFF_S * 2 ** (self._refusals - 1))
        until_s = now_s + wait_s * (1 + JITTER * self._chance())
        self._held_until_s = max(self._held_until_s, until_s)

    def learn(self, headers: Mapping[str, str], now_s: float) -> None:
        """Take in what the headers of a response to a call say of the limits."""
        # By the time that has passed: of many responses at once, one counts.
        weight = min(1.0, (now_s - self._learnt_at_s) / SMOOTH_S)
        for name in (REQUESTS, INPUT, OUTPUT, BOTH):
            limit = _number(headers, f"anthropic-ratelimit-{name}-limit")
            if not limit:
                continue
            self._limits[name] = limit
            remaining = _number(headers, f"anthropic-ratelimit-{name}-remaining")
            if remaining is not None:
                self._learnt_at_s = now_s
                before = self._remaining.get(name, 1.0)
                self._remaining[name] = before + weight * (remaining / limit - before)
            if name == REQUESTS:
                self._limits[COUNTS] = limit
                if not self._taught:
                    self._taught = True
                    self._speed = min(self._speed, max(SLOW_START, START_A_MINUTE / limit))
        self._tune(now_s)

    def _costs(self) -> dict[str, float]:
        fresh, output = self._fresh.value, self._output.value
        return {REQUESTS: 1, COUNTS: 1, INPUT: fresh, OUTPUT: output, BOTH: fresh + output}

    def _correct(self, permit: Permit, fresh: float, output: float, now_s: float) -> None:
        for name, cost in ((INPUT, fresh), (OUTPUT, output), (BOTH, fresh + output)):
            if name in self._buckets:
                self._buckets[name].take(cost - permit.costs[name], now_s)
            permit.costs[name] = cost

    def _tune(self, now_s: float) -> None:
        costs = self._costs()
        for name, limit in self._limits.items():
            share = max(MIN_SHARE, 2 * self._remaining.get(name, 1.0))
            per_s = AIM * limit / 60 * min(self._speed, share)
            least_s, most_s = BURST_S
            burst = min(max(BURST_CALLS * costs[name], per_s * least_s), per_s * most_s)
            if name in self._buckets:
                self._buckets[name].tune(per_s, burst, now_s)
            else:
                self._buckets[name] = Bucket(per_s, burst, now_s)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return int(value) if value.isdecimal() else None

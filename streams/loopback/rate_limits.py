"""The loopback Claude's rate limits: token buckets as the API documents them, reported in its headers.

A bucket fills continuously. What an answer costs in output tokens is known only once it is written, so it may leave a
debt; requests and input tokens are taken before the call. Buckets that are not enforced are only reported.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor
from typing import Any

START_TIER = {"requests": 1_000, "input-tokens": 2_000_000, "output-tokens": 400_000}
"""What a model allows a minute on the lowest paid tier."""


@dataclass
class _Bucket:
    a_minute: int
    size: float
    level: float
    at: datetime | None = None

    def fill(self, now: datetime) -> None:
        if self.at is not None and now > self.at:
            gained = self.a_minute * ((now - self.at) / timedelta(minutes=1))
            self.level = min(self.size, self.level + gained)
        self.at = now

    def wait(self, wanted: float) -> timedelta:
        return timedelta(minutes=max(0.0, wanted - self.level) / self.a_minute)


class Limits:
    """What a minute allows, by the names of the headers. The buckets hold `burst_s` seconds' worth and begin full."""

    def __init__(
        self, a_minute: Mapping[str, int] = START_TIER, *, enforced: bool = False, burst_s: float = 60.0
    ) -> None:
        self._enforced = enforced
        self._burst_s = burst_s
        self._buckets = {
            name: _Bucket(limit, limit * burst_s / 60, limit * burst_s / 60)
            for name, limit in a_minute.items()
        }

    def refuse(self, now: datetime, input_tokens: int) -> int | None:
        """Seconds after which to ask again where a request must be refused now; None where it may go."""
        if not self._enforced:
            return None
        self._fill(now)
        wanted = {"requests": 1, "input-tokens": input_tokens, "output-tokens": 1}
        wait = max(bucket.wait(wanted[name]) for name, bucket in self._buckets.items())
        return ceil(wait.total_seconds()) or None

    def spend(self, now: datetime, usage: Mapping[str, Any]) -> None:
        """Take what one request used; tokens read from the cache are free of limits."""
        self._fill(now)
        inputs = usage["input_tokens"] + usage["cache_creation_input_tokens"]
        used = {"requests": 1, "input-tokens": inputs, "output-tokens": usage["output_tokens"]}
        for name, bucket in self._buckets.items():
            bucket.level -= used[name]

    def headers(self, now: datetime) -> dict[str, str]:
        """The headers as of `now`: what remains in terms of a minute; a reset is when the bucket is full again."""
        self._fill(now)
        reported = {}
        for name, bucket in self._buckets.items():
            full = now + bucket.wait(bucket.size)
            reported[f"anthropic-ratelimit-{name}-limit"] = str(bucket.a_minute)
            reported[f"anthropic-ratelimit-{name}-remaining"] = str(
                max(0, floor(bucket.level * 60 / self._burst_s))
            )
            reported[f"anthropic-ratelimit-{name}-reset"] = full.strftime("%Y-%m-%dT%H:%M:%SZ")
        return reported

    def _fill(self, now: datetime) -> None:
        for bucket in self._buckets.values():
            bucket.fill(now)

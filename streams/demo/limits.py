"""The rate-limit headers of the loopback Claude: honest about the last minute, and not enforced."""

from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

A_MINUTE = {"requests": 1_000, "input-tokens": 2_000_000, "output-tokens": 400_000}


class Limits:
    """What was spent within the last minute, against what a minute allows."""

    def __init__(self) -> None:
        self._spent: deque[tuple[datetime, Counter[str]]] = deque()
        self._used: Counter[str] = Counter()

    def spend(self, at: datetime, usage: Mapping[str, Any]) -> None:
        """Count one request; tokens read from the cache are free of limits."""
        inputs = usage["input_tokens"] + usage["cache_creation_input_tokens"]
        spent = Counter({"requests": 1, "input-tokens": inputs, "output-tokens": usage["output_tokens"]})
        self._spent.append((at, spent))
        self._used.update(spent)

    def headers(self, now: datetime) -> dict[str, str]:
        """The headers as of `now`; a reset is when the bucket is full again."""
        while self._spent and self._spent[0][0] < now - timedelta(minutes=1):
            self._used.subtract(self._spent.popleft()[1])
        told = {}
        for name, limit in A_MINUTE.items():
            full = now + timedelta(minutes=self._used[name] / limit)
            told[f"anthropic-ratelimit-{name}-limit"] = str(limit)
            told[f"anthropic-ratelimit-{name}-remaining"] = str(max(0, limit - self._used[name]))
            told[f"anthropic-ratelimit-{name}-reset"] = full.strftime("%Y-%m-%dT%H:%M:%SZ")
        return told

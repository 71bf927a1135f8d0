"""What the analyst's metrics show of its state."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from streams import metrics
from streams.analysis.state import AnalystState
from streams.budget.account import Charges
from streams.budget.ledger import DAY_MS, Ledger
from streams.budget.limits import Limits
from streams.bulletin import Trouble
from streams.clock import Clock
from streams.events.event import LANES, Lane


def charged_usd(charges: Charges, ledger: Ledger, now_ms: int) -> Decimal:
    """What is charged at `now_ms`: the ledger's clock moves with its records, and a new day may have none yet."""
    is_today = (now_ms - ledger.day_start_ms) // DAY_MS <= ledger.day
    return charges.total if is_today else charges.open


@dataclass
class Gauges:
    """Sets the gauges of money, requests and retries, as often as the analyst looks round."""

    state: AnalystState
    limits: Limits
    now: Clock
    throttled: metrics.Stopwatch = field(default_factory=lambda: metrics.Stopwatch("claude"))

    def set(self, troubles: Iterable[Trouble]) -> None:
        """Show the state as it is now, with what keeps the analyst from its work."""
        ledger, now_ms = self.state.ledger, int(self.now().timestamp() * 1000)
        day_left = self.limits.cap_usd - charged_usd(ledger.charges, ledger, now_ms)
        waiting = Counter[Lane]()
        for (lane, _), count in self.state.queue.waiting.items():
            waiting[lane] += count
        for lane in LANES:
            charged, cap = charged_usd(ledger.lanes[lane], ledger, now_ms), self.limits.lane_cap_usd(lane)
            metrics.CHARGED_USD.labels(lane).set(float(charged))
            metrics.CAP_USD.labels(lane).set(float(cap))
            metrics.LEFT_USD.labels(lane).set(float(max(Decimal(0), min(day_left, cap - charged))))
            metrics.WAITING.labels(lane).set(waiting[lane])
        metrics.RETRIES.labels("analyses").set(len(ledger.calls))
        # What a pace is held for is counted where it is asked for (`streams/claude/calls.py`).
        self.throttled.note(is_on=any(trouble.kind == "claude-paused" for trouble in troubles))

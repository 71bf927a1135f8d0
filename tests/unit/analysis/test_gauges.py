"""What the analyst's metrics show of its ledger."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from streams import metrics
from streams.analysis.gauges import Gauges, charged_usd
from streams.analysis.state import AnalystState
from streams.budget.books import Books
from streams.budget.ledger import DAY_MS, Ledger
from streams.budget.limits import Limits

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
LIMITS = Limits(Decimal(5), Decimal("0.4"), Decimal("0.5"), calls_in_flight=8, call_timeout_s=120)


def ledger_at(moment: datetime) -> Ledger:
    ledger = Ledger(clock_ms=int(moment.timestamp() * 1000))
    for charges in (ledger.charges, ledger.lanes["backfill"]):
        charges.open, charges.closed_today = Decimal("0.25"), Decimal("1.5")
    return ledger


def shown(name: str, lane: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(f"earmark_{name}_usd", {"lane": lane})


def test_a_lane_has_left_what_its_share_and_the_day_leave_it() -> None:
    state = AnalystState(lambda _id, _verdict: None, Books(ledger_at(NOON)))
    Gauges(state, LIMITS, lambda: NOON).set([])
    assert (shown("charged", "backfill"), shown("cap", "backfill")) == (1.75, 2.0)
    assert (shown("left", "live"), shown("left", "backfill"), shown("left", "replay")) == (3.25, 0.25, 2.5)


def test_a_new_day_begins_without_a_record_of_it() -> None:
    """The ledger's clock moves with its records; what is open then is charged on the new day, too."""
    ledger = ledger_at(NOON)
    next_day_ms = int((NOON + timedelta(hours=13)).timestamp() * 1000)
    assert next_day_ms // DAY_MS == ledger.day + 1
    assert charged_usd(ledger.charges, ledger, next_day_ms) == Decimal("0.25")
    assert charged_usd(ledger.charges, ledger, next_day_ms - 2 * 3_600_000) == Decimal("1.75")

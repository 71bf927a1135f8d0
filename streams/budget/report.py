"""What a UTC day's budget came to, as the ledger has it.

Verdicts are those of the ledger's own fold. A claim stands in the day of its append, as in the read model's
daily_costs; held past midnight it is charged to the days after as well, and stands there as carried over.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from streams.budget.account import ZERO
from streams.budget.entries import Claim, Settlement, read_entry
from streams.budget.ledger import DAY_MS, Ledger
from streams.events.event import LANES, Lane
from streams.events.record import Record


@dataclass(frozen=True)
class Spent:
    """What the claims of one lane and model came to, US dollars; `attempts`: those that called, or may yet call.

    Unknown: what may have been billed and is charged in full. Open: reserved by claims that are under way.
    """

    attempts: int = 0
    completed: int = 0
    billed_usd: Decimal = ZERO
    unknown_usd: Decimal = ZERO
    open_usd: Decimal = ZERO

    @property
    def charged_usd(self) -> Decimal:
        """All of it."""
        return self.billed_usd + self.unknown_usd + self.open_usd

    def __add__(self, more: "Spent") -> "Spent":
        return Spent(
            self.attempts + more.attempts,
            self.completed + more.completed,
            self.billed_usd + more.billed_usd,
            self.unknown_usd + more.unknown_usd,
            self.open_usd + more.open_usd,
        )


@dataclass(frozen=True)
class Report:
    """A day's budget. Caps are those last claimed against on that day: `cap_usd` null where nothing was claimed.

    `foreign`: records in all of the ledger that were never Earmark's, and count nowhere.
    """

    day: date
    cap_usd: Decimal | None
    lane_caps_usd: Mapping[Lane, Decimal]
    spent: Mapping[tuple[Lane, str], Spent]
    carried_usd: Mapping[Lane, Decimal]
    alarms: tuple[str, ...]
    foreign: int = 0

    def charged_usd(self, lane: Lane | None = None) -> Decimal:
        """What is charged to the day, in all or in one lane: its own claims and what was carried over."""
        own = (spent.charged_usd for (name, _), spent in self.spent.items() if lane in {None, name})
        carried = (usd for name, usd in self.carried_usd.items() if lane in {None, name})
        return sum(own, ZERO) + sum(carried, ZERO)

    def left_usd(self, cap_usd: Decimal) -> Decimal:
        """What a cap leaves of the day."""
        return max(cap_usd - self.charged_usd(), ZERO)

    def lane_left_usd(self, lane: Lane) -> Decimal | None:
        """What a lane may still spend of the day; null where nothing was claimed in it."""
        if self.cap_usd is None or lane not in self.lane_caps_usd:
            return None
        return max(min(self.left_usd(self.cap_usd), self.lane_caps_usd[lane] - self.charged_usd(lane)), ZERO)

    @property
    def ends(self) -> datetime:
        """The midnight at which the next day begins."""
        return datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC) + timedelta(days=1)


class _Bill(msgspec.Struct, frozen=True, gc=False):
    """What the rules of the ledger have no need of in a BudgetSettled."""

    usage: dict[str, int] | None


_BILLS = msgspec.json.Decoder(_Bill)


@dataclass(frozen=True, slots=True)
class _Settled:
    settlement: Settlement
    clock_ms: int
    usage_known: bool


@dataclass(slots=True)
class _Claimed:
    claim: Claim
    granted: bool
    appended_ms: int
    settled: _Settled | None = None

    @property
    def deadline_ms(self) -> int:
        return self.appended_ms + self.claim.hold_s * 1000

    @property
    def settled_in_time(self) -> _Settled | None:
        """What settled it; a denied claim never expires, so nothing is too late for it."""
        on_time = self.settled is not None and (
            not self.granted or max(self.settled.clock_ms, self.appended_ms) < self.deadline_ms
        )
        return self.settled if on_time else None

    @property
    def until_ms(self) -> int:
        """The last moment at which it is charged, if no record that is still to come says otherwise."""
        settled = self.settled_in_time
        return self.deadline_ms if settled is None else max(settled.clock_ms, self.appended_ms)


@dataclass
class Budget:
    """The fold: give it every record of the ledger, then ask for the report."""

    day: date
    ledger: Ledger = field(default_factory=Ledger)
    _claims: dict[UUID, _Claimed] = field(default_factory=dict)
    _early: dict[UUID, _Settled] = field(default_factory=dict)
    _cap_usd: Decimal | None = None
    _lane_caps_usd: dict[Lane, Decimal] = field(default_factory=dict)
    _alarms: list[str] = field(default_factory=list)
    _foreign: int = 0

    @property
    def _number(self) -> int:
        return (self.day - date(1970, 1, 1)).days

    def apply(self, record: Record) -> None:
        """Fold one record. Raises LedgerError."""
        entry = read_entry(record)
        if entry is None:
            self._foreign += 1
            return
        verdict = self.ledger.apply(entry, record.offset, record.timestamp_ms)
        if isinstance(entry, Claim) and verdict != "duplicate":
            self._claim(entry, granted=verdict == "granted")
        elif isinstance(entry, Settlement):
            self._settle(entry, record)
        alarm = self.ledger.alarm
        if alarm is not None and alarm not in self._alarms and self.ledger.day == self._number:
            self._alarms.append(alarm)

    def _claim(self, claim: Claim, *, granted: bool) -> None:
        settled = self._early.pop(claim.attempt_id, None)
        claimed = _Claimed(claim, granted, self.ledger.clock_ms, settled)
        if self.ledger.day == self._number:
            self._cap_usd = claim.cap_usd
            self._lane_caps_usd[claim.lane] = claim.lane_cap_usd
        # A granted claim ends at its deadline; one without a grant whenever somebody settles it.
        if self.ledger.day <= self._number and (not granted or self._number <= claimed.deadline_ms // DAY_MS):
            self._claims[claim.attempt_id] = claimed

    def _settle(self, settlement: Settlement, record: Record) -> None:
        attempt_id = settlement.attempt_id
        claimed = self._claims.get(attempt_id)
        if claimed is None and self.ledger.is_claimed(attempt_id):
            return
        settled = _Settled(
            settlement, self.ledger.clock_ms, _BILLS.decode(record.value or b"").usage is not None
        )
        if claimed is None:
            self._early.setdefault(attempt_id, settled)
        elif claimed.settled is None:
            claimed.settled = settled
            if not claimed.granted and settlement.usd == 0:
                del self._claims[attempt_id]

    def report(self) -> Report:
        """The day as it stands after the last record."""
        spent: dict[tuple[Lane, str], Spent] = defaultdict(Spent)
        carried_usd: dict[Lane, Decimal] = defaultdict(Decimal)
        for claimed in self._claims.values():
            claim = claimed.claim
            came_to = self._came_to(claimed)
            if claimed.appended_ms // DAY_MS == self._number:
                spent[claim.lane, claim.model] += came_to
            elif claimed.until_ms // DAY_MS >= self._number:
                carried_usd[claim.lane] += came_to.charged_usd
        return Report(
            day=self.day,
            cap_usd=self._cap_usd,
            lane_caps_usd=self._lane_caps_usd,
            spent={name: sums for name, sums in sorted(spent.items(), key=_place) if sums.attempts},
            carried_usd={lane: usd for lane, usd in carried_usd.items() if usd},
            alarms=tuple(self._alarms),
            foreign=self._foreign,
        )

    def _came_to(self, claimed: _Claimed) -> Spent:
        settled = claimed.settled_in_time
        if settled is not None:
            bill = settled.settlement
            if bill.usd == 0 and (bill.outcome == "not_called" or not claimed.granted):
                return Spent()
            completed = int(bill.outcome == "completed")
            if bill.usd > 0 and not settled.usage_known:
                return Spent(1, completed, unknown_usd=bill.usd)
            return Spent(1, completed, billed_usd=bill.usd)
        if not claimed.granted:
            return Spent()
        if self.ledger.clock_ms < claimed.deadline_ms:
            return Spent(1, open_usd=claimed.claim.usd)
        # daily_costs counts an answer that came too late as completed, too.
        late = claimed.settled is not None and claimed.settled.settlement.outcome == "completed"
        return Spent(1, int(late), unknown_usd=claimed.claim.usd)


def _place(item: tuple[tuple[Lane, str], Spent]) -> tuple[int, str]:
    (lane, model), _ = item
    return LANES.index(lane), model

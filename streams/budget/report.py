"""What a UTC day's budget came to, as the ledger has it.

Verdicts are those of the ledger's own fold. A claim stands in the day of its append, as in the read model's
daily_costs; held past midnight it is charged to the days after as well, and stands there as carried over.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from streams.budget.account import ZERO
from streams.budget.entries import Claim, Entry, Settlement
from streams.budget.ledger import DAY_MS, Ledger, Verdict
from streams.events.event import LANES, Lane


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


@dataclass(frozen=True, slots=True)
class _Settled:
    settlement: Settlement
    clock_ms: int


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

    def came_to(self, clock_ms: int) -> Spent:
        """What it is charged at a time of the ledger's clock; for good once it is settled."""
        settled = self.settled_in_time
        if settled is not None:
            bill = settled.settlement
            if bill.usd == 0 and (bill.outcome == "not_called" or not self.granted):
                return Spent()
            completed = int(bill.outcome == "completed")
            if bill.usd > 0 and bill.usage is None:
                return Spent(1, completed, unknown_usd=bill.usd)
            return Spent(1, completed, billed_usd=bill.usd)
        if not self.granted:
            return Spent()
        if clock_ms < self.deadline_ms:
            return Spent(1, open_usd=self.claim.usd)
        # daily_costs counts an answer that came too late as completed, too.
        late = self.settled is not None and self.settled.settlement.outcome == "completed"
        return Spent(1, int(late), unknown_usd=self.claim.usd)


@dataclass
class _Day:
    """What a day came to by claims that are settled, and the caps last claimed against on it."""

    cap_usd: Decimal | None = None
    lane_caps_usd: dict[Lane, Decimal] = field(default_factory=dict)
    spent: dict[Lane, dict[str, Spent]] = field(default_factory=dict)
    carried_usd: dict[Lane, Decimal] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)

    def spend(self, claim: Claim, more: Spent) -> None:
        of_lane = self.spent.setdefault(claim.lane, {})
        of_lane[claim.model] = of_lane.get(claim.model, Spent()) + more

    def carry(self, claim: Claim, usd: Decimal) -> None:
        self.carried_usd[claim.lane] = self.carried_usd.get(claim.lane, ZERO) + usd


@dataclass
class Days:
    """What every day came to: a fold beside the ledger's, which is given each entry after the ledger has folded it.

    A settled claim is a sum of its day, and of those it was carried over to; only the others are kept one by one.
    """

    by_number: dict[int, _Day] = field(default_factory=dict)
    foreign: int = 0
    _unsettled: dict[UUID, _Claimed] = field(default_factory=dict)
    _early: dict[UUID, _Settled] = field(default_factory=dict)

    def take(self, entry: Entry, verdict: Verdict | None, ledger: Ledger) -> None:
        """Fold an entry with the ledger's verdict on it."""
        if isinstance(entry, Claim) and verdict != "duplicate":
            self._claim(entry, verdict == "granted", ledger)
        elif isinstance(entry, Settlement):
            self._settle(entry, ledger)
        if ledger.alarm is not None and ledger.alarm not in (alarms := self._day(ledger.day).alarms):
            alarms.append(ledger.alarm)

    def _day(self, number: int) -> _Day:
        return self.by_number.setdefault(number, _Day())

    def _claim(self, claim: Claim, granted: bool, ledger: Ledger) -> None:  # noqa: FBT001
        day = self._day(ledger.day)
        day.cap_usd = claim.cap_usd
        day.lane_caps_usd[claim.lane] = claim.lane_cap_usd
        claimed = _Claimed(claim, granted, ledger.clock_ms, self._early.pop(claim.attempt_id, None))
        if claimed.settled is None:
            self._unsettled[claim.attempt_id] = claimed
        else:
            self._close(claimed, ledger)

    def _settle(self, settlement: Settlement, ledger: Ledger) -> None:
        claimed = self._unsettled.pop(settlement.attempt_id, None)
        settled = _Settled(settlement, ledger.clock_ms)
        if claimed is not None:
            claimed.settled = settled
            self._close(claimed, ledger)
        elif not ledger.is_claimed(settlement.attempt_id):
            self._early.setdefault(settlement.attempt_id, settled)

    def _close(self, claimed: _Claimed, ledger: Ledger) -> None:
        claim, came_to = claimed.claim, claimed.came_to(ledger.clock_ms)
        own, last = claimed.appended_ms // DAY_MS, claimed.until_ms // DAY_MS
        self._day(own).spend(claim, came_to)
        for number in range(own + 1, last + 1) if came_to.charged_usd else ():
            self._day(number).carry(claim, came_to.charged_usd)

    def report(self, day: date, ledger: Ledger) -> Report:
        """A day as it stands after the last record; it must have begun by the ledger's clock, or nothing stands in it yet."""
        number = (day - date(1970, 1, 1)).days
        # A copy: what is open stands in the report, and not in the sums.
        known = deepcopy(self.by_number.get(number, _Day()))
        for claimed in self._unsettled.values():
            came_to = claimed.came_to(ledger.clock_ms)
            if claimed.appended_ms // DAY_MS == number:
                known.spend(claimed.claim, came_to)
            elif claimed.appended_ms // DAY_MS < number <= claimed.until_ms // DAY_MS:
                known.carry(claimed.claim, came_to.charged_usd)
        return Report(
            day=day,
            cap_usd=known.cap_usd,
            lane_caps_usd=known.lane_caps_usd,
            spent={
                (lane, model): sums
                for lane in LANES
                for model, sums in sorted(known.spent.get(lane, {}).items())
                if sums.attempts
            },
            carried_usd={lane: usd for lane, usd in known.carried_usd.items() if usd},
            alarms=tuple(known.alarms),
            foreign=self.foreign,
        )

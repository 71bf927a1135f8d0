"""The budget: who may spend what, decided by nothing but the order of the ledger.

To spend, an analyst appends a claim, reads it back and asks this fold. Every fold of the same records gives the same
verdicts, so no lock, no leader and no clock but the broker's is needed. The rules:

- A claim is granted iff it is requested, its analysis is neither done nor being called, its attempt is the next one
  (three at most), and neither the day, nor its lane, nor its replay is charged above the caps that the claim names.
- A granted claim is open until it is settled, or until `hold_s` after its append: then it is charged in full for good.
- An open claim counts on every UTC day from its append on, a closed one on every day up to the one it closed on.
- Time is the broker's append time, taken monotonic: it moves only with records.
- The first record of an attempt, of a settlement, of a request wins; a settlement may stand before its claim.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from heapq import heappop, heappush
from typing import Literal, assert_never
from uuid import UUID

from streams.budget.account import ZERO, Charges, Held, Pending
from streams.budget.entries import Cancellation, Claim, Entry, Replay, Request, Settlement
from streams.budget.ids import Ids
from streams.events.event import LANES, Lane

MAX_ATTEMPTS = 3
DAY_MS = 86_400_000

Denial = Literal[
    "duplicate",
    "not_requested",
    "done",
    "being_called",
    "not_the_next_attempt",
    "spending_stopped",
    "replay_unknown",
    "replay_cancelled",
    "replay_over_max",
    "lane_over_cap",
    "day_over_cap",
]
Verdict = Literal["granted"] | Denial


@dataclass
class Ledger:
    """The state that the rules speak of.

    `pending`: requests not done. `open`: granted claims that count in full. `unsettled`: every claim that no record
    has settled yet: open, `denied`, or expired. `day_start_ms` moves the day's boundary off midnight UTC (for proofs).
    """

    day_start_ms: int = 0
    clock_ms: int = 0
    pending: dict[UUID, Pending] = field(default_factory=dict)
    open: dict[UUID, Held] = field(default_factory=dict)
    denied: set[UUID] = field(default_factory=set)
    unsettled: dict[UUID, Claim] = field(default_factory=dict)
    replays: dict[UUID, Replay] = field(default_factory=dict)
    cancelled: set[UUID] = field(default_factory=set)
    alarm: str | None = None
    charges: Charges = field(default_factory=Charges)
    lanes: dict[Lane, Charges] = field(default_factory=lambda: {lane: Charges() for lane in LANES})
    replay_usd: dict[UUID, Decimal] = field(default_factory=dict)
    calls: dict[UUID, int] = field(default_factory=dict)
    _calling: dict[UUID, UUID] = field(default_factory=dict)
    _deadlines: list[tuple[int, int, UUID]] = field(default_factory=list)
    _early: dict[UUID, Settlement] = field(default_factory=dict)
    # Never forgotten: a record that comes once more, however late, must meet the same verdict.
    _done: Ids = field(default_factory=Ids)
    _requested: Ids = field(default_factory=Ids)
    _seen: Ids = field(default_factory=Ids)

    @property
    def day(self) -> int:
        """The present day, in days since 1970-01-01 UTC (plus `day_start_ms`)."""
        return self._day_of(self.clock_ms)

    def _day_of(self, moment_ms: int) -> int:
        return (moment_ms - self.day_start_ms) // DAY_MS

    def day_end_ms(self) -> int:
        """When the present day ends, ms since 1970."""
        return (self.day + 1) * DAY_MS + self.day_start_ms

    def is_done(self, analysis_id: UUID) -> bool:
        """Whether the analysis was settled as completed or failed."""
        return analysis_id in self._done

    def is_requested(self, request_id: UUID) -> bool:
        """Whether a request of that id stands in the log."""
        return request_id in self._requested

    def is_claimed(self, attempt_id: UUID) -> bool:
        """Whether a claim of that id stands in the log."""
        return attempt_id in self._seen

    def called_until_ms(self, analysis_id: UUID) -> int | None:
        """The deadline of the open claim on this analysis, or None where there is none."""
        attempt_id = self._calling.get(analysis_id)
        return None if attempt_id is None else self.open[attempt_id].deadline_ms

    def room(self, lane: Lane, cap_usd: Decimal, lane_cap_usd: Decimal, now_ms: int) -> Decimal:
        """US dollars that a claim may reserve as far as is known at `now_ms`; the verdict alone decides.

        The record that would close what has expired, or end the day, may be the very claim that is asked about.
        """
        today = max(self._day_of(now_ms), self.day)
        charged, lane_charged = (
            charges.closed_today if today == self.day else ZERO
            for charges in (self.charges, self.lanes[lane])
        )
        for held in self.open.values():
            if held.deadline_ms > now_ms or self._day_of(held.deadline_ms) >= today:
                charged += held.claim.usd
                lane_charged += held.claim.usd if held.claim.lane == lane else ZERO
        return min(cap_usd - charged, lane_cap_usd - lane_charged)

    def replay_charged(self, replay_id: UUID) -> Decimal:
        """US dollars charged to a replay so far, its open claims in full."""
        return self.replay_usd.get(replay_id, ZERO)

    def replay_room(self, replay_id: UUID) -> Decimal:
        """US dollars that a replay may still reserve; nothing where it is unknown or cancelled."""
        replay = self.replays.get(replay_id)
        if replay is None or replay_id in self.cancelled:
            return ZERO
        return replay.max_usd - self.replay_charged(replay_id)

    def next_close_ms(self) -> int:
        """By when, at the latest, something that is charged today will be charged no more, or be charged less."""
        return min((held.deadline_ms for held in self.open.values()), default=self.day_end_ms())

    def next_attempt(self, analysis_id: UUID, now_ms: int = 0) -> int:
        """The attempt that a claim on this analysis, appended at `now_ms`, must be; above MAX_ATTEMPTS there is none.

        A claim whose deadline has passed by then is expired by the very record that follows it.
        """
        until_ms = self.called_until_ms(analysis_id)
        expires = until_ms is not None and until_ms <= now_ms
        return self.calls.get(analysis_id, 0) + 1 + expires

    def apply(self, entry: Entry, offset: int, timestamp_ms: int) -> Verdict | None:
        """Fold one record; for a claim, the verdict on it."""
        self._advance(timestamp_ms)
        match entry:
            case Claim():
                return self._claim(entry)
            case Settlement():
                self._settle(entry)
            case Request():
                if self._requested.add(entry.request_id):
                    self.pending[entry.request_id] = Pending(entry, offset)
            case Replay():
                self.replays.setdefault(entry.replay_id, entry)
            case Cancellation():
                self.cancelled.add(entry.replay_id)
            case _:
                assert_never(entry)
        return None

    def _advance(self, timestamp_ms: int) -> None:
        before = self.day
        self.clock_ms = max(self.clock_ms, timestamp_ms)
        if self.day != before:
            self.alarm = None
            for charges in (self.charges, *self.lanes.values()):
                charges.closed_today = ZERO
        while self._deadlines and self._deadlines[0][0] <= self.clock_ms:
            deadline_ms, _, attempt_id = heappop(self._deadlines)
            held = self.open.get(attempt_id)
            if held is not None:
                self._close(held, held.claim.usd, self._day_of(deadline_ms))
                self._count_call(held.claim)

    def _claim(self, claim: Claim) -> Verdict:
        if not self._seen.add(claim.attempt_id):
            return "duplicate"
        self.unsettled[claim.attempt_id] = claim
        verdict = self._verdict(claim)
        if verdict == "granted":
            held = Held(claim, self.clock_ms, self.clock_ms + claim.hold_s * 1000)
            self.open[claim.attempt_id] = held
            self._calling[claim.analysis_id] = claim.attempt_id
            heappush(self._deadlines, (held.deadline_ms, len(self._seen), claim.attempt_id))
            self._add_open(claim, claim.usd)
        else:
            self.denied.add(claim.attempt_id)
        early = self._early.pop(claim.attempt_id, None)
        if early is not None:
            self._settle(early)
        return verdict

    def _verdict(self, claim: Claim) -> Verdict:
        return next((denial for denial, holds in self._objections(claim) if holds), "granted")

    def _objections(self, claim: Claim) -> Iterator[tuple[Denial, bool]]:
        yield "not_requested", claim.request_id not in self._requested
        yield "done", self.is_done(claim.analysis_id)
        yield "being_called", claim.analysis_id in self._calling
        attempt = self.next_attempt(claim.analysis_id)
        yield "not_the_next_attempt", claim.attempt != attempt or attempt > MAX_ATTEMPTS
        yield "spending_stopped", self.alarm is not None
        if claim.replay_id is not None:
            replay = self.replays.get(claim.replay_id)
            yield "replay_unknown", replay is None
            yield "replay_cancelled", claim.replay_id in self.cancelled
            spent = self.replay_charged(claim.replay_id)
            yield "replay_over_max", replay is not None and spent + claim.usd > replay.max_usd
        yield "lane_over_cap", self.lanes[claim.lane].total + claim.usd > claim.lane_cap_usd
        yield "day_over_cap", self.charges.total + claim.usd > claim.cap_usd

    def _settle(self, settlement: Settlement) -> None:
        attempt_id = settlement.attempt_id
        if attempt_id not in self._seen:
            self._early.setdefault(attempt_id, settlement)
            return
        claim = self.unsettled.pop(attempt_id, None)
        if claim is None:
            return
        if attempt_id in self.open:
            self._close(self.open[attempt_id], settlement.usd, self.day)
            if settlement.usd > claim.usd:
                self._raise_alarm(settlement, claim.usd)
            if settlement.outcome != "not_called":
                self._count_call(claim)
        elif attempt_id in self.denied:
            self.denied.discard(attempt_id)
            if settlement.usd > 0:
                # Somebody called without a grant: what it cost is charged all the same.
                self.charges.closed_today += settlement.usd
                self._raise_alarm(settlement, ZERO)
        self._move_on(claim, settlement)

    def _count_call(self, claim: Claim) -> None:
        if not self.is_done(claim.analysis_id):
            self.calls[claim.analysis_id] = self.calls.get(claim.analysis_id, 0) + 1

    def _raise_alarm(self, settlement: Settlement, reserved: Decimal) -> None:
        self.alarm = (
            f"attempt {settlement.attempt_id} cost ${settlement.usd:f} where ${reserved:f} was reserved: nothing more is"
            " spent on this UTC day; compare the provider's price list with genai-prices before the next"
        )

    def _move_on(self, claim: Claim, settlement: Settlement) -> None:
        if settlement.outcome in {"completed", "failed"}:
            self._done.add(claim.analysis_id)
            self.calls.pop(claim.analysis_id, None)
            self.pending.pop(claim.request_id, None)
        elif settlement.retry_at is not None and claim.request_id in self.pending:
            retry_at = datetime.fromisoformat(settlement.retry_at)
            self.pending[claim.request_id].retry_at_ms = int(retry_at.timestamp() * 1000)

    def _close(self, held: Held, usd: Decimal, closed_on: int) -> None:
        claim = held.claim
        del self.open[claim.attempt_id]
        del self._calling[claim.analysis_id]
        self._add_open(claim, -claim.usd)
        if claim.replay_id is not None:
            self.replay_usd[claim.replay_id] = self.replay_charged(claim.replay_id) + usd
        if closed_on == self.day:
            self.charges.closed_today += usd
            self.lanes[claim.lane].closed_today += usd

    def _add_open(self, claim: Claim, usd: Decimal) -> None:
        self.charges.open += usd
        self.lanes[claim.lane].open += usd
        if claim.replay_id is not None:
            self.replay_usd[claim.replay_id] = self.replay_charged(claim.replay_id) + usd

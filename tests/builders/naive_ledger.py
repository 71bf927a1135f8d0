"""The rules of the budget once more, as slowly and plainly as they can be said: the oracle of the real fold.

Nothing is kept up to date here: with each record, every charge is worked out again from the whole log.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from streams.budget.entries import Cancellation, Claim, Entry, Replay, Request, Settlement

DAY_MS = 86_400_000
NOTHING = Decimal(0)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
E = TypeVar("E", bound=Entry)


@dataclass(frozen=True)
class Charge:
    """What a claim is charged from its append on, to its end; None: it is open. `excess`: above what was granted."""

    claim: Claim
    granted: bool
    from_ms: int
    until_ms: int | None
    usd: Decimal
    outcome: str
    excess: Decimal = NOTHING


@dataclass
class NaiveLedger:
    """Entries with the broker's times (ms), already monotonic; `granted` holds the indexes of granted claims."""

    day_start_ms: int = 0
    now_ms: int = 0
    entries: list[tuple[int, Entry]] = field(default_factory=list)
    granted: set[int] = field(default_factory=set)
    _charges: list[Charge] | None = None

    def append(self, entry: Entry, timestamp_ms: int) -> bool | None:
        """Take an entry; for a claim, whether it is granted."""
        self.now_ms, self._charges = max(self.now_ms, timestamp_ms), None
        verdict = self.would_grant(entry) if isinstance(entry, Claim) else None
        if verdict:
            self.granted.add(len(self.entries))
        self.entries.append((self.now_ms, entry))
        self._charges = None
        return verdict

    def day(self, moment_ms: int) -> int:
        return (moment_ms - self.day_start_ms) // DAY_MS

    @property
    def today(self) -> int:
        return self.day(self.now_ms)

    def of(self, kind: type[E]) -> list[E]:
        return [entry for _, entry in self.entries if isinstance(entry, kind)]

    def claims(self) -> dict[UUID, tuple[int, Claim]]:
        """The first claim of each attempt, and where it stands."""
        found: dict[UUID, tuple[int, Claim]] = {}
        for index, (_, entry) in enumerate(self.entries):
            if isinstance(entry, Claim):
                found.setdefault(entry.attempt_id, (index, entry))
        return found

    def settlements(self) -> dict[UUID, tuple[int, Settlement]]:
        """The first settlement of each attempt, and where it stands: maybe before the claim."""
        found: dict[UUID, tuple[int, Settlement]] = {}
        for index, (_, entry) in enumerate(self.entries):
            if isinstance(entry, Settlement):
                found.setdefault(entry.attempt_id, (index, entry))
        return found

    def charges(self) -> list[Charge]:
        """Of granted claims; and of calls without a grant, charged whenever they are settled, and too much in all."""
        if self._charges is None:
            settlements = self.settlements()
            charges = (
                self._charge(index, claim, settlements.get(claim.attempt_id))
                for index, claim in self.claims().values()
            )
            self._charges = [charge for charge in charges if charge is not None]
        return self._charges

    def _charge(self, index: int, claim: Claim, settled: tuple[int, Settlement] | None) -> Charge | None:
        from_ms = self.entries[index][0]
        deadline_ms = from_ms + claim.hold_s * 1000
        granted = index in self.granted
        if settled is not None:
            told = settled[1]
            told_ms = max(self.entries[settled[0]][0], from_ms)
            excess = max(told.usd - (claim.usd if granted else NOTHING), NOTHING)
            if not granted or told_ms < deadline_ms:
                return Charge(claim, granted, from_ms, told_ms, told.usd, told.outcome, excess)
        if not granted:
            return None
        if self.now_ms >= deadline_ms:
            return Charge(claim, granted, from_ms, deadline_ms, claim.usd, "expired")
        return Charge(claim, granted, from_ms, None, claim.usd, "open")

    def borne(self, day: int) -> list[Charge]:
        """What counts on a day: it does on every day from a claim's append to its end."""
        return [
            charge
            for charge in self.charges()
            if self.day(charge.from_ms) <= day
            and (charge.until_ms is None or day <= self.day(charge.until_ms))
        ]

    def charged(self, day: int, lane: str | None = None) -> Decimal:
        """What is charged to a day; in a lane, calls without a grant included."""
        return sum((c.usd for c in self.borne(day) if lane in {None, c.claim.lane}), NOTHING)

    def lane_charged(self, lane: str) -> Decimal:
        """What counts today against a lane's share: granted claims alone, for nothing is granted after the others."""
        return sum((c.usd for c in self.borne(self.today) if c.granted and c.claim.lane == lane), NOTHING)

    def replay_charged(self, replay_id: UUID) -> Decimal:
        return sum((c.usd for c in self.charges() if c.granted and c.claim.replay_id == replay_id), NOTHING)

    def settled(self) -> list[tuple[int, Claim, Settlement]]:
        """Every settled claim, with the index at which both it and its settlement were there."""
        settlements = self.settlements()
        return [
            (max(index, settlements[attempt_id][0]), claim, settlements[attempt_id][1])
            for attempt_id, (index, claim) in self.claims().items()
            if attempt_id in settlements
        ]

    def done(self) -> set[UUID]:
        """The analyses that were settled as completed or failed."""
        return {
            claim.analysis_id for _, claim, told in self.settled() if told.outcome in {"completed", "failed"}
        }

    def pending(self) -> dict[UUID, int]:
        """The requests that are not done, each with the time (ms) before which it is not tried again."""
        waiting: dict[UUID, int] = {}
        known: set[UUID] = set()
        settled = {index: (claim, told) for index, claim, told in self.settled()}
        for index, (_, entry) in enumerate(self.entries):
            if isinstance(entry, Request) and entry.request_id not in known:
                known.add(entry.request_id)
                waiting[entry.request_id] = 0
            elif index in settled:
                claim, told = settled[index]
                if told.outcome in {"completed", "failed"}:
                    waiting.pop(claim.request_id, None)
                elif told.retry_at is not None and claim.request_id in waiting:
                    moment = datetime.fromisoformat(told.retry_at)
                    waiting[claim.request_id] = (moment - EPOCH) // timedelta(milliseconds=1)
        return waiting

    def unsettled(self) -> dict[UUID, bool]:
        """The claims that nothing has settled, and whether each was granted."""
        settlements = self.settlements()
        return {
            attempt_id: index in self.granted
            for attempt_id, (index, _) in self.claims().items()
            if attempt_id not in settlements
        }

    def calls(self, analysis_id: UUID) -> int:
        return sum(
            charge.granted
            and charge.claim.analysis_id == analysis_id
            and charge.outcome not in {"open", "not_called"}
            for charge in self.charges()
        )

    def is_being_called(self, analysis_id: UUID) -> bool:
        return any(
            charge.claim.analysis_id == analysis_id and charge.until_ms is None for charge in self.charges()
        )

    def rang(self, day: int) -> bool:
        """Whether something ended on that day that was called without a grant or cost more than was reserved."""
        return any(
            charge.excess > 0 and charge.until_ms is not None and self.day(charge.until_ms) == day
            for charge in self.charges()
        )

    def would_grant(self, claim: Claim) -> bool:
        return (
            claim.attempt_id not in self.claims()
            and claim.request_id in {request.request_id for request in self.of(Request)}
            and claim.analysis_id not in self.done()
            and not self.is_being_called(claim.analysis_id)
            and claim.attempt == self.calls(claim.analysis_id) + 1
            and claim.attempt <= 3
            and not self.rang(self.today)
            and self.replay_allows(claim)
            and self.lane_charged(claim.lane) + claim.usd <= claim.lane_cap_usd
            and self.charged(self.today) + claim.usd <= claim.cap_usd
        )

    def replay_allows(self, claim: Claim) -> bool:
        if claim.replay_id is None:
            return True
        replays = [replay for replay in self.of(Replay) if replay.replay_id == claim.replay_id]
        if not replays or claim.replay_id in {gone.replay_id for gone in self.of(Cancellation)}:
            return False
        return self.replay_charged(claim.replay_id) + claim.usd <= replays[0].max_usd

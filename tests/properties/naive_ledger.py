"""The rules of the budget once more, as slowly and plainly as they can be said: the oracle of the real fold.

Nothing is kept up to date here: each question goes through the whole log again.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from streams.analysis.entries import Cancellation, Claim, Entry, Replay, Request, Settlement

DAY_MS = 86_400_000
E = TypeVar("E", bound=Entry)


@dataclass
class NaiveLedger:
    """Entries with the broker's times (ms), already monotonic; `granted` holds the indexes of granted claims."""

    day_start_ms: int = 0
    entries: list[tuple[int, Entry]] = field(default_factory=list)
    granted: list[int] = field(default_factory=list)

    def append(self, entry: Entry, timestamp_ms: int) -> bool | None:
        last = self.entries[-1][0] if self.entries else 0
        self.entries.append((max(last, timestamp_ms), entry))
        if not isinstance(entry, Claim):
            return None
        index = len(self.entries) - 1
        verdict = self.would_grant(index, entry)
        if verdict:
            self.granted.append(index)
        return verdict

    def day(self, moment_ms: int) -> int:
        return (moment_ms - self.day_start_ms) // DAY_MS

    @property
    def now_ms(self) -> int:
        return self.entries[-1][0]

    def of(self, kind: type[E], end: int | None = None) -> list[E]:
        """The entries of one kind among the first `end`."""
        return [entry for _, entry in self.entries[:end] if isinstance(entry, kind)]

    def claim(self, index: int) -> Claim:
        claim = self.entries[index][1]
        assert isinstance(claim, Claim)
        return claim

    def closing(self, index: int) -> tuple[int, Decimal, str] | None:
        """When a granted claim closed, for how much, and as what; None while it is open."""
        appended_ms, claim = self.entries[index][0], self.claim(index)
        deadline_ms = appended_ms + claim.hold_s * 1000
        settlements = [
            (max(t, appended_ms), e)
            for t, e in self.entries
            if isinstance(e, Settlement) and e.attempt_id == claim.attempt_id
        ]
        if settlements and settlements[0][0] < deadline_ms:
            return settlements[0][0], settlements[0][1].usd, settlements[0][1].outcome
        if self.now_ms >= deadline_ms:
            return deadline_ms, claim.usd, "expired"
        return None

    def charged(self, day: int, lane: str | None = None) -> Decimal:
        total = Decimal(0)
        for index in self.granted:
            appended_ms, claim = self.entries[index][0], self.claim(index)
            if lane not in {None, claim.lane} or self.day(appended_ms) > day:
                continue
            closed = self.closing(index)
            if closed is None:
                total += claim.usd
            elif self.day(closed[0]) >= day:
                total += closed[1]
        return total

    def replay_charged(self, replay_id: object) -> Decimal:
        mine = [index for index in self.granted if self.claim(index).replay_id == replay_id]
        closings = [(self.claim(index).usd, self.closing(index)) for index in mine]
        return sum((usd if closed is None else closed[1] for usd, closed in closings), Decimal(0))

    def is_done(self, analysis_id: object, end: int | None = None) -> bool:
        claimed: dict[object, Claim] = {}
        for claim in self.of(Claim, end):
            claimed.setdefault(claim.attempt_id, claim)
        first: dict[object, Settlement] = {}
        for settlement in self.of(Settlement, end):
            first.setdefault(settlement.attempt_id, settlement)
        return any(
            settlement.outcome in {"completed", "failed"} and claimed[attempt_id].analysis_id == analysis_id
            for attempt_id, settlement in first.items()
            if attempt_id in claimed
        )

    def calls(self, analysis_id: object) -> int:
        mine = [index for index in self.granted if self.claim(index).analysis_id == analysis_id]
        closings = [self.closing(index) for index in mine]
        return sum(closed is not None and closed[2] != "not_called" for closed in closings)

    def is_stopped(self) -> bool:
        """Whether today a settlement in time asked for more than its claim had reserved."""
        closings = [(self.claim(index).usd, self.closing(index)) for index in self.granted]
        today = self.day(self.now_ms)
        return any(closed and closed[1] > usd and self.day(closed[0]) == today for usd, closed in closings)

    def would_grant(self, end: int, claim: Claim) -> bool:
        today = self.day(self.now_ms)
        being_called = any(
            self.claim(index).analysis_id == claim.analysis_id and self.closing(index) is None
            for index in self.granted
        )
        return (
            claim.attempt_id not in {earlier.attempt_id for earlier in self.of(Claim, end)}
            and claim.request_id in {request.request_id for request in self.of(Request, end)}
            and not self.is_done(claim.analysis_id, end)
            and not being_called
            and claim.attempt == self.calls(claim.analysis_id) + 1
            and claim.attempt <= 3
            and not self.is_stopped()
            and self.replay_allows(end, claim)
            and self.charged(today, claim.lane) + claim.usd <= claim.lane_cap_usd
            and self.charged(today) + claim.usd <= claim.cap_usd
        )

    def replay_allows(self, end: int, claim: Claim) -> bool:
        if claim.replay_id is None:
            return True
        replays = [replay for replay in self.of(Replay, end) if replay.replay_id == claim.replay_id]
        if not replays or claim.replay_id in {gone.replay_id for gone in self.of(Cancellation, end)}:
            return False
        return self.replay_charged(claim.replay_id) + claim.usd <= replays[0].max_usd

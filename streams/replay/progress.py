"""How far each replay is, by the ledger alone: pure."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal
from uuid import UUID

from streams.analysis.entries import Claim, Replay, Request, Settlement, read_entry
from streams.analysis.ledger import Ledger
from streams.events.envelope import decode
from streams.events.ledger import ReplayStarted, analysis_id
from streams.log.fold import Record

State = Literal["running", "done", "cancelled"]


@dataclass(frozen=True)
class Progress:
    """A replay: of `requested` videos so many were completed, failed, or wait; US dollars charged so far."""

    started: ReplayStarted
    state: State
    requested: int
    completed: int
    failed: int
    waiting: int
    spent_usd: Decimal


@dataclass
class Replays:
    """The fold of the ledger for replays."""

    ledger: Ledger = field(default_factory=Ledger)
    started: dict[UUID, ReplayStarted] = field(default_factory=dict)
    requests: set[UUID] = field(default_factory=set)
    _requested: Counter[UUID] = field(default_factory=Counter)
    _ended: Counter[tuple[UUID, str]] = field(default_factory=Counter)

    def apply(self, record: Record) -> None:
        """Fold a record of the ledger. Raises LedgerError."""
        entry = read_entry(record)
        if isinstance(entry, Settlement):
            claim = self.ledger.unsettled.get(entry.attempt_id)
            self._settle(claim, entry)
        if (
            isinstance(entry, Request)
            and entry.replay_id is not None
            and entry.request_id not in self.requests
        ):
            self.requests.add(entry.request_id)
            self._requested[entry.replay_id] += 1
        if isinstance(entry, Replay):
            event = decode(record.headers, record.value)
            if isinstance(event, ReplayStarted):
                self.started.setdefault(event.replay_id, event)
        self.ledger.apply(entry, record.offset, record.timestamp_ms)

    def _settle(self, claim: Claim | None, settlement: Settlement) -> None:
        ends = settlement.outcome in {"completed", "failed"}
        if (
            claim is not None
            and claim.replay_id is not None
            and ends
            and not self.ledger.is_done(claim.analysis_id)
        ):
            self._ended[claim.replay_id, settlement.outcome] += 1

    def progress(self, replay_id: UUID) -> Progress:
        """How far that replay is. Raises KeyError for an unknown one."""
        started = self.started[replay_id]
        waiting = sum(
            pending.request.replay_id == replay_id
            and not self.ledger.is_done(analysis_id(pending.request.captions_id, started.prompt_id))
            for pending in self.ledger.pending.values()
        )
        state: State = "running" if waiting else "done"
        return Progress(
            started=started,
            state="cancelled" if replay_id in self.ledger.cancelled else state,
            requested=self._requested[replay_id],
            completed=self._requested[replay_id] - waiting - self._ended[replay_id, "failed"],
            failed=self._ended[replay_id, "failed"],
            waiting=waiting,
            spent_usd=self.ledger.replay_usd[replay_id],
        )

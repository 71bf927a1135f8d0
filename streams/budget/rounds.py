"""What each replay asked for and what became of it, in counts and ids: a fold beside the ledger's."""

from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from streams.budget.entries import Cancellation, Claim, Entry, Replay, Request, Settlement
from streams.budget.ids import Ids
from streams.budget.ledger import Ledger
from streams.events.envelope import UndecodableError
from streams.events.ledger import ReplayCancelled, ReplayStarted
from streams.events.record import Record


@dataclass
class Round:
    """Of one replay: how many requests, the analyses they ask for, how many of these failed.

    `least_usd`: the smallest claim made for it, 0 where none was.
    """

    requested: int = 0
    analyses: Ids = field(default_factory=Ids)
    failed: int = 0
    least_usd: Decimal = Decimal(0)


@dataclass
class Rounds:
    """`reasons`: why Earmark itself ended a replay."""

    started: dict[UUID, ReplayStarted] = field(default_factory=dict)
    reasons: dict[UUID, str] = field(default_factory=dict)
    by_replay: dict[UUID, Round] = field(default_factory=dict)
    _failed: Ids = field(default_factory=Ids)
    _failing: set[UUID] = field(default_factory=set)

    def of(self, replay_id: UUID) -> Round:
        """That replay's, an empty one where nothing was asked for."""
        return self.by_replay.get(replay_id) or Round()

    def take(self, entry: Entry, record: Record, ledger: Ledger, *, was_there: bool) -> None:
        """Fold an entry that the ledger has folded. `was_there`: the request was known, or the analysis done, before."""
        match entry:
            case Request(replay_id=UUID() as replay_id, prompt_id=str(prompt_id)) if not was_there:
                self._ask(replay_id, entry.analysis_id(prompt_id))
            case Replay() | Cancellation():
                self._tell(record)
            case Claim() | Settlement():
                self._pay(entry, ledger, was_done=was_there)
            case _:
                pass

    def _tell(self, record: Record) -> None:
        with suppress(
            UndecodableError
        ):  # what the rules need of it was readable, and money must not wait for the rest
            match record.event():
                case ReplayStarted() as started:
                    self.started.setdefault(started.replay_id, started)
                case ReplayCancelled(replay_id=replay_id, reason=str(reason)):
                    self.reasons.setdefault(replay_id, reason)
                case _:
                    pass

    def _ask(self, replay_id: UUID, analysis_id: UUID) -> None:
        asked = self.by_replay.setdefault(replay_id, Round())
        asked.requested += 1
        asked.failed += asked.analyses.add(analysis_id) and analysis_id in self._failed

    def _pay(self, entry: Claim | Settlement, ledger: Ledger, *, was_done: bool) -> None:
        failing = entry.attempt_id in self._failing
        if isinstance(entry, Settlement):
            failing = failing or entry.outcome == "failed"
            if failing and not ledger.is_claimed(entry.attempt_id):
                self._failing.add(entry.attempt_id)
        elif entry.replay_id is not None and entry.usd > 0:
            asked = self.by_replay.setdefault(entry.replay_id, Round())
            asked.least_usd = min(entry.usd, asked.least_usd or entry.usd)
        # Whoever's claim ended it, it is ended for every replay; a settlement may stand before its claim.
        if failing and not was_done and ledger.is_done(entry.analysis_id):
            self._failed.add(entry.analysis_id)
            for asked in self.by_replay.values():
                asked.failed += entry.analysis_id in asked.analyses


def was_there(entry: Entry, ledger: Ledger) -> bool:
    """What `Rounds.take` is told, to be asked before the ledger folds the entry."""
    match entry:
        case Request():
            return ledger.is_requested(entry.request_id)
        case Claim() | Settlement():
            return ledger.is_done(entry.analysis_id)
        case _:
            return False

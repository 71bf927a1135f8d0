"""All that is folded of the ledger, of which a checkpoint is kept: the rules' own state, the days, the replays."""

from dataclasses import dataclass, field

from streams.budget.entries import Entry, read_entry
from streams.budget.ledger import Ledger, Verdict
from streams.budget.report import Days
from streams.budget.rounds import Rounds, was_there
from streams.events.record import Record


@dataclass
class Books:
    """Give it every record of the ledger, in order."""

    ledger: Ledger = field(default_factory=Ledger)
    days: Days = field(default_factory=Days)
    rounds: Rounds = field(default_factory=Rounds)

    def apply(self, record: Record) -> None:
        """Fold one record. Raises LedgerError."""
        entry = read_entry(record)
        if entry is not None:
            self.fold(entry, record)
        else:
            self.days.foreign += 1

    def fold(self, entry: Entry, record: Record) -> Verdict | None:
        """Fold the entry that a record holds; for a claim, the verdict on it."""
        before = was_there(entry, self.ledger)
        verdict = self.ledger.apply(entry, record.offset, record.timestamp_ms)
        self.days.take(entry, verdict, self.ledger)
        self.rounds.take(entry, record, self.ledger, was_there=before)
        return verdict

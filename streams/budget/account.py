"""The parts of the ledger's state: a request that waits, a claim that is held, what is charged."""

from dataclasses import dataclass
from decimal import Decimal

from streams.budget.entries import Claim, Request

ZERO = Decimal(0)


@dataclass(slots=True)
class Pending:
    """A request that is not done: not before `retry_at_ms`, wherever it stands in its lane."""

    request: Request
    offset: int
    retry_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """A granted claim and the broker's time (ms) at which it was appended and at which it expires."""

    claim: Claim
    appended_ms: int
    deadline_ms: int


@dataclass
class Charges:
    """What is charged today: by open claims, and by claims closed today."""

    open: Decimal = ZERO
    closed_today: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """US dollars charged on the present day."""
        return self.open + self.closed_today

"""What one run of an evaluation may be charged: pure. The cap and the share are the ledger's; this is the run's own limit."""

from decimal import Decimal
from uuid import UUID

from streams.errors import RefusedError

ZERO = Decimal(0)


class SpentError(RefusedError):
    """What is left of --max-usd pays for no further claim."""


class Purse:
    """`max_usd`: None for no limit of its own. A claim counts in full until it is settled, and for good if it never is."""

    def __init__(self, max_usd: Decimal | None) -> None:
        self._max_usd = max_usd
        self._open: dict[UUID, Decimal] = {}
        self._settled_usd = ZERO

    @property
    def is_open(self) -> bool:
        """Whether a claim is under way that may be settled for less."""
        return bool(self._open)

    @property
    def charged_usd(self) -> Decimal:
        """What the run is charged so far, its open claims in full."""
        return self._settled_usd + sum(self._open.values(), ZERO)

    def reserve(self, attempt_id: UUID, usd: Decimal) -> None:
        """Count a claim that is about to be appended. Raises SpentError, and then it must not be."""
        if self._max_usd is not None and usd > self._max_usd - self.charged_usd:
            raise SpentError(
                f"--max-usd {self._max_usd:f} pays for no further call, of ${usd:f} at most: run it again with more"
            )
        self._open[attempt_id] = usd

    def settle(self, attempt_id: UUID, usd: Decimal) -> None:
        """Count what a claim cost in the end; one of another run's is none of this one's."""
        if self._open.pop(attempt_id, None) is not None:
            self._settled_usd += usd

"""What a claim would meet, before it is appended: pure. The fold of the ledger alone grants it.

The rules, in this order:

- More than MAX_ATTEMPTS attempts, or a call above the whole cap: never. A cap of 0 is a pause and gives nothing up.
- A call within the cap and above its lane's share of it: too large for any day, until the share is raised.
- A call above what the day, or its lane, has left: no room until something that is charged today is charged no more.
- A call above what its replay has left: the replay is spent, unless an open claim of it may be settled for less.
"""

from dataclasses import dataclass
from uuid import UUID

from streams.budget.ledger import MAX_ATTEMPTS, Ledger
from streams.events.analyses import AttemptOutcome
from streams.events.ledger import BudgetReserved


@dataclass(frozen=True)
class Go:
    """Append the claim."""


@dataclass(frozen=True)
class Never:
    """No call is ever made: `outcome` and `reason` are those of AnalysisFailed."""

    outcome: AttemptOutcome
    reason: str


@dataclass(frozen=True)
class TooLarge:
    """The call fits the cap, and not its lane's share on any day."""


@dataclass(frozen=True)
class NoRoom:
    """The day (`whole_day`) or the lane has too little left.

    That may change at `until_ms` (ms since 1970), or by any settlement.
    """

    until_ms: int
    whole_day: bool


@dataclass(frozen=True)
class ReplaySpent:
    """The replay has too little left, or is cancelled; `may_reopen`: an open claim of it may be settled for less."""

    may_reopen: bool


Weighed = Go | Never | TooLarge | NoRoom | ReplaySpent


def weigh(claim: BudgetReserved, ledger: Ledger, now_ms: int) -> Weighed:
    """What `claim` would meet in `ledger` at `now_ms`, by the clock of the analyst that appends it (ms since 1970)."""
    never = _never(claim)
    if never is None and claim.usd > claim.lane_cap_usd > 0:
        return TooLarge()
    if never is None and claim.usd > ledger.room(claim.lane, claim.cap_usd, claim.lane_cap_usd, now_ms):
        whole_day = claim.usd > ledger.room(claim.lane, claim.cap_usd, claim.cap_usd, now_ms)
        return NoRoom(ledger.next_close_ms(), whole_day)
    if claim.replay_id is not None and claim.usd > ledger.replay_room(claim.replay_id):
        return replay_spent(claim.replay_id, ledger)
    return never or Go()


def replay_spent(replay_id: UUID, ledger: Ledger) -> ReplaySpent:
    """What the claims of a replay meet that has nothing left for them."""
    is_open = any(held.claim.replay_id == replay_id for held in ledger.open.values())
    return ReplaySpent(may_reopen=is_open and replay_id not in ledger.cancelled)


def _never(claim: BudgetReserved) -> Never | None:
    if claim.attempt > MAX_ATTEMPTS:
        return Never("expired", f"{MAX_ATTEMPTS} attempts were made and none of them left an answer")
    if claim.usd > claim.cap_usd > 0:
        return Never(
            "over_cap",
            f"the call may cost ${claim.usd:f}, more than EARMARK_DAILY_CAP_USD allows on any day"
            f" (${claim.cap_usd:f}): it is not asked under this prompt; one with fewer max_tokens or another model can"
            " be replayed over it",
        )
    return None

"""Faults to plant in an analyst's own process. Each breaks one rule of the budget; the judge must see it."""

import os
import random
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from streams.analysis.analyst import Analyst
from streams.analysis.state import AnalystState
from streams.analysis.verdicts import Verdicts
from streams.budget.account import Held
from streams.budget.breaker import Breaker
from streams.budget.ledger import Ledger, Verdict
from streams.budget.limits import Limits
from streams.claude import outcomes
from streams.claude.outcomes import Failed, Outcome, Said
from streams.events.analyses import AnalysisCompleted
from streams.events.event import Event
from streams.events.ledger import BudgetSettled
from streams.log.publish import Appended, Publisher


def skip_read_back() -> None:
    """A claim that was appended counts as granted, whatever its place in the log says."""
    hear = Verdicts.hear

    def granted(self: Verdicts, attempt_id: UUID, _verdict: Verdict) -> None:
        hear(self, attempt_id, "granted")

    Verdicts.hear = granted


def ignore_expiry() -> None:
    """A claim whose deadline has passed is forgotten, as if a dead analyst's calls had cost nothing."""
    close = Ledger._close

    def forget(self: Ledger, held: Held, usd: Decimal, closed_on: int) -> None:
        close(self, held, Decimal(0) if held.deadline_ms <= self.clock_ms else usd, closed_on)

    Ledger._close = forget


def settle_before_recording() -> None:
    """The settlement goes first, and now and then the process dies before the answer follows."""
    append = Publisher.append

    async def settled_first(self: Publisher, event: Event) -> Appended:
        if isinstance(event, AnalysisCompleted):
            settled = BudgetSettled(
                at=event.at,
                attempt_id=event.attempt_id,
                analysis_id=event.analysis_id,
                outcome="completed",
                usd=event.usd,
                usage=event.usage,
                retry_at=None,
                granted=True,
            )
            await append(self, settled)
            if random.random() < 0.1:
                os.kill(os.getpid(), signal.SIGKILL)
        return await append(self, event)

    Publisher.append = settled_first


def ignore_shares() -> None:
    """Every lane may spend the whole cap."""
    Limits.lane_cap_usd = lambda self, _lane: self.cap_usd


def forget_the_breaker() -> None:
    """An analyst that starts believes that Claude answers, whatever the ledger says."""
    run = Analyst.run

    async def forgetful(self: Analyst) -> None:
        self._state.breaker = Breaker(self._limits.probe_delays_s[0], self._limits.probe_delays_s[1])
        await run(self)

    Analyst.run = forgetful  # type: ignore[method-assign]


def filter_for_free() -> None:
    """What the provider's filter stopped is booked as if it had cost nothing."""
    judged = outcomes._of_request

    def free(status: int, said: Said, reason: str) -> Outcome:
        outcome = judged(status, said, reason)
        return replace(outcome, bill="free") if isinstance(outcome, Failed) else outcome

    outcomes._of_request = free


def forget_what_is_open() -> None:
    """What an analyst takes up from its checkpoint lacks the claims that were open when it was kept."""
    thaw = AnalystState.thaw

    def forgetful(self: AnalystState, parts: Mapping[str, bytes]) -> None:
        thaw(self, parts)
        for held in list(self.ledger.open.values()):
            self.ledger._close(held, Decimal(0), self.ledger.day)
            del self.ledger.unsettled[held.claim.attempt_id]

    AnalystState.thaw = forgetful  # type: ignore[method-assign]


FAULTS: Mapping[str, Callable[[], None]] = {
    fault.__name__: fault
    for fault in (
        skip_read_back,
        ignore_expiry,
        settle_before_recording,
        ignore_shares,
        forget_the_breaker,
        filter_for_free,
        forget_what_is_open,
    )
}

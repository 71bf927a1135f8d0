"""Appends the outcome of a call: first the answer that was paid for, then its cost, never the other way round."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_never
from uuid import UUID

from aiokafka.errors import KafkaError, KafkaTimeoutError

from streams.analysis.job import Job
from streams.analysis.next_step import Again, Done, Halt, Next, Pause, PromptFails
from streams.analysis.prompt_faults import BadRequests
from streams.analysis.results import completed, failure, partly_completed
from streams.analysis.state import BY_THE_REQUEST, AnalystState
from streams.analysis.symbols import Symbols
from streams.budget.entries import Claim
from streams.budget.ledger import MAX_ATTEMPTS
from streams.budget.limits import Limits
from streams.budget.weigh import Never
from streams.claude.outcomes import (
    Answered,
    Exhausted,
    Failed,
    Misconfigured,
    Outcome,
    PromptFault,
    Refused,
)
from streams.clock import Clock
from streams.errors import EarmarkError
from streams.events.analyses import AnalysisCompleted
from streams.events.event import Event
from streams.events.ledger import BudgetReserved, BudgetSettled, SettledOutcome, Usage
from streams.log.publish import Appended

log = logging.getLogger(__name__)


def raise_if_final(error: KafkaError, event: Event) -> None:
    """Raises EarmarkError where no further try of this process can help; another process has another producer."""
    # A time-out is none of those, though aiokafka says so: the producer had no room, for the broker is away.
    if not error.retriable and not isinstance(error, KafkaTimeoutError):
        raise EarmarkError(f"{type(event).__name__} cannot be put into the log: {error!r}") from error


def after_no_call(outcome: Refused | Exhausted | PromptFault | Misconfigured) -> Next:
    """What is left to do where the provider took no call."""
    match outcome:
        case Refused():
            return Again()
        case Exhausted(reason, until):
            # No retry_at: after a person has fixed the account, a restart need not wait.
            return Pause(until, reason)
        case PromptFault(reason):
            return PromptFails(reason)
        case Misconfigured(reason):
            return Halt(reason)
        case _:
            assert_never(outcome)


@dataclass(frozen=True)
class Recorder:
    """Records outcomes. `append` is awaited; `forget` is called with each analysis that is done."""

    state: AnalystState
    limits: Limits
    append: Callable[[Event], Awaitable[Appended]]
    forget: Callable[[UUID], None]
    symbols: Symbols
    now: Clock
    bad_requests: BadRequests = field(default_factory=BadRequests)

    async def record(self, claim: BudgetReserved, job: Job, outcome: Outcome) -> Next:
        """Record what a granted claim's call came to, and settle the claim."""
        match outcome:
            case Refused(unreachable=True):
                return await self._unanswered(claim, Decimal(0))
            case Refused() | Exhausted() | PromptFault() | Misconfigured():
                await self.settle(claim, "not_called")
                return after_no_call(outcome)
            case Answered():
                self.bad_requests.answered()
                event = completed(claim, job, outcome, self.symbols, self.now())
                if isinstance(event, Failed):
                    return await self._fail(claim, job, event)
                return await self._complete(claim, event)
            case Failed():
                return await self._fail(claim, job, outcome)
            case _:
                assert_never(outcome)

    async def give_up(self, claim: BudgetReserved, job: Job, never: Never) -> Next:
        """Record why no call is ever made, and settle the claim, which cost nothing."""
        await self.keep(
            failure(claim, job, Failed(never.outcome, never.reason, "free"), self.now(), final=True)
        )
        await self.settle(claim, "failed")
        return Done()

    async def _complete(self, claim: BudgetReserved, event: AnalysisCompleted) -> Next:
        await self.keep(event)
        await self.settle(claim, "completed", event.usd, event.usage)
        return Done()

    async def _fail(self, claim: BudgetReserved, job: Job, failed: Failed) -> Next:
        if failed.owner == "provider" and not self.state.breaker.counts(claim.analysis_id):
            event = failure(claim, job, failed, self.now(), final=False, unanswered=True)
            await self.keep(event)
            return await self._unanswered(claim, event.usd)
        before = {"max_tokens": self.state.truncated} | dict.fromkeys(BY_THE_REQUEST, self.state.refused)
        twice = claim.analysis_id in before.get(failed.outcome, ())
        final = failed.final or twice or claim.attempt >= MAX_ATTEMPTS
        partial = partly_completed(claim, job, failed, self.symbols, self.now()) if final else None
        if partial is not None:
            return await self._complete(claim, partial)
        event = failure(claim, job, failed, self.now(), final=final)
        await self.keep(event)
        if final:
            await self.settle(claim, "failed", event.usd, event.usage)
            return Done()
        if failed.outcome == "bad_request" and self.bad_requests.is_the_prompts(
            job.captions.video.video_id, failed.reason
        ):
            await self.settle(claim, "retry", event.usd, event.usage)
            return PromptFails(failed.reason)
        # A cut answer wants room, not time.
        delay_s = 0.0 if failed.outcome == "max_tokens" else self.limits.retry_delays_s[claim.attempt - 1]
        retry_at = self.now() + timedelta(seconds=delay_s)
        await self.settle(claim, "retry", event.usd, event.usage, retry_at)
        return Again(int(retry_at.timestamp() * 1000))

    async def _unanswered(self, claim: BudgetReserved, usd: Decimal) -> Next:
        """Settle a claim that used up no attempt: the provider answers nobody, as far as is known."""
        retry_at = self.now() + timedelta(seconds=self.state.breaker.retry_s(claim.analysis_id))
        await self.settle(claim, "not_called", usd, retry_at=retry_at, unanswered=True)
        return Again(int(retry_at.timestamp() * 1000))

    async def settle(
        self,
        claim: BudgetReserved | Claim,
        outcome: SettledOutcome,
        usd: Decimal = Decimal(0),
        usage: Usage | None = None,
        retry_at: datetime | None = None,
        *,
        unanswered: bool = False,
    ) -> None:
        """Say what a claim cost, once its verdict is known; what is lost here is settled by the next analyst."""
        if outcome in {"completed", "failed"}:
            self.forget(claim.analysis_id)
        await self.keep(
            BudgetSettled(
                at=self.now(),
                attempt_id=claim.attempt_id,
                analysis_id=claim.analysis_id,
                outcome=outcome,
                usd=usd,
                usage=usage,
                retry_at=retry_at,
                granted=claim.attempt_id not in self.state.ledger.denied,
                unanswered=unanswered,
            )
        )

    async def keep(self, event: Event) -> None:
        """Append what must not be lost while this process lives, however long the broker is away.

        Raises EarmarkError where no further try can help.
        """
        while True:
            try:
                await self.append(event)
            except KafkaError as error:
                log.warning("%s is not in the log yet: %r", type(event).__name__, error)
                raise_if_final(error, event)
                await asyncio.sleep(1)
            else:
                return

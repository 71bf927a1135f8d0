"""One attempt at one request: claim, call, record, settle, in that order and never otherwise.

Whatever dies in between leaves the money right: before the grant nothing is called, before the record the claim stays
charged, before the settlement another analyst finds the record and settles.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, assert_never
from uuid import UUID, uuid4

from aiokafka.errors import KafkaError

from streams.analysis.calls import Calls
from streams.analysis.conversation import request_of
from streams.analysis.entries import Claim, Request
from streams.analysis.ledger import MAX_ATTEMPTS, Pending, Verdict
from streams.analysis.limits import Limits
from streams.analysis.next_step import Again, Halt, Next, Pause
from streams.analysis.outcomes import Answered, Exhausted, Failed, Misconfigured, Outcome, Refused
from streams.analysis.pace import Permit
from streams.analysis.prices import worst_case
from streams.analysis.record import charge, completed, failure
from streams.analysis.state import State
from streams.clock import Clock
from streams.events.analyses import AttemptOutcome
from streams.events.captions import CaptionsExtracted
from streams.events.event import Event
from streams.events.ledger import BudgetReserved, BudgetSettled, SettledOutcome, Usage, analysis_id
from streams.events.prompts import Prompt
from streams.log.publish import Appended
from streams.log.topics import ANALYSES, partition_of

_Never = tuple[AttemptOutcome, str]
"""Why no call is ever made: the outcome and the reason that AnalysisFailed tells."""


@dataclass
class Attempts:
    """Makes attempts. `reach` waits until the fold has a partition of `analyses` to its end; `append` is awaited."""

    state: State
    limits: Limits
    calls: Calls
    append: Callable[[Event], Awaitable[Appended]]
    fetch_captions: Callable[[Pending], Awaitable[CaptionsExtracted]]
    reach: Callable[[int], Awaitable[None]]
    listed: frozenset[str] | None
    now: Clock
    orphans: set[UUID] = field(default_factory=set)
    _verdicts: dict[UUID, asyncio.Future[Verdict]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state.on_verdict = self._hear

    @property
    def claims(self) -> int:
        """How many attempts have come as far as their claim."""
        return len(self._verdicts)

    def is_mine(self, attempt_id: UUID) -> bool:
        """Whether an attempt under way here holds this claim."""
        return attempt_id in self._verdicts

    def _hear(self, attempt_id: UUID, verdict: Verdict) -> None:
        waiting = self._verdicts.get(attempt_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(verdict)

    async def make(self, pending: Pending, prompt: Prompt, permit: Permit) -> Next:  # noqa: PLR0911  one a guard
        """Take one request as far as it goes now. The pace has room for it: a claim that waits holds money."""
        ledger, analysis = self.state.ledger, analysis_id(pending.request.captions_id, prompt.prompt_id)
        if ledger.is_done(analysis):
            return None
        called_until_ms = ledger.called_until_ms(analysis)
        if called_until_ms is not None and called_until_ms > self._in_ms(0):
            # Its settlement may stand in the log by now, unread: our own, too.
            return Again(min(called_until_ms, self._in_ms(0.2)))
        replay_id = pending.request.replay_id
        if replay_id is not None and ledger.replay_room(replay_id) <= 0:
            return self._after_replay_room(replay_id)
        captions = await self.fetch_captions(pending)
        if analysis in ledger.calls:
            # Likewise what the last attempt left, which says how much room the next one needs.
            await self.reach(partition_of(captions.video.video_id, ANALYSES.partitions))
        max_tokens = prompt.max_tokens * (2 if analysis in self.state.truncated else 1)
        request = request_of(prompt, captions, max_tokens)
        counted = await self.calls.count(analysis, request, permit)
        uncountable: _Never | None = None
        match counted:
            case int():
                usd = worst_case(prompt.model, counted, max_tokens)
            case Failed(final=True):
                usd, uncountable = Decimal(0), (counted.outcome, counted.reason)
            case _:
                return self._after_no_count(counted)
        claim = self._claim(pending, prompt, max_tokens, usd)
        never = uncountable or self._why_never(claim)
        if never is None and usd > ledger.room(claim.lane, claim.cap_usd, claim.lane_cap_usd, self._in_ms(0)):
            return Again(max(ledger.next_close_ms(), self._in_ms(1)), tight=True)
        if replay_id is not None and usd > ledger.replay_room(replay_id):
            return self._after_replay_room(replay_id)
        if never is None and self.calls.is_held(prompt.model):
            return Again()
        return await self._spend(claim, pending, prompt, captions, request, permit, never)

    def _after_replay_room(self, replay_id: UUID) -> Next:
        """A replay that is cancelled or has spent all it may is over, unless a call of it ends for less than reserved."""
        ledger = self.state.ledger
        may_close = any(held.claim.replay_id == replay_id for held in ledger.open.values())
        return Again(self._in_ms(1)) if may_close and replay_id not in ledger.cancelled else None

    def _lane_cap_usd(self, request: Request) -> Decimal:
        replay = None if request.replay_id is None else self.state.ledger.replays.get(request.replay_id)
        if replay is not None:
            return self.limits.cap_usd * Decimal(str(replay.share))
        return self.limits.lane_cap_usd(request.lane)

    def _claim(self, pending: Pending, prompt: Prompt, max_tokens: int, usd: Decimal) -> BudgetReserved:
        request = pending.request
        analysis = analysis_id(request.captions_id, prompt.prompt_id)
        return BudgetReserved(
            at=self.now(),
            attempt_id=uuid4(),
            request_id=request.request_id,
            analysis_id=analysis,
            prompt_id=prompt.prompt_id,
            model=prompt.model,
            max_tokens=max_tokens,
            attempt=self.state.ledger.next_attempt(analysis, self._in_ms(0)),
            lane=request.lane,
            replay_id=request.replay_id,
            usd=usd,
            cap_usd=self.limits.cap_usd,
            lane_cap_usd=self._lane_cap_usd(request),
            hold_s=self.limits.hold_s,
        )

    def _why_never(self, claim: BudgetReserved) -> _Never | None:
        if claim.attempt > MAX_ATTEMPTS:
            return "expired", f"{MAX_ATTEMPTS} attempts were made and none of them left an answer"
        bound = min(claim.cap_usd, claim.lane_cap_usd)
        if claim.usd > bound:
            return "over_cap", (
                f"the call may cost ${claim.usd:f}, more than lane {claim.lane} may spend on any day (${bound:f}):"
                " raise EARMARK_DAILY_CAP_USD or the lane's share"
            )
        return None

    async def _spend(
        self,
        claim: BudgetReserved,
        pending: Pending,
        prompt: Prompt,
        captions: CaptionsExtracted,
        request: dict[str, Any],
        permit: Permit,
        never: _Never | None,
    ) -> Next:
        verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._verdicts[claim.attempt_id] = verdict
        try:
            try:
                appended = await self.append(claim)
            except KafkaError:
                # It may be in the log all the same. It is not called; recovery settles it if it shows up.
                self.orphans.add(claim.attempt_id)
                return Again(self._in_ms(5))
            deadline_ms = appended.timestamp_ms + claim.hold_s * 1000
            said = await verdict
            granted = said == "granted"
            if never is not None and said not in {"done", "being_called"}:
                await self.append(failure(claim, pending, captions, *never, at=self.now(), final=True))
                await self.settle(claim, "failed")
                return None
            if granted:
                await self.reach(partition_of(captions.video.video_id, ANALYSES.partitions))
            if not granted or claim.analysis_id in self.state.answered:
                await self.settle(claim, "not_called")
                return Again(self._in_ms(random.uniform(0.5, 2)))
            outcome = await self.calls.call(request, permit, deadline_ms)
            return await self._record(claim, pending, prompt, captions, outcome)
        finally:
            del self._verdicts[claim.attempt_id]

    def _after_no_count(self, outcome: Outcome) -> Next:
        match outcome:
            case Misconfigured(reason):
                return Halt(reason)
            case Exhausted(reason, until):
                return Pause(until, reason)
            case Refused():
                return Again()
            case _:
                return Again(self._in_ms(self.limits.retry_delays_s[0]))

    async def _record(
        self,
        claim: BudgetReserved,
        pending: Pending,
        prompt: Prompt,
        captions: CaptionsExtracted,
        outcome: Outcome,
    ) -> Next:
        match outcome:
            case Refused():
                await self.settle(claim, "not_called")
                return Again()
            case Exhausted(reason, until):
                # No retry_at: who mends the account and restarts need not wait.
                await self.settle(claim, "not_called")
                return Pause(until, reason)
            case Misconfigured(reason):
                await self.settle(claim, "not_called")
                return Halt(reason)
            case Answered(text, usage):
                event = completed(claim, pending, prompt, captions, text, usage, self.listed, self.now())
                if not isinstance(event, Failed):
                    await self._keep(event)
                    await self.settle(claim, "completed", event.usd, usage)
                    return None
                return await self._fail(claim, pending, captions, event)
            case Failed():
                return await self._fail(claim, pending, captions, outcome)
            case _:
                assert_never(outcome)

    async def _fail(
        self, claim: BudgetReserved, pending: Pending, captions: CaptionsExtracted, failed: Failed
    ) -> Next:
        usd = charge(claim, failed)
        twice = failed.outcome == "max_tokens" and claim.analysis_id in self.state.truncated
        final = failed.final or twice or claim.attempt >= MAX_ATTEMPTS
        event = failure(
            claim,
            pending,
            captions,
            failed.outcome,
            failed.reason,
            at=self.now(),
            final=final,
            raw_answer=failed.raw_answer,
            usage=failed.usage,
            usd=usd,
        )
        await self._keep(event)
        if final:
            await self.settle(claim, "failed", usd, failed.usage)
            return None
        # A cut answer wants room, not time.
        delay_s = 0.0 if failed.outcome == "max_tokens" else self.limits.retry_delays_s[claim.attempt - 1]
        retry_at = self.now() + timedelta(seconds=delay_s)
        await self.settle(claim, "retry", usd, failed.usage, retry_at)
        return Again(int(retry_at.timestamp() * 1000))

    async def settle(
        self,
        claim: BudgetReserved | Claim,
        outcome: SettledOutcome,
        usd: Decimal = Decimal(0),
        usage: Usage | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        """Say what a claim cost; what is lost here is found and settled by the next analyst."""
        if outcome in {"completed", "failed"}:
            self.calls.forget(claim.analysis_id)
        await self._keep(
            BudgetSettled(
                at=self.now(),
                attempt_id=claim.attempt_id,
                analysis_id=claim.analysis_id,
                outcome=outcome,
                usd=usd,
                usage=usage,
                retry_at=retry_at,
            )
        )

    async def _keep(self, event: Event) -> None:
        """Append what must not be lost while this process lives, however long the broker is away."""
        while True:
            try:
                await self.append(event)
            except KafkaError:
                await asyncio.sleep(1)
            else:
                return

    def _in_ms(self, seconds: float) -> int:
        return int((self.now().timestamp() + seconds) * 1000)

"""One attempt at one request: claim, call, record, settle, in that order and never otherwise.

Whatever dies in between leaves the money right: before the grant nothing is called, before the record the claim stays
charged, before the settlement another analyst finds the record and settles.
"""

import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from aiokafka.errors import KafkaError

from streams.analysis.job import Job
from streams.analysis.next_step import Again, Done, LineFull, Next, PromptFails
from streams.analysis.question import request_of
from streams.analysis.recorder import Recorder, after_no_call, raise_if_final
from streams.analysis.state import AnalystState
from streams.analysis.verdicts import Verdicts
from streams.budget.account import Pending
from streams.budget.entries import Request
from streams.budget.forecast import transcript_bytes
from streams.budget.ledger import Verdict
from streams.budget.limits import Limits, room_for_answer
from streams.budget.prices import UnknownPriceError, worst_case
from streams.budget.weigh import Go, Never, NoRoom, ReplaySpent, TooLarge, replay_spent, weigh
from streams.claude.calls import Calls
from streams.claude.outcomes import Exhausted, Failed, Misconfigured, Outcome, PromptFault, Refused
from streams.claude.pace import Permit
from streams.clock import Clock
from streams.errors import EarmarkError, TransientError
from streams.events.captions import CaptionsExtracted
from streams.events.event import Event
from streams.events.ledger import BudgetReserved, ReplayCancelled
from streams.events.prompts import Prompt
from streams.log.publish import Appended, partition_of
from streams.log.topics import ANALYSES

HELD_S = 0.2
"""How long a request waits for the settlement of the last call on it, which is on its way."""
COUNT_AGAIN_AT_MOST_S = TOO_LARGE_AGAIN_S = 3600.0
CUTS_BEFORE = 2
"""So often was the answer cut that a request with `more_room` repeats."""

log = logging.getLogger(__name__)


@dataclass
class Attempts:
    """Makes attempts. `reach` waits until the fold has a partition of `analyses` to its end; `append` is awaited."""

    state: AnalystState
    limits: Limits
    calls: Calls
    recorder: Recorder
    verdicts: Verdicts
    append: Callable[[Event], Awaitable[Appended]]
    fetch_captions: Callable[[Pending], Awaitable[CaptionsExtracted]]
    reach: Callable[[int], Awaitable[None]]
    now: Clock
    _is_stopping: bool = False
    _uncounted: Counter[UUID] = field(default_factory=Counter)

    def claim_no_more(self) -> None:
        """Claim nothing more; what is claimed goes on."""
        self._is_stopping = True

    def held_until_ms(self, pending: Pending, prompt: Prompt) -> int:
        """When to retry while another claim on this analysis is open (ms since 1970), at most HELD_S from now; 0 if none is.

        Its settlement may be in the log by now, unread: our own, too.
        """
        analysis = pending.request.analysis_id(prompt.prompt_id)
        called_until_ms = self.state.ledger.called_until_ms(analysis)
        if called_until_ms is None or called_until_ms <= self._in_ms(0):
            return 0
        return min(called_until_ms, self._in_ms(HELD_S))

    async def make(self, pending: Pending, prompt: Prompt, permit: Permit) -> Next:
        """Take one request as far as it goes now. The pace has room for it: a claim that waits holds money.

        Raises TransientError where the log does not take a claim, and RefusedError where no price is known for a prompt
        that live requests are asked with.
        """
        try:
            return await self._make(pending, prompt, permit)
        except UnknownPriceError as error:
            if pending.request.replay_id is None:
                raise
            # A replay is one prompt's own affair: it holds up nobody else.
            log.error("a request of replay %s is given up: %s", pending.request.replay_id, error)  # noqa: TRY400
            return Done()

    async def _make(self, pending: Pending, prompt: Prompt, permit: Permit) -> Next:  # noqa: PLR0911  one a guard
        ledger, replay_id = self.state.ledger, pending.request.replay_id
        if ledger.is_done(pending.request.analysis_id(prompt.prompt_id)):
            return await self._close(pending.request, prompt)
        if replay_id is not None and ledger.replay_room(replay_id) <= 0:
            return self._after_replay_spent(replay_spent(replay_id, ledger))
        worst_case(prompt.model, 0, prompt.max_tokens)  # raises where there is no price: nobody is asked
        job = await self._job(pending, prompt)
        request = request_of(prompt, job.captions, job.max_tokens)
        counted = await self.calls.count(job.analysis_id, request, permit)
        match counted:
            case int():
                del self._uncounted[job.analysis_id]
                claim = self._claim_for(job, worst_case(prompt.model, counted, job.max_tokens))
                weighed = weigh(claim, ledger, self._in_ms(0))
            case Failed(outcome, reason, final=True):
                claim, weighed = self._claim_for(job, Decimal(0)), Never(outcome, reason)
            case _:
                return self._after_no_count(job, counted)
        match weighed:
            case TooLarge() | NoRoom() | ReplaySpent():
                return self._wait(claim, pending.request, weighed)
            case _ if not self._may_claim(job):
                return Again()
            case Never():
                return await self._give_up(job, claim, weighed)
            case Go():
                return await self._spend(job, claim, request, permit)

    async def _job(self, pending: Pending, prompt: Prompt) -> Job:
        captions = await self.fetch_captions(pending)
        analysis = pending.request.analysis_id(prompt.prompt_id)
        if analysis in self.state.ledger.calls:
            # What the last attempt left says how much room the next one needs.
            await self._reach_answers(captions)
        cuts = (analysis in self.state.truncated) + (CUTS_BEFORE if pending.request.more_room else 0)
        model_limit = await self.calls.max_tokens_of(prompt.model) if cuts else None
        return Job(pending, prompt, captions, room_for_answer(prompt.max_tokens, model_limit, cuts=cuts))

    def _may_claim(self, job: Job) -> bool:
        # Another prompt may be active since the tokens were counted: the claim must be for the active one.
        return not self._is_stopping and self.state.prompt_for(job.pending.request.prompt_id) == job.prompt

    async def _close(self, request: Request, prompt: Prompt) -> Next:
        """Close a request that another request's answer answers, too.

        A live request names no prompt. Left open, it would be asked anew once another prompt is active.
        """
        if request.request_id in self.state.ledger.pending:
            claim = self._claim(request, prompt, prompt.max_tokens, Decimal(0))
            async with self._verdict_on(claim) as verdict:
                # Nothing is granted for what is done; settled, the claim ends its request.
                await self.recorder.settle(claim, "completed" if verdict == "done" else "not_called")
        return Done()

    def _wait(self, claim: BudgetReserved, request: Request, why: TooLarge | NoRoom | ReplaySpent) -> Next:
        match why:
            case NoRoom(until_ms, whole_day):
                return LineFull(max(until_ms, self._in_ms(1)), whole_day)
            case ReplaySpent():
                return self._after_replay_spent(why)
        log.warning(
            "video %s waits: its call may cost $%s, and lane %s may spend $%s on any day: %s",
            request.video_id,
            claim.usd,
            claim.lane,
            claim.lane_cap_usd,
            "raise the lane's share" if claim.replay_id is None else "replay it with a larger share",
        )
        if claim.replay_id is not None:
            # A replay's share is fixed: only another replay can take the video.
            return Done()
        return Again(max(self.state.ledger.day_end_ms(), self._in_ms(TOO_LARGE_AGAIN_S)))

    def _after_replay_spent(self, spent: ReplaySpent) -> Next:
        return Again(self._in_ms(1)) if spent.may_reopen else Done()

    def _lane_cap_usd(self, request: Request) -> Decimal:
        replay = None if request.replay_id is None else self.state.ledger.replays.get(request.replay_id)
        if replay is not None:
            return self.limits.share_usd(Decimal(str(replay.share)))
        return self.limits.lane_cap_usd(request.lane)

    def _claim_for(self, job: Job, usd: Decimal) -> BudgetReserved:
        return self._claim(job.pending.request, job.prompt, job.max_tokens, usd)

    def _claim(self, request: Request, prompt: Prompt, max_tokens: int, usd: Decimal) -> BudgetReserved:
        analysis = request.analysis_id(prompt.prompt_id)
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

    @asynccontextmanager
    async def _verdict_on(self, claim: BudgetReserved) -> AsyncIterator[Verdict]:
        """Append `claim` and read its verdict back; the claim is under way until the block ends.

        Raises TransientError where the claim may be in the log or not: it is never called, and recovery settles it if it
        shows up.
        """
        with self.verdicts.expected(claim.attempt_id) as verdict:
            try:
                await self.append(claim)
            except KafkaError as error:
                self.verdicts.orphans.add(claim.attempt_id)
                raise_if_final(error, claim)
                raise TransientError(f"a claim may be in the log or not: {error!r}") from error
            yield await verdict

    async def _spend(self, job: Job, claim: BudgetReserved, request: dict[str, Any], permit: Permit) -> Next:
        if self.calls.is_held(job.prompt.model):
            return Again()
        # By our own clock, and from before the append: whatever the broker's clock says, the claim is held for longer.
        deadline_ms = self._in_ms(claim.hold_s)
        async with self._verdict_on(claim) as verdict:
            if verdict != "granted" or await self._is_answered(job):
                return await self._not_called(claim)
            outcome = await self.calls.call(request, permit, deadline_ms, claim.lane)
            return await self.recorder.record(claim, job, outcome)

    async def _give_up(self, job: Job, claim: BudgetReserved, never: Never) -> Next:
        async with self._verdict_on(claim) as verdict:
            if verdict in {"done", "being_called"}:
                return await self._not_called(claim)
            return await self.recorder.give_up(claim, job, never)

    async def _not_called(self, claim: BudgetReserved) -> Next:
        await self.recorder.settle(claim, "not_called")
        return Again(self._in_ms(random.uniform(0.5, 2)))

    async def _is_answered(self, job: Job) -> bool:
        """Whether an answer stands in the log, or may stand there: the log does not say."""
        try:
            await self._reach_answers(job.captions)
        except (KafkaError, EarmarkError) as error:
            log.warning("a granted claim is given back, the log does not answer: %r", error)
            return True
        return job.analysis_id in self.state.answered

    async def _reach_answers(self, captions: CaptionsExtracted) -> None:
        await self.reach(partition_of(captions.video.video_id, ANALYSES.partitions))

    def _after_no_count(self, job: Job, outcome: Outcome) -> Next:
        match outcome:
            case Failed("bad_request", reason):
                # Tokens are counted for any words: it is not this video's that are turned down.
                return PromptFails(reason)
            case Refused(unreachable=False) | Exhausted() | PromptFault() | Misconfigured():
                return after_no_call(outcome)
            case _:
                # It cost nothing, so it stands in no ledger: known here only.
                self.state.breaker.unanswered(job.analysis_id, self._in_ms(0))
                delay_s = self.limits.retry_delays_s[0] * 2 ** min(self._uncounted[job.analysis_id], 10)
                self._uncounted[job.analysis_id] += 1
                video_id = job.captions.video.video_id
                log.warning("the tokens of video %s cannot be counted: %s", video_id, outcome)
                return Again(self._in_ms(min(delay_s, COUNT_AGAIN_AT_MOST_S)))

    async def end_replay(self, replay_id: UUID, reason: str) -> None:
        """End a replay whose prompt nobody can be asked with."""
        log.error("replay %s ends: %s", replay_id, reason)
        await self.recorder.keep(ReplayCancelled(at=self.now(), replay_id=replay_id, reason=reason))

    async def smallest(self, waiting: Sequence[Pending]) -> Pending:
        """Of some requests the one whose transcript is the shortest; the first where the log does not answer."""
        try:
            captions = [await self.fetch_captions(pending) for pending in waiting]
        except (KafkaError, EarmarkError):
            return waiting[0]
        sizes = [transcript_bytes(taken.texts) for taken in captions]
        return waiting[sizes.index(min(sizes))]

    def _in_ms(self, seconds: float) -> int:
        return int((self.now().timestamp() + seconds) * 1000)

"""One attempt at one request: claim, call, record, settle, in that order and never otherwise.

Whatever dies in between leaves the money right: before the grant nothing is called, before the record the claim stays
charged, before the settlement another analyst finds the record and settles.
"""

import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from aiokafka.errors import KafkaError

from streams.analysis.next_step import Again, Halt, Next, Pause
from streams.analysis.question import request_of
from streams.analysis.recorder import Recorder, raise_if_final
from streams.analysis.results import failure
from streams.analysis.state import AnalystState
from streams.analysis.verdicts import Verdicts
from streams.budget.entries import Request
from streams.budget.ledger import MAX_ATTEMPTS, Pending
from streams.budget.limits import Limits
from streams.budget.prices import UnknownPriceError, worst_case
from streams.claude.calls import Calls
from streams.claude.outcomes import Exhausted, Failed, Misconfigured, Outcome, Refused
from streams.claude.pace import Permit
from streams.clock import Clock
from streams.errors import EarmarkError
from streams.events.analyses import AttemptOutcome
from streams.events.captions import CaptionsExtracted
from streams.events.event import Event
from streams.events.ledger import BudgetReserved, analysis_id
from streams.events.prompts import Prompt
from streams.log.publish import Appended, partition_of
from streams.log.topics import ANALYSES

LOG_AWAY_S = 5.0
"""How long a request waits where the log did not answer."""
HELD_S = 0.2
"""How long a request waits for the settlement of the last call on it, which is on its way."""
COUNT_AGAIN_AT_MOST_S = TOO_LARGE_AGAIN_S = 3600.0

log = logging.getLogger(__name__)

_Never = tuple[AttemptOutcome, str]
"""Why no call is ever made: the outcome and the reason that AnalysisFailed tells."""


@dataclass
class Attempts:
    """Makes attempts. `reach` waits until the fold has a partition of `analyses` to its end; `append` is awaited.

    Once `stopping`, nothing more is claimed.
    """

    state: AnalystState
    limits: Limits
    calls: Calls
    recorder: Recorder
    append: Callable[[Event], Awaitable[Appended]]
    fetch_captions: Callable[[Pending], Awaitable[CaptionsExtracted]]
    reach: Callable[[int], Awaitable[None]]
    now: Clock
    orphans: set[UUID] = field(default_factory=set)
    verdicts: Verdicts = field(default_factory=Verdicts)
    stopping: bool = False
    _uncounted: Counter[UUID] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.state.on_verdict = self.verdicts.hear

    def held_until_ms(self, pending: Pending, prompt: Prompt) -> int:
        """Until when an open claim holds the request up, for a moment at most (ms since 1970); 0 where none does.

        Its settlement may stand in the log by now, unread: our own, too.
        """
        called_until_ms = self.state.ledger.called_until_ms(_analysis_of(pending, prompt))
        if called_until_ms is None or called_until_ms <= self._in_ms(0):
            return 0
        return min(called_until_ms, self._in_ms(HELD_S))

    async def make(self, pending: Pending, prompt: Prompt, permit: Permit) -> Next:
        """Take one request as far as it goes now. The pace has room for it: a claim that waits holds money.

        Raises RefusedError where no price is known for a prompt that live requests are asked with.
        """
        try:
            return await self._make(pending, prompt, permit)
        except UnknownPriceError as error:
            if pending.request.replay_id is None:
                raise
            # A replay is one prompt's own affair: it holds up nobody else.
            log.error("a request of replay %s is given up: %s", pending.request.replay_id, error)  # noqa: TRY400
            return None

    async def _make(self, pending: Pending, prompt: Prompt, permit: Permit) -> Next:  # noqa: PLR0911  one a guard
        ledger, analysis = self.state.ledger, _analysis_of(pending, prompt)
        replay_id = pending.request.replay_id
        if ledger.is_done(analysis):
            return await self._close(pending, prompt)
        if replay_id is not None and ledger.replay_room(replay_id) <= 0:
            return self._after_replay_room(replay_id)
        worst_case(prompt.model, 0, prompt.max_tokens)  # raises where there is no price: nobody is asked
        captions = await self.fetch_captions(pending)
        if analysis in ledger.calls:
            # What the last attempt left says how much room the next one needs.
            await self.reach(partition_of(captions.video.video_id, ANALYSES.partitions))
        max_tokens = prompt.max_tokens * (2 if analysis in self.state.truncated else 1)
        request = request_of(prompt, captions, max_tokens)
        counted = await self.calls.count(analysis, request, permit)
        uncountable: _Never | None = None
        match counted:
            case int():
                usd = worst_case(prompt.model, counted, max_tokens)
                del self._uncounted[analysis]
            case Failed(final=True):
                usd, uncountable = Decimal(0), (counted.outcome, counted.reason)
            case _:
                return self._after_no_count(pending, analysis, counted)
        claim = self._claim(pending, prompt, max_tokens, usd)
        never = uncountable or self._why_never(claim)
        if never is None and usd > claim.lane_cap_usd > 0:
            return self._after_too_large(claim, pending)
        if never is None and usd > ledger.room(claim.lane, claim.cap_usd, claim.lane_cap_usd, self._in_ms(0)):
            return Again(max(ledger.next_close_ms(), self._in_ms(1)), tight=True)
        if replay_id is not None and usd > ledger.replay_room(replay_id):
            return self._after_replay_room(replay_id)
        # Another prompt may be the active one since the tokens were counted: the claim must be for the one that is.
        is_other = self.state.prompt_for(pending.request.prompt_id) != prompt
        if self.stopping or is_other or (never is None and self.calls.is_held(prompt.model)):
            return Again()
        return await self._spend(claim, pending, prompt, captions, request, permit, never)

    async def _close(self, pending: Pending, prompt: Prompt) -> Next:
        """Another request's answer is this one's, too: say so in the ledger.

        A live request names no prompt. Left open there, it would be asked for anew once another prompt is active.
        """
        request = pending.request
        if request.request_id in self.state.ledger.pending:
            claim = self._claim(pending, prompt, prompt.max_tokens, Decimal(0))
            with self.verdicts.expected(claim.attempt_id) as verdict:
                await self.append(claim)
                # Nothing is granted for what is done; settled, the claim ends its request.
                await self.recorder.settle(claim, "completed" if await verdict == "done" else "not_called")
        return None

    def _after_too_large(self, claim: BudgetReserved, pending: Pending) -> Next:
        """The call fits the cap and not its share on any day: it waits for a larger one, alone.

        A replay's share is its own for good: only another replay can take the video.
        """
        log.warning(
            "video %s waits: its call may cost $%s, and lane %s may spend $%s on any day: %s",
            pending.request.video_id,
            claim.usd,
            claim.lane,
            claim.lane_cap_usd,
            "raise the lane's share" if claim.replay_id is None else "replay it with a larger share",
        )
        if claim.replay_id is not None:
            return None
        return Again(max(self.state.ledger.day_end_ms(), self._in_ms(TOO_LARGE_AGAIN_S)))

    def _after_replay_room(self, replay_id: UUID) -> Next:
        """A replay that is cancelled or has spent all it may is over, unless a call of it ends for less than reserved."""
        ledger = self.state.ledger
        may_close = any(held.claim.replay_id == replay_id for held in ledger.open.values())
        return Again(self._in_ms(1)) if may_close and replay_id not in ledger.cancelled else None

    def _lane_cap_usd(self, request: Request) -> Decimal:
        replay = None if request.replay_id is None else self.state.ledger.replays.get(request.replay_id)
        if replay is not None:
            return self.limits.share_usd(Decimal(str(replay.share)))
        return self.limits.lane_cap_usd(request.lane)

    def _claim(self, pending: Pending, prompt: Prompt, max_tokens: int, usd: Decimal) -> BudgetReserved:
        request = pending.request
        analysis = _analysis_of(pending, prompt)
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
        # A cap of nothing is a pause, and no reason to give anything up.
        if claim.usd > claim.cap_usd > 0:
            return "over_cap", (
                f"the call may cost ${claim.usd:f}, more than EARMARK_DAILY_CAP_USD allows on any day"
                f" (${claim.cap_usd:f}): it is not asked under this prompt; one with fewer max_tokens or another model can"
                " be replayed over it"
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
        # By our own clock, and from before the append: whatever the broker's clock says, the claim is held for longer.
        deadline_ms = self._in_ms(claim.hold_s)
        with self.verdicts.expected(claim.attempt_id) as verdict:
            try:
                await self.append(claim)
            except KafkaError as error:
                # It may be in the log all the same. It is not called; recovery settles it if it shows up.
                self.orphans.add(claim.attempt_id)
                log.warning("a claim may be in the log or not: %r", error)
                raise_if_final(error, claim)
                return Again(self._in_ms(LOG_AWAY_S))
            said = await verdict
            if never is not None and said not in {"done", "being_called"}:
                failed = failure(claim, pending, captions, *never, at=self.now(), final=True)
                await self.recorder.keep(failed)
                await self.recorder.settle(claim, "failed")
                return None
            if said != "granted" or await self._is_answered(claim, captions):
                await self.recorder.settle(claim, "not_called")
                return Again(self._in_ms(random.uniform(0.5, 2)))
            outcome = await self.calls.call(request, permit, deadline_ms, claim.lane)
            return await self.recorder.record(claim, pending, prompt, captions, outcome)

    async def _is_answered(self, claim: BudgetReserved, captions: CaptionsExtracted) -> bool:
        """Whether an answer stands in the log, or may stand there: the log does not say."""
        try:
            await self.reach(partition_of(captions.video.video_id, ANALYSES.partitions))
        except (KafkaError, EarmarkError) as error:
            log.warning("a granted claim is given back, the log does not answer: %r", error)
            return True
        return claim.analysis_id in self.state.answered

    def _after_no_count(self, pending: Pending, analysis: UUID, outcome: Outcome) -> Next:
        match outcome:
            case Misconfigured(reason):
                return Halt(reason)
            case Exhausted(reason, until):
                return Pause(until, reason)
            case Refused():
                return Again()
            case _:
                delay_s = self.limits.retry_delays_s[0] * 2 ** min(self._uncounted[analysis], 10)
                self._uncounted[analysis] += 1
                log.warning("the tokens of video %s cannot be counted: %s", pending.request.video_id, outcome)
                return Again(self._in_ms(min(delay_s, COUNT_AGAIN_AT_MOST_S)))

    def _in_ms(self, seconds: float) -> int:
        return int((self.now().timestamp() + seconds) * 1000)


def _analysis_of(pending: Pending, prompt: Prompt) -> UUID:
    return analysis_id(pending.request.captions_id, prompt.prompt_id)

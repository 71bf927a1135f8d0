"""The analyst: requests out of the ledger, answers into `analyses`, money never above the cap.

It keeps no position of its own: at each start it folds the ledger from the first record. Two analysts at once cost
pace, never money; a dead one's answers are found and settled by the next.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aiokafka.errors import KafkaError

from streams.analysis.attempt import Attempts
from streams.analysis.calls import Calls
from streams.analysis.claude import Claude
from streams.analysis.entries import Claim
from streams.analysis.ledger import Ledger, Pending
from streams.analysis.limits import Limits
from streams.analysis.next_step import Again, Halt, Next, Pause
from streams.analysis.pace import Permit
from streams.analysis.queue import LANES
from streams.analysis.state import State
from streams.clock import Clock
from streams.errors import EarmarkError
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.captions import CaptionsExtracted
from streams.events.event import Lane, Position
from streams.events.prompts import Prompt
from streams.log.connection import Connection
from streams.log.fold import Fetcher, Record, fetcher, follow
from streams.log.publish import Publisher
from streams.log.topics import ANALYSES, CAPTIONS, LEDGER, PROMPTS

RECOVERY_S = 5.0
MIN_UNCLAIMED = 8
log = logging.getLogger(__name__)


class AnalystError(EarmarkError):
    """The analyst cannot go on before a person mends something; every request stays claimable."""


class Analyst:
    """Takes requests as lanes, pace and money allow, each attempt a task of its own."""

    def __init__(
        self, state: State, attempts: Attempts, limits: Limits, fetch: Fetcher, stop: asyncio.Event
    ) -> None:
        self._state = state
        self._attempts = attempts
        self._limits = limits
        self._fetch = fetch
        self._stop = stop
        self._wake = asyncio.Event()
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._closed: dict[Lane, int] = {}
        self._paused_until: datetime = datetime.min.replace(tzinfo=UTC)
        self._halted: str | None = None
        self._suspects: set[UUID] = set()

    def ledger_moved(self) -> None:
        """Something was claimed, settled or asked for: a lane that was tight may have room."""
        self._closed.clear()
        self._wake.set()

    async def run(self) -> None:
        """Work until told to stop; then finish the calls in flight. Raises AnalystError where a person must mend."""
        await self._recover(patient=False)
        recovery = asyncio.create_task(self._recover_for_ever(), name="recovery")
        try:
            while not self._stop.is_set() and self._halted is None:
                self._wake.clear()
                self._fill()
                try:
                    await asyncio.wait_for(self._wake.wait(), self._idle_s())
                except TimeoutError:
                    continue
                finally:
                    if recovery.done():
                        recovery.result()
            if self._tasks:
                log.info("stopping: %d calls in flight are waited for", len(self._tasks))
            await asyncio.gather(*self._tasks.values())
        finally:
            for task in (recovery, *self._tasks.values()):
                task.cancel()
            await asyncio.gather(recovery, *self._tasks.values(), return_exceptions=True)
        if self._halted is not None:
            raise AnalystError(f"Claude cannot be asked: {self._halted}")

    def stop(self) -> None:
        """Take no further request."""
        self._stop.set()
        self._wake.set()

    def _now_ms(self) -> int:
        return int(self._attempts.now().timestamp() * 1000)

    def _idle_s(self) -> float:
        ready_ms = self._state.queue.next_ready_ms(self._closed_now())
        if ready_ms is None:
            return 1.0
        due_s = (ready_ms - self._now_ms()) / 1000
        wait_s = due_s if due_s > 0 else self._attempts.calls.opens_in_s()
        return min(max(wait_s, 0.01), 1.0)

    def _closed_now(self) -> set[Lane]:
        now_ms = self._now_ms()
        if self._attempts.now() < self._paused_until:
            return set(LANES)
        return {
            lane
            for lane in LANES
            if self._closed.get(lane, 0) > now_ms or len(self._tasks) >= self._limits.calls_of(lane)
        }

    def _fill(self) -> None:
        """Let requests go in the order of the lanes, each the moment that the pace opens for it."""
        while True:
            pending = self._state.queue.take(self._now_ms(), self._closed_now(), self._may_go)
            if pending is None:
                return
            request_id = pending.request.request_id
            if request_id not in self._state.ledger.pending:
                continue
            prompt = self._state.prompt_for(pending.request.prompt_id)
            if prompt is None:
                # Not registered, or not active everywhere yet.
                self._state.queue.add(pending, self._now_ms() + 1000)
            else:
                permit = self._attempts.calls.begin(prompt.model)
                self._tasks[request_id] = asyncio.create_task(self._attempt(pending, prompt, permit))

    def _may_go(self, pending: Pending) -> bool:
        prompt = self._state.prompt_for(pending.request.prompt_id)
        if prompt is None:
            return True
        calls = self._attempts.calls
        # A live request that comes now stands behind all that are on the way to their claim: a second's worth.
        unclaimed = len(self._tasks) - self._attempts.claims
        crowded = pending.request.lane != "live" and unclaimed >= max(
            MIN_UNCLAIMED, calls.a_second(prompt.model)
        )
        return not crowded and calls.may_begin(prompt.model)

    async def _attempt(self, pending: Pending, prompt: Prompt, permit: Permit) -> None:
        request = pending.request
        todo: Next = Again(self._now_ms() + int(self._limits.retry_delays_s[0] * 1000))
        try:
            todo = await self._attempts.make(pending, prompt, permit)
        except EarmarkError as error:
            self._halted = str(error)
        except Exception as error:
            self._halted = f"{type(error).__name__}: {error}"
            log.exception("an attempt at %s ended in an error of our own", request.video_id)
        finally:
            del self._tasks[request.request_id]
            self._attempts.calls.give_back(prompt.model, permit)
            self._go_on(pending, todo)
            self._wake.set()

    def _go_on(self, pending: Pending, todo: Next) -> None:
        match todo:
            case Again(not_before_ms, tight):
                if tight:
                    self._closed[pending.request.lane] = not_before_ms
                self._state.queue.add(pending, 0 if tight else not_before_ms)
            case Pause(until, reason):
                if self._attempts.now() >= self._paused_until:
                    log.error("no calls before %s: %s", until.isoformat(), reason)
                self._paused_until = until
                self._state.queue.add(pending)
            case Halt(reason):
                self._halted = reason
            case None:
                pass

    async def _recover_for_ever(self) -> None:
        while True:
            await asyncio.sleep(RECOVERY_S)
            try:
                await self._recover(patient=True)
            except KafkaError as error:
                log.warning("claims of dead analysts are looked for again later: %r", error)

    async def _recover(self, *, patient: bool) -> None:
        """Settle what another analyst (or this one, before) left unsettled and what is known of; ask what is owed.

        `patient`: only what stood there a round ago too, for a living analyst settles its own within moments.
        """
        suspects = {
            attempt_id
            for attempt_id in self._state.ledger.unsettled
            if not self._attempts.is_mine(attempt_id)
        }
        for attempt_id in suspects & self._suspects if patient else suspects:
            claim = self._state.ledger.unsettled.get(attempt_id)
            if claim is not None:
                await self._settle_for(claim)
        self._suspects = suspects
        for request in self._state.owed_now():
            await self._attempts.append(request)

    async def _settle_for(self, claim: Claim) -> None:
        recorded = self._state.recorded.get(claim.attempt_id)
        if recorded is not None:
            await self._settle_recorded(claim, recorded)
        elif claim.attempt_id in self._state.ledger.denied or claim.attempt_id in self._attempts.orphans:
            await self._attempts.settle(claim, "not_called")
            self._attempts.orphans.discard(claim.attempt_id)

    async def _settle_recorded(self, claim: Claim, recorded: Position) -> None:
        record = await self._fetch.fetch(ANALYSES, recorded.partition, recorded.offset)
        match record.event():
            case AnalysisCompleted() as done:
                await self._attempts.settle(claim, "completed", done.usd, done.usage)
            case AnalysisFailed() as failed:
                await self._attempts.settle(claim, "failed", failed.usd, failed.usage)
            case AttemptFailed() as failed:
                delay = timedelta(seconds=self._limits.retry_delays_s[min(claim.attempt, 2) - 1])
                await self._attempts.settle(claim, "retry", failed.usd, failed.usage, failed.at + delay)


async def analyse(
    connection: Connection,
    publisher: Publisher,
    claude: Claude,
    limits: Limits,
    listed: frozenset[str] | None,
    now: Clock,
    stop: asyncio.Event,
    day_start_ms: int = 0,
) -> None:
    """Run an analyst until `stop` is set. Raises AnalystError, LedgerError, KafkaError: the process ends with it.

    `day_start_ms` moves the budget's day off midnight UTC, for proofs; every analyst of a ledger must have the same.
    """
    state = State(Ledger(day_start_ms))
    moved: list[Callable[[], None]] = []

    def apply_ledger(record: Record) -> None:
        state.apply(record)
        for hear in moved:
            hear()

    async with (
        # First, or every answer there is would be kept until its settlement is read.
        follow(connection, [LEDGER], apply_ledger) as ledger,
        follow(connection, [ANALYSES, PROMPTS], state.apply) as analyses,
        fetcher(connection) as fetch,
    ):
        attempts = Attempts(
            state=state,
            limits=limits,
            calls=Calls(claude, limits.call_timeout_s, random.random, now),
            append=publisher.append,
            fetch_captions=lambda pending: _captions(fetch, pending),
            reach=lambda partition: analyses.reach_now(ANALYSES, partition),
            listed=listed,
            now=now,
        )
        analyst = Analyst(state, attempts, limits, fetch, stop)
        moved.append(analyst.ledger_moved)
        watchers = [asyncio.create_task(follower.ended()) for follower in (analyses, ledger)]
        stopper = asyncio.create_task(_when(stop, analyst.stop))
        work = asyncio.create_task(analyst.run())
        try:
            done, _ = await asyncio.wait([work, *watchers], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (work, stopper, *watchers):
                task.cancel()
            await asyncio.gather(work, stopper, *watchers, return_exceptions=True)


async def _when(event: asyncio.Event, act: Callable[[], None]) -> None:
    await event.wait()
    act()


async def _captions(fetch: Fetcher, pending: Pending) -> CaptionsExtracted:
    place = pending.request.captions_at
    event = (await fetch.fetch(CAPTIONS, place.partition, place.offset)).event()
    if not isinstance(event, CaptionsExtracted):
        raise AnalystError(
            f"request {pending.request.request_id} points at captions[{place.partition}]@{place.offset}, a"
            f" {type(event).__name__}: the ledger belongs to another log"
        )
    return event

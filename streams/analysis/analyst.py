"""The analyst: requests out of the ledger, answers into `analyses`, money never above the cap.

It keeps no position of its own: at each start it folds the ledger from the first record. Two analysts at once cost
pace, never money; a dead one's answers are found and settled by the next.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from aiokafka.errors import KafkaError

from streams.analysis.attempt import LOG_AWAY_S, Attempts
from streams.analysis.next_step import Again, Halt, Next, Pause
from streams.analysis.queue import Line, line_of
from streams.analysis.recorder import Recorder
from streams.analysis.recovery import Recovery
from streams.analysis.state import AnalystState
from streams.budget.ledger import Ledger, Pending
from streams.budget.limits import Limits
from streams.claude.calls import Calls
from streams.claude.client import Claude
from streams.claude.pace import Permit
from streams.clock import Clock
from streams.errors import EarmarkError, TransientError
from streams.events.captions import CaptionsExtracted
from streams.events.event import LANES
from streams.events.ledger import BudgetSettled
from streams.events.prompts import Prompt
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.fetch import Fetcher, fetcher
from streams.log.follow import follow
from streams.log.publish import Publisher
from streams.log.topics import ANALYSES, CAPTIONS, LEDGER, PROMPTS

MIN_UNCLAIMED = 8
log = logging.getLogger(__name__)


class AnalystError(EarmarkError):
    """The analyst cannot go on before a person mends something; every request stays claimable."""


def _our_own(error: Exception) -> AnalystError:
    return AnalystError(f"an error of our own, see the log: {type(error).__name__}: {error}")


class Analyst:
    """Takes requests as lanes, pace and money allow, each attempt a task of its own."""

    def __init__(
        self, state: AnalystState, attempts: Attempts, limits: Limits, recovery: Recovery, stop: asyncio.Event
    ) -> None:
        self._state = state
        self._attempts = attempts
        self._limits = limits
        self._recovery = recovery
        self._stop = stop
        self._wake = asyncio.Event()
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._closed: dict[Line, int] = {}
        self._paused_until: datetime = datetime.min.replace(tzinfo=UTC)
        self._halted: EarmarkError | None = None
        self._alarm: str | None = None

    def ledger_moved(self, record: Record) -> None:
        """Something was asked for, claimed or settled; of these a settlement alone gives a line that was tight room."""
        if record.type == BudgetSettled.__name__:
            self._closed.clear()
        self._wake.set()

    async def run(self) -> None:
        """Work until told to stop; then finish the calls in flight, which are paid for.

        Raises AnalystError or RefusedError where a person must mend something.
        """
        await self._recovery.once(patient=False)
        recovery = asyncio.create_task(self._recover(), name="recovery")
        try:
            while not self._stop.is_set() and self._halted is None:
                self._wake.clear()
                self._tell_alarm()
                self._fill()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._idle_s())
            self._attempts.stopping = True
            recovery.cancel()
            if self._tasks:
                log.info("stopping: %d calls in flight are waited for", len(self._tasks))
            await asyncio.gather(*self._tasks.values())
        finally:
            for task in (recovery, *self._tasks.values()):
                task.cancel()
            await asyncio.gather(recovery, *self._tasks.values(), return_exceptions=True)
        if self._halted is not None:
            raise self._halted

    async def _recover(self) -> None:
        try:
            await self._recovery.for_ever()
        except EarmarkError as error:
            self._halt(error)
        except Exception as error:
            log.exception("looking for claims of dead analysts ended in an error of our own")
            self._halt(_our_own(error))

    def _halt(self, error: EarmarkError) -> None:
        self._halted = self._halted or error
        self._wake.set()

    def stop(self) -> None:
        """Take no further request."""
        self._stop.set()
        self._wake.set()

    def _now_ms(self) -> int:
        return int(self._attempts.now().timestamp() * 1000)

    def _idle_s(self) -> float:
        ready_ms = self._state.queue.next_ready_ms(self._now_ms(), self._closed_now())
        if ready_ms is None:
            return 1.0
        due_s = (ready_ms - self._now_ms()) / 1000
        wait_s = due_s if due_s > 0 else self._attempts.calls.opens_in_s()
        return min(max(wait_s, 0.01), 1.0)

    def _closed_now(self) -> Callable[[Line], bool]:
        now_ms = self._now_ms()
        if self._attempts.now() < self._paused_until or self._alarm is not None:
            return lambda _line: True
        full = {lane for lane in LANES if len(self._tasks) >= self._limits.calls_of(lane)}
        return lambda line: line[0] in full or self._closed.get(line, 0) > now_ms

    def _tell_alarm(self) -> None:
        """Nothing is spent on a day on which the ledger's alarm rang. The first record of the next day ends it."""
        ledger = self._state.ledger
        alarm = ledger.alarm if self._now_ms() < ledger.day_end_ms() else None
        if alarm is not None and alarm != self._alarm:
            log.error("no calls until the UTC day ends: %s", alarm)
        self._alarm = alarm

    def _fill(self) -> None:
        """Let requests go in the order of the lanes, each the moment that the pace opens for it."""
        while True:
            now_ms = self._now_ms()
            pending = self._state.queue.take(now_ms, self._closed_now(), self._may_go)
            if pending is None:
                return
            request_id = pending.request.request_id
            if request_id not in self._state.ledger.pending:
                continue
            prompt = self._state.prompt_for(pending.request.prompt_id)
            if prompt is None:
                # Not registered, or not active everywhere yet.
                self._state.queue.add(pending, now_ms + 1000)
            elif held_until_ms := self._attempts.held_until_ms(pending, prompt):
                self._state.queue.add(pending, held_until_ms)
            else:
                permit = self._attempts.calls.begin(prompt.model)
                self._tasks[request_id] = asyncio.create_task(self._attempt(pending, prompt, permit))

    def _may_go(self, pending: Pending) -> bool:
        prompt = self._state.prompt_for(pending.request.prompt_id)
        if prompt is None:
            return True
        calls = self._attempts.calls
        # A live request that comes now stands behind all that are on the way to their claim: a second's worth.
        unclaimed = len(self._tasks) - len(self._attempts.verdicts)
        crowded = pending.request.lane != "live" and unclaimed >= max(
            MIN_UNCLAIMED, calls.a_second(prompt.model)
        )
        return not crowded and calls.may_begin(prompt.model, pending.request.lane)

    async def _attempt(self, pending: Pending, prompt: Prompt, permit: Permit) -> None:
        request = pending.request
        todo: Next = Again(self._now_ms() + int(self._limits.retry_delays_s[0] * 1000))
        try:
            todo = await self._attempts.make(pending, prompt, permit)
        except (KafkaError, TransientError) as error:
            log.warning("an attempt at %s waits for the log: %r", request.video_id, error)
            todo = Again(self._now_ms() + int(LOG_AWAY_S * 1000))
        except EarmarkError as error:
            self._halt(error)
        except Exception as error:
            log.exception("an attempt at %s ended in an error of our own", request.video_id)
            self._halt(_our_own(error))
        finally:
            del self._tasks[request.request_id]
            self._attempts.calls.give_back(prompt.model, permit)
            self._go_on(pending, todo)
            self._wake.set()

    def _go_on(self, pending: Pending, todo: Next) -> None:
        match todo:
            case Again(not_before_ms, tight):
                if tight:
                    self._closed[line_of(pending.request)] = not_before_ms
                self._state.queue.add(pending, 0 if tight else not_before_ms)
            case Pause(until, reason):
                if self._attempts.now() >= self._paused_until:
                    log.error("no calls before %s: %s", until.isoformat(), reason)
                self._paused_until = max(self._paused_until, until)
                self._state.queue.add(pending)
            case Halt(reason):
                self._halt(AnalystError(f"Claude cannot be asked: {reason}"))
            case None:
                pass


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
    state = AnalystState(Ledger(day_start_ms))
    moved: list[Callable[[Record], None]] = []

    def apply_ledger(record: Record) -> None:
        state.apply(record)
        for hear in moved:
            hear(record)

    async with (
        # First, or every answer there is would be kept until its settlement is read.
        follow(connection, [LEDGER], apply_ledger) as ledger,
        follow(connection, [ANALYSES, PROMPTS], state.apply) as analyses,
        fetcher(connection) as fetch,
    ):
        calls = Calls(claude, limits.call_timeout_s, random.random, now)
        attempts = Attempts(
            state=state,
            limits=limits,
            calls=calls,
            recorder=Recorder(state, limits, publisher.append, calls.forget, listed, now),
            append=publisher.append,
            fetch_captions=lambda pending: _captions(fetch, pending),
            reach=lambda partition: analyses.reach_now(ANALYSES, partition),
            now=now,
        )
        analyst = Analyst(state, attempts, limits, Recovery(attempts, fetch), stop)
        moved.append(analyst.ledger_moved)
        watchers = [asyncio.create_task(follower.ended()) for follower in (ledger, analyses)]
        reading_ledger, _ = watchers
        stopper = asyncio.create_task(_when(stop, analyst.stop))
        work = asyncio.create_task(analyst.run())
        try:
            done, _ = await asyncio.wait([work, *watchers], return_when=asyncio.FIRST_COMPLETED)
            if work not in done:
                # The log is read no further. What is in flight is paid for: its answers are recorded all the same.
                if reading_ledger in done:
                    attempts.verdicts.hear_no_more()
                analyst.stop()
                await asyncio.wait({work})
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

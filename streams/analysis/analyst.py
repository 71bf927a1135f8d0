"""The analyst: takes requests from the ledger and appends answers to `analyses`, within the cap.

Its state is a fold of the ledger, kept beside it and checked against it at each start. Two analysts at once cost pace, never
money. The next analyst finds and settles the answers of a dead one.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import assert_never
from uuid import UUID

from aiokafka.errors import KafkaError

from streams.analysis.attempt import Attempts
from streams.analysis.next_step import Again, Done, Halt, LineFull, Next, Pause, PromptFails
from streams.analysis.obstacles import Obstacles, Report
from streams.analysis.queue import Line, line_of
from streams.analysis.recovery import Recovery
from streams.analysis.state import AnalystState
from streams.budget.account import Pending
from streams.budget.limits import Limits
from streams.claude.pace import Permit
from streams.errors import EarmarkError, TransientError
from streams.events.event import LANES
from streams.events.ledger import BudgetSettled
from streams.events.prompts import Prompt
from streams.events.record import Record

MIN_UNCLAIMED = 8
PROBE_OF = 8
"""Of so many requests that wait, the smallest tries whether Claude answers again."""
LOG_AWAY_S = 5.0
"""How long a request waits where the log does not answer."""

log = logging.getLogger(__name__)


class AnalystError(EarmarkError):
    """The analyst cannot continue until a person fixes something. Every request stays claimable."""


class RefusedError(AnalystError):
    """Claude answers nobody who asks as the settings say."""


def _our_own(error: Exception) -> AnalystError:
    return AnalystError(f"an internal error, see the log: {type(error).__name__}: {error}")


class Gate:
    """What the ledger says to the analyst: to look again, and that lines which were full may have room."""

    def __init__(self) -> None:
        self.moved = asyncio.Event()
        self._full: dict[Line, int] = {}

    def ledger_moved(self, record: Record) -> None:
        """Take a record of the ledger. Only a settlement can give a full line room."""
        if record.type == BudgetSettled.__name__:
            self._full.clear()
        self.moved.set()

    def close(self, line: Line, until_ms: int) -> None:
        """Keep a full line closed until a time (ms since 1970) or a settlement."""
        self._full[line] = until_ms

    def is_closed(self, line: Line, now_ms: int) -> bool:
        """Whether the line is full as far as is known at `now_ms`."""
        return self._full.get(line, 0) > now_ms


class Analyst:
    """Takes requests as lanes, pace and money allow, each attempt a task of its own."""

    def __init__(
        self,
        state: AnalystState,
        attempts: Attempts,
        limits: Limits,
        recovery: Recovery,
        gate: Gate,
        stop: asyncio.Event,
        obstacles: Obstacles,
        report: Report,
        may_begin: Callable[[], bool],
    ) -> None:
        self._state = state
        self._attempts = attempts
        self._limits = limits
        self._recovery = recovery
        self._gate = gate
        self._stop = stop
        self._report = report
        self._may_begin = may_begin
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._obstacles = obstacles
        self._halted: EarmarkError | None = None

    async def run(self) -> None:
        """Work until stopped; then finish the calls in flight, which are paid for.

        Raises AnalystError or RefusedError if a person must fix something.
        """
        await self._recovery.once(patient=False)
        recovery = asyncio.create_task(self._recover(), name="recovery")
        try:
            while not self._stop.is_set() and self._halted is None:
                self._gate.moved.clear()
                self._report(self._obstacles.look(), len(self._tasks))
                self._fill()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._gate.moved.wait(), self._idle_s())
            self._attempts.claim_no_more()
            recovery.cancel()
            if self._tasks:
                log.info("stopping: %d calls in flight are waited for", len(self._tasks))
            await asyncio.gather(*self._tasks.values())
        finally:
            for task in (recovery, *self._tasks.values()):
                task.cancel()
            await asyncio.gather(recovery, *self._tasks.values(), return_exceptions=True)
        if self._halted is not None:
            if isinstance(self._halted, RefusedError):
                self._report([self._obstacles.ended(self._halted), *self._obstacles.look()], 0)
            raise self._halted

    async def _recover(self) -> None:
        try:
            await self._recovery.for_ever()
        except EarmarkError as error:
            self._halt(error)
        except Exception as error:
            log.exception("looking for claims of dead analysts ended in an internal error")
            self._halt(_our_own(error))

    def _halt(self, error: EarmarkError) -> None:
        self._halted = self._halted or error
        self._gate.moved.set()

    def stop(self) -> None:
        """Take no further request."""
        self._stop.set()
        self._gate.moved.set()

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
        if self._obstacles.stop_all() or not self._may_begin():
            return lambda _line: True
        if self._state.breaker.is_open and not self._may_probe(now_ms):
            return lambda _line: True
        full = {lane for lane in LANES if len(self._tasks) >= self._limits.calls_of(lane)}
        return lambda line: line[0] in full or self._gate.is_closed(line, now_ms)

    def _may_probe(self, now_ms: int) -> bool:
        """Whether the one call may go that tries whether Claude answers again: it is time, and none is under way."""
        ledger, until_ms = self._state.ledger, self._state.breaker.until_ms
        elsewhere = any(held.appended_ms >= until_ms for held in ledger.open.values())
        return now_ms >= until_ms and not self._tasks and not elsewhere

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
            elif held_until_ms := self._held_until_ms(pending, prompt, now_ms):
                self._state.queue.add(pending, held_until_ms)
            elif self._state.breaker.is_open:
                self._tasks[request_id] = asyncio.create_task(self._probe(pending, now_ms))
            else:
                permit = self._attempts.calls.begin(prompt.model)
                self._tasks[request_id] = asyncio.create_task(self._attempt(pending, prompt, permit))

    def _held_until_ms(self, pending: Pending, prompt: Prompt, now_ms: int) -> int:
        """Until when a request waits for its prompt, or for the open claim on its analysis; 0 where it may go."""
        held_ms = self._attempts.held_until_ms(pending, prompt)
        if held_ms or pending.request.replay_id is not None:
            return held_ms
        return self._obstacles.faulty.held_until_ms(prompt.prompt_id, now_ms)

    async def _probe(self, first: Pending, now_ms: int) -> None:
        """Let the smallest of the next requests try: what it costs without an answer is lost."""
        waiting = [first]
        while len(waiting) < PROBE_OF and (other := self._state.queue.take(now_ms)) is not None:
            waiting.append(other)
        chosen = await self._attempts.smallest(waiting)
        self._tasks[chosen.request.request_id] = self._tasks.pop(first.request.request_id)
        for pending in waiting:
            if pending is not chosen:
                self._state.queue.add(pending)
        prompt = self._state.prompt_for(chosen.request.prompt_id)
        if prompt is None or chosen.request.request_id not in self._state.ledger.pending:
            self._state.queue.add(chosen, now_ms + 1000)
            del self._tasks[chosen.request.request_id]
            return
        # Counting is free: where even that is refused, the call is spared.
        self._attempts.calls.forget(chosen.request.analysis_id(prompt.prompt_id))
        await self._attempt(chosen, prompt, self._attempts.calls.begin(prompt.model))

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
            if isinstance(todo, PromptFails) and request.replay_id is not None:
                await self._attempts.end_replay(request.replay_id, todo.reason)
                todo = Done()
        except (KafkaError, TransientError) as error:
            log.warning("an attempt at %s waits for the log: %r", request.video_id, error)
            todo = Again(self._now_ms() + int(LOG_AWAY_S * 1000))
        except EarmarkError as error:
            self._halt(error)
        except Exception as error:
            log.exception("an attempt at %s ended in an internal error", request.video_id)
            self._halt(_our_own(error))
        finally:
            del self._tasks[request.request_id]
            self._attempts.calls.give_back(prompt.model, permit)
            self._go_on(pending, prompt, todo)
            self._gate.moved.set()

    def _go_on(self, pending: Pending, prompt: Prompt, todo: Next) -> None:
        match todo:
            case PromptFails(reason):
                self._state.queue.add(pending, self._obstacles.prompt_fails(prompt, reason))
            case Again(not_before_ms):
                self._state.queue.add(pending, not_before_ms)
            case LineFull(until_ms):
                self._gate.close(line_of(pending.request), until_ms)
                self._obstacles.line_full(line_of(pending.request), todo)
                self._state.queue.add(pending)
            case Pause(until, reason):
                self._obstacles.pause(until, reason)
                self._state.queue.add(pending)
            case Halt(reason):
                self._halt(RefusedError(f"Claude cannot be asked: {reason}"))
            case Done():
                self._obstacles.line_flows(line_of(pending.request))
                self._obstacles.prompt_works(prompt)
            case _:
                assert_never(todo)

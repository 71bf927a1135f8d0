"""The wrapper of every handler: an event becomes events or a dead letter, or the process stops without a commit.

Faust commits an event even if its handler raises, so no exception may leave `Wrapper.run`. If nothing else is safe, the
process ends at once, uncommitted, and the event is delivered again.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import IntEnum
from typing import NoReturn, assert_never

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from streams.clock import Clock
from streams.errors import EarmarkError, TransientError
from streams.events.envelope import UndecodableError
from streams.events.event import Event, Position
from streams.events.record import Record, dead_letter
from streams.log.topics import Topic

TRIES = 3
BACKOFF_S = (1.0, 5.0)
DEAD_LETTERS_IN_A_ROW = 5
# A broker that is away is waited for this long at each try; its messages are then repeated under the same ids.
ROOM_AGAIN_S = 1.0
SEND_LIMIT_S = 60.0

log = logging.getLogger(__name__)

Batches = AsyncGenerator[Sequence[Event], None]
Handler = Callable[[Event, Position], Awaitable[Sequence[Event]] | Batches]
"""Turns an event and where it stands into the events that follow from it, at once or in batches.

A batch is in the log before the next is asked for, so what follows may be more than fits into memory or into the
time limit; an empty one is a sign of life. A try that fails begins again with the first batch: they must repeat.
"""


class HandlerTimeoutError(EarmarkError):
    """A handler took longer than its time limit."""


class ExitCode(IntEnum):
    """What a worker that stops by itself exits with; in all of these, work in flight stays uncommitted."""

    POISONED = 70
    STALLED = 71
    SHUTDOWN_HUNG = 72
    CANCELLED = 73
    DEAD_LETTER_UNSENT = 74
    TRY_LATER = 75


@dataclass(frozen=True)
class Agent:
    """A handler and its input: `topics`, or only `types` of them. `time_limit_s`: seconds for an event or batch."""

    name: str
    topics: tuple[Topic, ...]
    handle: Handler
    time_limit_s: float
    types: tuple[type[Event], ...] | None = None


@dataclass(frozen=True)
class Retry:
    """The same event again after `delay_s` seconds."""

    delay_s: float


@dataclass(frozen=True)
class DeadLetter:
    """No retry can help this event; `counts`: the handler failed, rather than the message being unreadable."""

    counts: bool


@dataclass(frozen=True)
class Stop:
    """The process must end now, this event uncommitted."""

    code: ExitCode
    why: str


def after_failure(error: Exception, attempt: int, streak: int) -> Retry | DeadLetter | Stop:
    """What to do when an event's `attempt`-th try (from 1) ended in `error`, after `streak` dead letters in a row."""
    match error:
        case UndecodableError():
            return DeadLetter(counts=False)
        case MessageSizeTooLargeError() | RecordListTooLargeError():
            pass  # the same work would come to the same size
        case _ if attempt < TRIES:
            return Retry(BACKOFF_S[attempt - 1])
        case TransientError() | KafkaError():
            return Stop(ExitCode.TRY_LATER, f"{TRIES} tries failed, the last with {error!r}")
    if streak + 1 >= DEAD_LETTERS_IN_A_ROW:
        return Stop(
            ExitCode.POISONED, f"{DEAD_LETTERS_IN_A_ROW} events in a row failed, the last with {error!r}"
        )
    return DeadLetter(counts=True)


def leave(stop: Stop) -> NoReturn:
    """End the process at once: no commit, no clean-up, nothing acknowledged."""
    log.critical("stopping with exit code %d: %s", stop.code, stop.why)
    logging.shutdown()
    os._exit(stop.code)


async def _at_once(answer: Awaitable[Sequence[Event]]) -> Batches:
    yield await answer


class Wrapper:
    """Runs an agent, one for every partition. `busy` shows the watchdog which partitions are at work, and until when."""

    def __init__(
        self,
        agent: Agent,
        append_all: Callable[[Iterable[Event]], Awaitable[None]],
        now: Clock,
        *,
        may_begin: Callable[[], bool] = lambda: True,
        stop: Callable[[Stop], NoReturn] = leave,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.agent = agent
        self._append_all = append_all
        self._now = now
        self._may_begin = may_begin
        self._stop = stop
        self._sleep = sleep
        self._streak = 0
        self.busy: dict[tuple[str, int], float] = {}
        """(topic, partition) → the event loop's time by which the try or batch under way must have ended."""
        self.ended: dict[tuple[str, int], float] = {}
        """(topic, partition) → the event loop's time when an event was last done with."""
        self.next: dict[tuple[str, int], int] = {}
        """(topic, partition) → the offset of the event under way, or of the one after the last."""

    async def run(self, record: Record) -> None:
        """See `record` through to its end. Returns when it may be committed, or never."""
        place = (record.topic, record.partition)
        self.next[place] = record.offset
        try:
            await self._wait_for_room(place)
            await self._see_through(record, place)
        except asyncio.CancelledError:
            # Faust would commit an event whose task it cancels.
            self._stop(Stop(ExitCode.CANCELLED, f"{self.agent.name} was cancelled at {place}"))
        else:
            self.next[place] = record.offset + 1
        finally:
            self.busy.pop(place, None)
            self.ended[place] = asyncio.get_running_loop().time()

    async def _wait_for_room(self, place: tuple[str, int]) -> None:
        while not self._may_begin():
            self._keep_busy(place)
            await self._sleep(ROOM_AGAIN_S)

    async def _see_through(self, record: Record, place: tuple[str, int]) -> None:
        attempt = 1
        while True:
            try:
                asked = await self._try(record, place)
            except Exception as error:
                todo = after_failure(error, attempt, self._streak)
                log.warning(
                    "%s: try %d of %s[%d]@%d failed: %r → %s",
                    *(self.agent.name, attempt, *place, record.offset, error, todo),
                    exc_info=None if isinstance(todo, Retry) else error,
                )
                match todo:
                    case Retry(delay_s):
                        attempt += 1
                        await self._sleep(delay_s)
                    case DeadLetter(counts):
                        await self._bury(record, error, attempt)
                        self._streak += counts
                        return
                    case Stop():
                        self._stop(todo)
                    case _:
                        assert_never(todo)
            else:
                self._streak = 0 if asked else self._streak
                return

    async def _try(self, record: Record, place: tuple[str, int]) -> bool:
        """Decode, handle, send. Whether the handler was asked at all."""
        event = record.event()
        if self.agent.types is not None and not isinstance(event, self.agent.types):
            return False
        answer = self.agent.handle(event, Position(partition=record.partition, offset=record.offset))
        async with aclosing(answer if isinstance(answer, AsyncGenerator) else _at_once(answer)) as batches:
            while True:
                self._keep_busy(place)
                events = await self._in_time(anext(batches, None))
                if events is None:
                    return True
                await self._append(events)

    def _keep_busy(self, place: tuple[str, int]) -> None:
        longest_s = self.agent.time_limit_s + SEND_LIMIT_S + max(BACKOFF_S)
        self.busy[place] = asyncio.get_running_loop().time() + longest_s

    async def _in_time(self, batch: Awaitable[Sequence[Event] | None]) -> Sequence[Event] | None:
        limit_s = self.agent.time_limit_s
        try:
            async with asyncio.timeout(limit_s) as limit:
                return await batch
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise HandlerTimeoutError(f"{self.agent.name} took longer than {limit_s:g} s") from error

    async def _append(self, events: Iterable[Event]) -> None:
        try:
            async with asyncio.timeout(SEND_LIMIT_S):
                await self._append_all(events)
        except TimeoutError as error:
            raise TransientError(f"the broker did not take the results within {SEND_LIMIT_S:g} s") from error

    async def _bury(self, record: Record, error: Exception, attempt: int) -> None:
        letter = dead_letter(record, handler=self.agent.name, error=error, attempt=attempt, at=self._now())
        try:
            await self._append([letter])
        except (EarmarkError, KafkaError) as unsent:
            self._stop(
                Stop(ExitCode.DEAD_LETTER_UNSENT, f"the dead letter for {error!r} was not taken: {unsent!r}")
            )

"""analyses → signals: what changes for subscribers when the current analysis of a video changes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from streams.errors import TransientError
from streams.events.analyses import AnalysisCompleted
from streams.events.event import Event, Position
from streams.events.record import Record
from streams.log.fetch import Fetcher
from streams.log.gaps import GapError, go_on
from streams.log.topics import ANALYSES
from streams.signals.current import Partition, Switch, evolve, happened
from streams.signals.diff import signals

# Twelve partitions at a time hold the bodies of so many videos, under two prompts each.
BATCH = 100
# So many signals, and those of one video more, are sent within one time limit.
SIGNALS = 100
# So many records are folded within one time limit, while as many are read before them for each of a few partitions.
CATCH_UP = 500
# Nothing but the log is waited for, so what takes longer is its fault, and not the event's as a handler's own time
# limit would have it: this one is narrower.
LOG_LIMIT_S = 45.0


@dataclass(slots=True)
class _Folded:
    """A partition folded up to `end`, the offset after the last record, and what that last record switched."""

    partition: Partition = field(default_factory=Partition)
    end: int = 0
    switches: Sequence[Switch] = ()


class PublishSignals:
    """Publishes, for each event of `analyses`, the mentions and outlooks that it adds, changes or retracts.

    It keeps a fold of each partition it is given and never folds beyond the event it handles: the same event gives the
    same bytes in every process, and each time.
    """

    def __init__(self, fetcher: Fetcher, batch: int = BATCH, log_limit_s: float = LOG_LIMIT_S) -> None:
        self._fetcher = fetcher
        self._batch = batch
        self._log_limit_s = log_limit_s
        self._folded: dict[int, _Folded] = {}

    async def publish_signals(
        self, event: Event, position: Position
    ) -> AsyncGenerator[Sequence[Event], None]:
        """The signals of the event at `position` in `analyses`, those of `batch` videos at most at a time.

        A marker may switch every video there is. While the fold comes up to the event, the batches are empty.
        Raises EarmarkError where the log lacks a record that the fold needs, TransientError where it does not bring it
        in time.
        """
        async with aclosing(self._batches(event, position)) as batches:
            while (batch := await self._in_time(anext(batches, None))) is not None:
                yield batch

    async def _in_time(self, batch: Awaitable[Sequence[Event] | None]) -> Sequence[Event] | None:
        try:
            async with asyncio.timeout(self._log_limit_s):
                return await batch
        except TimeoutError:
            raise TransientError(
                f"{ANALYSES.name} did not bring what the signals need within {self._log_limit_s:g} s"
            ) from None

    async def _batches(self, event: Event, position: Position) -> AsyncGenerator[Sequence[Event], None]:
        folded = self._folded.get(position.partition)
        # The event at the end may come once more, as when its signals could not be sent.
        if folded is None or folded.end > position.offset + 1:
            folded = self._folded[position.partition] = _Folded()
        while folded.end < position.offset:
            await self._catch_up(folded, position)
            yield ()
        if folded.end == position.offset:
            folded.switches = happened(folded.partition, position.offset, event)
            folded.end += 1
        known = {position.offset: event} if isinstance(event, AnalysisCompleted) else {}
        switches, fetcher = folded.switches, self._fetcher
        try:
            async for batch in signal_batches(
                fetcher, position.partition, switches, event.at, self._batch, known
            ):
                yield batch
        except GapError:
            # The fold knows of analyses that are gone by now: the next try folds what is left.
            del self._folded[position.partition]
            raise

    async def _catch_up(self, folded: _Folded, position: Position) -> None:
        """Fold some of what stands between the fold and the event: handled elsewhere, or before this process."""

        def take(record: Record) -> None:
            folded.switches = evolve(folded.partition, record)
            folded.end = record.offset + 1

        end = min(folded.end + CATCH_UP, position.offset)
        try:
            await self._fetcher.read(ANALYSES, position.partition, folded.end, end, take)
        except GapError as error:
            go_on([error.gap])
            end = min(error.gap.start, position.offset)
        folded.end = end


async def signal_batches(
    fetcher: Fetcher,
    partition: int,
    switches: Sequence[Switch],
    at: datetime,
    batch: int = BATCH,
    known: Mapping[int, AnalysisCompleted] = {},
) -> AsyncIterator[Sequence[Event]]:
    """The signals of `switches` in a partition of `analyses`, in order, in batches.

    A batch holds those of `batch` videos at most, and no more than SIGNALS before the last of these videos.

    `at` is the time of the event that caused them; `known`: analyses by offset that need not be fetched.
    """
    for start in range(0, len(switches), batch):
        some = switches[start : start + batch]
        offsets = {switch.current for switch in some}
        offsets |= {switch.previous for switch in some if switch.previous is not None}
        bodies = await fetcher.fetch_many(ANALYSES, partition, offsets - known.keys())
        found: list[Event] = []
        for switch in some:
            previous = None if switch.previous is None else _analysis(bodies, switch.previous)
            current = known.get(switch.current) or _analysis(bodies, switch.current)
            found += signals(previous, current, switch, at)
            await asyncio.sleep(0)  # decoding two bodies takes its time, and others wait for theirs
            if len(found) >= SIGNALS:
                yield found
                found = []
        yield found


def _analysis(bodies: Mapping[int, Record], offset: int) -> AnalysisCompleted:
    return cast("AnalysisCompleted", bodies[offset].event())  # the fold counts what it could read

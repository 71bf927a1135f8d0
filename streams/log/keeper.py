"""Who keeps a fold's state as a checkpoint: now and then, and at a good end."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiokafka.errors import KafkaError

from streams.errors import EarmarkError
from streams.events.record import Record
from streams.log.checkpoint import Checkpoint, Mark, code_version, write
from streams.log.fetch import Fetcher
from streams.log.follow import Apply
from streams.log.topics import Topic

# The next start reads what came since: at most a fiftieth of all, and what is written stays a part of what is read.
SHARE = 50

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shelf:
    """Where a checkpoint stands, and after how many records, and looks each so many seconds, another is due."""

    path: Path
    at_least: int = 5_000
    look_s: float = 5.0


class Keeper:
    """Sees every record given to a fold, and keeps the fold's state, which `freeze` gives, on a shelf."""

    def __init__(
        self,
        shelf: Shelf,
        settings: Mapping[str, str],
        freeze: Callable[[], Mapping[str, bytes]],
        topics: Mapping[str, str],
    ) -> None:
        self._shelf = shelf
        self._settings = settings
        self._freeze = freeze
        self._topics = topics
        self._last: dict[tuple[str, int], Record | Mark] = {}
        self._since = 0
        self._is_torn = False

    def begin_at(self, checkpoint: Checkpoint) -> None:
        """The fold goes on from a checkpoint, of which another fold may have more topics."""
        self._last = {
            (mark.topic, mark.partition): mark for mark in checkpoint.marks if mark.topic in self._topics
        }

    def watch(self, apply: Apply) -> Apply:
        """`apply`, seen by this keeper. Where it raises, the state is half of a record's, and is kept no more."""

        def see(record: Record) -> None:
            self._is_torn = True
            apply(record)
            self._is_torn = False
            if record.topic in self._topics:
                self._last[record.topic, record.partition] = record
                self._since += 1

        return see

    async def keep(self) -> None:
        """Keep the state as it is now, if anything came since. A disk that takes nothing is said, and harms nothing."""
        if self._is_torn or not self._since or not self._topics:
            return
        marks = [last if isinstance(last, Mark) else Mark.of(last) for last in self._last.values()]
        checkpoint = Checkpoint(code_version(), self._settings, self._topics, marks, self._freeze())
        self._since = 0
        try:
            await asyncio.to_thread(write, self._shelf.path, checkpoint)
        except OSError as error:
            log.warning("no checkpoint was kept: %s", error)

    async def keep_if_due(self) -> None:
        """Keep it where so much came since the last checkpoint that another is worth it."""
        folded = sum(last.offset + 1 for last in self._last.values())
        if self._since >= max(self._shelf.at_least, folded // SHARE):
            await self.keep()

    async def for_ever(self) -> None:
        """Keep it whenever it is due."""
        while True:
            await asyncio.sleep(self._shelf.look_s)
            await self.keep_if_due()


async def keeper(
    shelf: Shelf,
    settings: Mapping[str, str],
    freeze: Callable[[], Mapping[str, bytes]],
    fetch: Fetcher,
    topics: Sequence[Topic],
) -> Keeper:
    """A keeper of what is folded of `topics`; of nothing, where the cluster does not say which topics they are."""
    try:
        identity = await fetch.identity(topics)
    except (EarmarkError, KafkaError) as error:
        log.warning("no checkpoint is kept: %s", error)
        identity = {}
    return Keeper(shelf, settings, freeze, identity)


def keeps_nothing() -> Keeper:
    """A keeper for a fold of which nothing is kept."""
    return Keeper(Shelf(Path()), {}, dict, {})

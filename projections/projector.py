"""The projector: follows every topic, keeps the model and publishes snapshots of it.

Its read positions are the model's own, never Kafka's. Rows come in batches; readers get a snapshot when there is
something new, as soon as `Pace` allows. The words follow beside it, on their own (`follow_words.py`).
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from projections import model
from projections.follow_words import follow_words
from projections.ingest import Batch, Place, Progress, progress, write
from projections.log_reader import FETCH_BYTES, WAIT_S, Consumers, LogReader
from projections.publication import Publication
from projections.rebuild import rebuild, restore
from projections.snapshots import Snapshots
from streams.log.topics import TOPICS, Topic, by_topic

logger = logging.getLogger(__name__)


class Published(Protocol):
    """Takes what a snapshot that was just published is, and what it took."""

    def __call__(self, snapshot: Path, seconds: float, written: int) -> None:
        """Its file, how long publishing it took, and how many bytes were written for it."""


def _unheard(snapshot: Path, seconds: float, written: int) -> None:
    """Tell nobody."""


class Projector:
    """The model of a home, open for writing, and whether readers have yet to see a change."""

    def __init__(self, home: Path, published: Published = _unheard) -> None:
        self._home = home
        self._published = published
        self._publication = Publication(self.offsets)
        self._open()
        self.reached = by_topic((*place, offset) for place, offset in self.offsets().items())

    def _open(self) -> None:
        self._generation = model.newest_generation(self._home) or _first_generation(self._home)
        self._file = model.generation_file(self._home, self._generation)
        self._database = model.open_model(self._file)
        self._snapshots = Snapshots(self._home, self._file)
        model.remove_older(self._home, self._generation)

    def offsets(self) -> dict[Place, int]:
        """The offset to read next, by partition."""
        return {place: reached.next_offset for place, reached in self.progress().items()}

    def progress(self) -> dict[Place, Progress]:
        """How far each partition is read."""
        return progress(self._database)

    def take(self, batch: Batch) -> None:
        """Apply a batch."""
        if batch.progress:
            write(self._database, batch)
            self._publication.has_changed()
            for (topic, partition), reached in batch.progress.items():
                self.reached.setdefault(topic, {})[partition] = reached.next_offset

    def was_rebuilt(self) -> bool:
        """Switch to a newer generation of the model, if there is one; then read on from its offsets."""
        if model.newest_generation(self._home) == self._generation:
            return False
        # What readers have seen they shall not see vanish while the new model comes up to it.
        self._publication.begins_anew(self.offsets())
        self.close()
        self._open()
        self.reached = by_topic((*place, offset) for place, offset in self.offsets().items())
        logger.info("the read model was rebuilt: switched to %s", self._file.name)
        return True

    def publish(self, *, at_once: bool = False) -> None:
        """Publish a snapshot if anything is new and it is time."""
        made = self._publication.publish(self._snapshots, self._database, at_once=at_once)
        if made is not None:
            self._published(made.snapshot.file, made.seconds, made.snapshot.written)

    def wait_s(self) -> float:
        """How long to wait for records: no longer than until a snapshot that readers need is due."""
        return self._publication.wait_s(WAIT_S)

    def close(self) -> None:
        """Close the file."""
        self._database.close()
        self._snapshots.close()


def _first_generation(home: Path) -> int:
    unfinished = model.folder(home) / "first.unfinished"
    model.finish(model.create(unfinished))
    unfinished.rename(model.generation_file(home, 1))
    return 1


class Rebuilding(Protocol):
    """Takes how far a rebuild is that must come first."""

    def __call__(self, share: float | None) -> None:
        """From 0 to 1; None: it is done."""


def _unsaid(share: float | None) -> None:
    """Say nothing."""


async def _restored(home: Path) -> bool:
    try:
        is_restored = await asyncio.to_thread(restore, home)
    except model.LockedError:
        return False
    if is_restored:
        logger.warning("a kill tore the read model's file: it goes on from the newest snapshot")
    return is_restored


async def _rebuild(
    home: Path,
    consumer: Consumers,
    name: Callable[[Topic], str],
    stop: asyncio.Event,
    rebuilding: Rebuilding,
) -> None:
    def tell(done: int, whole: int) -> None:
        rebuilding(done / max(1, whole))

    tell(0, 1)
    try:
        await rebuild(home, consumer, name, tell, stop)
    except model.LockedError:
        # Somebody's `earmark rebuild` does it.
        await asyncio.sleep(WAIT_S)
    else:
        rebuilding(None)


class Report(Protocol):
    """Takes how far the read model has come, again and again."""

    def __call__(self, offsets: Mapping[str, Mapping[int, int]], *, caught_up: bool) -> None:
        """Topic → partition → the offset of the next record; and whether there was nothing to read."""


def _nobody(offsets: Mapping[str, Mapping[int, int]], *, caught_up: bool) -> None:
    """Report to nobody."""


async def project(
    home: Path,
    consumer: Consumers,
    name: Callable[[Topic], str],
    stop: asyncio.Event,
    may_begin: Callable[[], bool] = lambda: True,
    report: Report = _nobody,
    published: Published = _unheard,
    rebuilding: Rebuilding = _unsaid,
) -> None:
    """Keep the read model of `home` until `stop` is set; then publish what is left and return.

    Nothing is read while `may_begin` says no. `report` is called after each batch, `published` after each snapshot.
    A model that is torn goes on from its newest snapshot. One whose tables are of another version is rebuilt first, while
    readers keep that; so is a torn one without. `rebuilding` is told how far a rebuild is, and at last None.

    Raises EarmarkError where another projector keeps it, or the log is not the one that the model was made from.
    """
    with model.lock(home, "projector", f"another projector keeps the read model in {home}: one is enough"):
        while trouble := model.to_replace(home):
            if not (isinstance(trouble, model.DamagedError) and await _restored(home)):
                await _rebuild(home, consumer, name, stop, rebuilding)
            if stop.is_set():
                return
        projector = Projector(home, published)
        client = consumer(FETCH_BYTES)
        reader = LogReader(client, name, TOPICS, Batch)
        words = asyncio.create_task(follow_words(home, consumer, name, stop, may_begin))
        try:
            await client.start()
            await reader.seek(projector.progress())
            while not stop.is_set():
                if words.done():
                    await words
                if not may_begin():
                    await asyncio.sleep(WAIT_S)
                    continue
                batch = await reader.batch_within(projector.wait_s())
                # In a thread: the next batch is read meanwhile.
                if batch is not None:
                    await asyncio.to_thread(projector.take, batch)
                await asyncio.to_thread(projector.publish)
                report(projector.reached, caught_up=batch is not None and batch.is_empty)
                if projector.was_rebuilt():
                    await reader.seek(projector.progress())
            projector.publish(at_once=True)
            await words
        finally:
            words.cancel()
            await asyncio.gather(words, return_exceptions=True)
            await reader.close()
            await client.stop()
            projector.close()

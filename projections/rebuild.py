"""A rebuild: the read model made anew from all that the log holds, beside the live one, then put in its place.

It goes in two steps, each with a file of its own. The model comes first and is in place as soon as it is whole; the words
take as long again, and nobody waits for them. Between the two steps the old words stand, and a running projector goes on
with them, so they are never older than the log. Ended there, by whatever, nothing is left to be done: words that are
missing, of another version or of another log the next projector makes anew by itself (`follow_words.py`), and all others
are what the log says.
"""

import asyncio
import os
from contextlib import AbstractContextManager
from pathlib import Path

from projections import blocks, model, transcripts_file
from projections.fold import MODEL, WORDS, Name, Told, fold, nobody
from projections.log_reader import Consumers
from projections.snapshots import LINK, Snapshots


async def rebuild(
    home: Path, consumer: Consumers, name: Name, tell: Told = nobody, stop: asyncio.Event | None = None
) -> int | None:
    """Make the next generation of the model from all that the log holds, and return the number of records in it.

    Readers see the old model until the new one is whole. A running projector goes over to the new one by itself; where
    none runs, the snapshot is published here. Ended before that, by whatever or by `stop` (None is then returned), it
    leaves the old one as it is, and the next begins anew. Raises EarmarkError where another rebuild is under way.
    """
    with alone(home):
        unfinished = model.folder(home) / model.REBUILT
        records = await fold(MODEL, unfinished, consumer, name, tell, stop or asyncio.Event())
        if records is not None:
            unfinished.rename(model.generation_file(home, model.newest_generation(home) + 1))
            _publish_model(home)
        return records


async def rebuild_words(home: Path, consumer: Consumers, name: Name, tell: Told = nobody) -> int | None:
    """The same of the words, `transcripts`, `segments` and `search`: the number of captions that were read."""
    with alone(home):
        unfinished = model.folder(home) / "rebuild-transcripts.unfinished"
        captions = await fold(WORDS, unfinished, consumer, name, tell, asyncio.Event())
        transcripts_file.replace_by(home, unfinished)
        _publish_words(home)
        return captions


def restore(home: Path) -> bool:
    """Make the newest snapshot the next generation of the model, which is then as far as readers are.

    False where there is none, or none that could be gone on with. Raises LockedError where a rebuild is under way.
    """
    with alone(home):
        unfinished = model.folder(home) / model.REBUILT
        model.remove(unfinished)
        try:
            with (home / LINK).open("rb") as snapshot, unfinished.open("wb") as file:
                blocks.copy(snapshot.fileno(), file.fileno())
                os.fsync(file.fileno())
            model.finish(model.open_model(unfinished))
        except (FileNotFoundError, model.ModelError):
            model.remove(unfinished)
            return False
        unfinished.rename(model.generation_file(home, model.newest_generation(home) + 1))
        return True


def alone(home: Path) -> AbstractContextManager[None]:
    """One at a time folds the log beside the live model. Raises LockedError where another one does."""
    return model.lock(home, "rebuild", f"a rebuild of the read model in {home} is under way")


def _publish_model(home: Path) -> None:
    """Unless a projector runs, which does it."""
    try:
        with _no_projector(home):
            generation = model.newest_generation(home)
            file = model.generation_file(home, generation)
            database = model.open_model(file)
            snapshots = Snapshots(home, file)
            try:
                snapshots.publish(database)
            finally:
                database.close()
                snapshots.close()
            model.remove_older(home, generation)
    except model.LockedError:
        pass


def _publish_words(home: Path) -> None:
    """Unless a projector runs, which does it."""
    try:
        with _no_projector(home):
            words = transcripts_file.Transcripts(home)
            try:
                words.has_all()
                words.publish(at_once=True)
            finally:
                words.close()
    except model.LockedError:
        pass


def _no_projector(home: Path) -> AbstractContextManager[None]:
    return model.lock(home, "projector", "a projector runs")

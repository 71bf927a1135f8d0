"""The words' own file beside the model, `EARMARK_HOME/model/transcripts-<generation>.duckdb`, and its snapshots.

It keeps its own read positions. So each of the two files is whole, whichever was written last when somebody was killed:
what is read begins where the one that is behind ends, and the other passes over what it has. Where there is no file of
this version, or it is of another log, a new one is made, and readers keep what they have until it has come as far, or
has all that there is.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from projections.blocks import is_torn
from projections.ingest import Place
from projections.model import (
    STORAGE_VERSION,
    ModelError,
    bound,
    configure,
    finish,
    folder,
    generation_file,
    newest_generation,
    quoted,
    remove,
    remove_older,
)
from projections.publication import Publication
from projections.snapshots import WORDS_LINK, Snapshots
from projections.transcripts import HASH, define, define_views, positions, take
from streams.events.record import Record

KIND = "transcripts"
# Small groups of rows: a question reads few of them, and a small batch writes few of them anew.
_ROW_GROUP = 16_384

logger = logging.getLogger(__name__)


def create(path: Path) -> DuckDBPyConnection:
    """A new, empty file at `path`, open for writing; what a killed predecessor left there is removed."""
    remove(path)
    database = duckdb.connect()
    database.execute(
        f"ATTACH '{quoted(path)}' AS {KIND} (STORAGE_VERSION '{STORAGE_VERSION}', ROW_GROUP_SIZE {_ROW_GROUP});"
        f" USE {KIND}"
    )
    configure(database)
    define(database)
    return database


def open_transcripts(path: Path) -> DuckDBPyConnection:
    """The file at `path`, open for writing, with the views of this version.

    Raises ModelError where its tables are of another version, or it cannot be opened.
    """
    if is_torn(path):
        raise ModelError(f"{path} is torn")
    database = duckdb.connect()
    try:
        database.execute(f"ATTACH '{quoted(path)}' AS {KIND} (ROW_GROUP_SIZE {_ROW_GROUP}); USE {KIND}")
        hashes = database.execute("SELECT hash FROM _schema").fetchall()
    except duckdb.Error as error:
        database.close()
        raise ModelError(f"{path} cannot be opened: {error}") from error
    if hashes != [(HASH,)]:
        database.close()
        raise ModelError(f"{path} was made by another version of Earmark")
    configure(database)
    # It may be behind by all that the log holds.
    bound(database, path)
    database.begin()
    define_views(database)
    database.commit()
    return database


def replace_by(home: Path, unfinished: Path) -> None:
    """Make a closed file the newest generation."""
    unfinished.rename(generation_file(home, newest_generation(home, KIND) + 1, KIND))


class Transcripts:
    """The newest file of a home, open for writing, and whether readers have yet to see a change."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._publication = Publication(self.offsets)
        self._open()

    def _open(self) -> None:
        generation = newest_generation(self._home, KIND)
        try:
            self._database = open_transcripts(generation_file(self._home, generation, KIND))
        except ModelError as error:
            if generation:
                logger.warning("the transcripts are made anew from the log: %s", error)
            generation = self._make()
            self._database = open_transcripts(generation_file(self._home, generation, KIND))
        file = generation_file(self._home, generation, KIND)
        self._generation = generation
        self._snapshots = Snapshots(self._home, file, link=WORDS_LINK, kept_in=f"snap-{KIND}")
        # Whoever was killed amid making them anew left a file that is behind what readers see.
        self._publication.begins_anew(_reached_by(self._home / WORDS_LINK))
        remove_older(self._home, generation, KIND)

    def _make(self) -> int:
        unfinished = folder(self._home) / f"{KIND}.unfinished"
        finish(create(unfinished))
        replace_by(self._home, unfinished)
        return newest_generation(self._home, KIND)

    def offsets(self) -> dict[Place, int]:
        """The offset to read next, by partition of `captions`."""
        return positions(self._database)

    def take(self, captions: Sequence[Record]) -> None:
        """Take a batch; what is held already is passed over."""
        if captions:
            take(self._database, captions)
            self._publication.has_changed()

    def publish(self, *, at_once: bool = False) -> None:
        """Publish a snapshot if anything is new and it is time."""
        self._publication.publish(self._snapshots, self._database, at_once=at_once)

    def wait_s(self, longest: float) -> float:
        """How long a snapshot that readers need may wait; `longest` where they need none."""
        return self._publication.wait_s(longest)

    @property
    def are_behind(self) -> bool:
        """Whether readers see words that are not taken yet, of a file that stood here before."""
        return self._publication.is_behind

    def has_all(self) -> None:
        """All that the log holds is taken: what readers see beyond that is not of this log."""
        self._publication.has_all()

    def were_rebuilt(self) -> bool:
        """Switch to a newer generation, if there is one; then read on from its offsets."""
        if newest_generation(self._home, KIND) == self._generation:
            return False
        self.close()
        self._open()
        return True

    def begin_anew(self) -> None:
        """Switch to an empty file."""
        self._make()
        self.were_rebuilt()

    def close(self) -> None:
        """Close the file."""
        self._database.close()
        self._snapshots.close()


def _reached_by(file: Path) -> dict[Place, int]:
    """How far a snapshot has come, of whatever version; nowhere where it does not say so, or there is none."""
    try:
        with duckdb.connect(file, read_only=True) as database:
            return positions(database)
    except duckdb.Error:
        return {}

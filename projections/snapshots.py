"""What readers open: immutable copies of the model, `EARMARK_HOME/snap/rm-<number>.duckdb`.

`EARMARK_HOME/earmark.duckdb` is a link to the newest. A copy gets its name, and the link moves, only once the copy is
whole, on the disk and opened once; so a reader meets one state of the model or the next, and a writer killed at any
point leaves the last one standing.

A superseded snapshot is made the next one by writing the blocks that differ, under these rules:

- it was superseded `KEPT_S` ago: a reader that has just followed the link still finds the file, and the same file, for
  DuckDB reads the headers of a file, closes it, and opens it again;
- it has lost its name before anybody looks who has it open: nobody can open it after that look;
- nobody has it open: a lease is refused while anybody has. DuckDB's own locks do not tell, for a process loses them as soon as
  it closes any other descriptor of the file, a second database's on the same file included.

Where a lease cannot tell, because other machines may have the file open or this one knows no leases, each snapshot is a
whole copy; so it is where no superseded one is free. A file system that can share blocks between files shares them.
"""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import duckdb
from duckdb import DuckDBPyConnection

from projections import blocks
from projections.model import quoted
from streams.errors import EarmarkError

LINK = "earmark.duckdb"
MOUNTS = Path("/proc/self/mountinfo")
WORDS_LINK = "transcripts.duckdb"
"""To the newest copy of the words, which `transcripts_file` keeps."""
# A reader that has just followed the link must still find the file.
KEPT_S = 3.0
# So many of those there may be at once, beside the newest; of small ones as many as this takes.
RECENT = 4
RECENT_BYTES = 2**29
# Whose files nobody opens but through the kernel of this machine.
_LOCAL = {"ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"}
# Linux's request to let a file share the blocks of another; fcntl has no name for it before Python 3.12.
_FICLONE = 0x40049409


class Snapshot(NamedTuple):
    """A snapshot's file, and how many bytes were written to make it."""

    file: Path
    written: int


def apart(size: int) -> float:
    """How long after a snapshot of `size` bytes the next one may come, in seconds, so that not too many are recent."""
    return KEPT_S / max(RECENT, RECENT_BYTES / size)


class Snapshots:
    """Publishes copies of the file `model`, whose database is open in this process; its owner holds the writer's lock.

    `close` it once that database is closed, and not before. `clock` counts seconds and never goes back. `link` leads
    to the newest in the folder `kept_in`.
    """

    def __init__(
        self,
        home: Path,
        model: Path,
        clock: Callable[[], float] = time.monotonic,
        link: str = LINK,
        kept_in: str = "snap",
    ) -> None:
        self._home = home
        self._link = home / link
        self._folder = home / kept_in
        self._folder.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        for unfinished in self._folder.glob("*.unfinished"):
            unfinished.unlink()
        # Once, and for as long as the database is open: to close any descriptor of its file drops DuckDB's lock on it.
        self._model = os.open(model, os.O_RDONLY)
        # One for all: to start a DuckDB takes longer than all the rest.
        self._opener = duckdb.connect(config={"threads": 1})
        self._leases_tell = sys.platform == "linux" and _is_local(self._folder, MOUNTS.read_text())
        # Until the first try says otherwise.
        self._shares = True
        self._noted: tuple[int, int] | None = None
        self._state: blocks.State | None = None
        # In which blocks each may differ from the model; of one that an earlier process made that is not known.
        self._differing: dict[Path, frozenset[int]] = {}
        now, files = clock(), self._all()
        # When each was, by `clock`; a snapshot that never became the newest, because its writer was killed, is among them.
        self._superseded = {
            file: now - (0.0 if after is None else max(0.0, time.time() - after.stat().st_mtime))
            for file, after in zip_longest(files, files[1:])
            if file != self._newest()
        }

    def close(self) -> None:
        """Let go of the model's file; once more does nothing."""
        self._opener.close()
        descriptor, self._model = self._model, -1
        if descriptor >= 0:
            os.close(descriptor)

    def publish(self, database: DuckDBPyConnection) -> Snapshot:
        """Copy `database`, let readers see the copy, and return it.

        No transaction may be under way, and none begin before this returns: a checkpoint meanwhile would tear the copy.
        """
        self._note(database)
        database.execute("CHECKPOINT")
        self._follow(blocks.state(self._model))
        before = self._newest()
        number = max(map(_number, self._all()), default=0) + 1
        unfinished = self._folder / f"{number}.unfinished"
        written = self._copy(unfinished)
        self._opener.execute(f"ATTACH '{quoted(unfinished)}' AS copy (READ_ONLY)")
        self._opener.execute("DETACH copy")
        snapshot = unfinished.rename(self._folder / f"rm-{number}.duckdb")
        self._differing[snapshot] = frozenset()
        _sync(self._folder)
        # Relative to where the link will be.
        link = self._folder / "link.unfinished"
        link.symlink_to(snapshot.relative_to(self._home))
        link.replace(self._link)
        _sync(self._home)
        if before is not None:
            self._superseded[before] = self._clock()
        # As many stay as a steady trickle needs, for each that is missing then is a whole copy.
        needed = RECENT if self._leases_tell else 0
        for old in self._spares()[: max(0, len(self._superseded) - needed)]:
            del self._superseded[old]
            self._differing.pop(old, None)
            old.unlink()
        return Snapshot(snapshot, written)

    def _all(self) -> list[Path]:
        return sorted(self._folder.glob("rm-*.duckdb"), key=_number)

    def _newest(self) -> Path | None:
        return self._home / self._link.readlink() if self._link.is_symlink() else None

    def _spares(self) -> list[Path]:
        """Those that no reader is about to open, the longest superseded first."""
        until = self._clock() - KEPT_S
        return [file for file, superseded in self._superseded.items() if superseded <= until]

    def _note(self, database: DuckDBPyConnection) -> None:
        """Write into the model how many snapshots there are, and what they take."""
        files = [file.stat() for file in self._all()]
        # In two digits: a file a block longer or shorter is not worth a commit.
        taken = float(f"{sum(file.st_blocks * 512 for file in files):.2g}")
        noted = len(files), int(taken)
        if noted != self._noted:
            database.begin()
            database.execute("DELETE FROM _snapshots")
            database.execute("INSERT INTO _snapshots VALUES (?, ?)", noted)
            database.commit()
            self._noted = noted

    def _follow(self, state: blocks.State | None) -> None:
        """Take what the checkpoint changed."""
        changed = None if state is None or self._state is None else state.differing(self._state)
        if changed is None:
            self._differing.clear()
        else:
            self._differing = {file: may | changed for file, may in self._differing.items()}
        self._state = state

    def _copy(self, unfinished: Path) -> int:
        try:
            if self._shares:
                with _writing(unfinished, os.O_CREAT | os.O_EXCL) as target:
                    self._shares = _share(self._model, target)
                if self._shares:
                    return 0
                unfinished.unlink()
            for spare in self._spares() if self._leases_tell else ():
                if (written := self._made_of(spare, unfinished)) is not None:
                    return written
            with _writing(unfinished, os.O_CREAT | os.O_EXCL) as target:
                return blocks.copy(self._model, target)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise EarmarkError(f"no snapshot of the read model could be written: {error}") from error

    def _made_of(self, spare: Path, unfinished: Path) -> int | None:
        """Make `spare` the next snapshot, and return how much was written; None where that cannot be."""
        spare.rename(unfinished)
        if not _nobody_has(unfinished):
            unfinished.rename(spare)
            return None
        del self._superseded[spare]
        differing = self._differing.pop(spare, None)
        unfinished.chmod(0o600)
        try:
            with _writing(unfinished) as target:
                # Refuses whoever opened it by its old name and was held up inside the kernel until now.
                fcntl.lockf(target, fcntl.LOCK_EX | fcntl.LOCK_NB)
                written = blocks.update(self._model, target, differing)
        except OSError:
            written = None
        if written is None:
            unfinished.unlink()
        return written


def _number(snapshot: Path) -> int:
    return int(snapshot.stem.removeprefix("rm-"))


@contextmanager
def _writing(path: Path, flags: int = 0) -> Iterator[int]:
    """The file open for writing; on the disk, and closed to writers, once the block has ended well."""
    descriptor = os.open(path, os.O_RDWR | flags, 0o600)
    try:
        yield descriptor
        os.fchmod(descriptor, 0o444)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _share(source: int, target: int) -> bool:
    """Let an empty file have the content of another without a copy; whether the file system can."""
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def _nobody_has(path: Path) -> bool:
    """Whether nobody on this machine has the file open."""
    if sys.platform != "linux":
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # Who opens it now sends its holder a signal, which by default would end this process: here one that does nothing.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _is_local(folder: Path, mounts: str) -> bool:
    """Whether the files in `folder` are those of this machine alone, by the kind of its file system among the `mounts`."""
    device = folder.stat().st_dev
    own = f"{os.major(device)}:{os.minor(device)}"
    # Number, parent, device, root, mount point, options, optional fields up to a dash, and then the kind.
    listed = [mount.split() for mount in mounts.splitlines()]
    return any(mount[2] == own and mount[mount.index("-") + 1] in _LOCAL for mount in listed)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""An archive as a folder: `manifest.json`, and the files it names below `records/`.

What the manifest does not name does not count, so a backup that is killed leaves what was there before.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import file_digest
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from streams.archive.manifest import File, Manifest, ManifestError, Partition, differences, digest
from streams.archive.parquet import DamagedError, Writer, read
from streams.errors import EarmarkError, RefusedError
from streams.events.record import Record

MANIFEST = "manifest.json"
_LOCK = ".lock"
_PARTIAL = ".partial"
_RECORDS = "records"
# A file that has come to this size is closed, and another begun: a backup that is killed goes on behind the last one.
FILE_BYTES = 64 * 2**20


class Archive:
    """The archive in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifest: Manifest | None = None
        path = folder / MANIFEST
        try:
            self._manifest = Manifest.parse(path.read_bytes())
        except FileNotFoundError:
            pass
        except ManifestError as error:
            raise ManifestError(f"{path}: {error}") from error

    @property
    def is_begun(self) -> bool:
        """Whether there is a manifest."""
        return self._manifest is not None

    @property
    def manifest(self) -> Manifest:
        """The manifest as it stands in the folder. Raises EarmarkError where there is none."""
        if self._manifest is None:
            raise EarmarkError(f"{self.folder} is no archive: it has no {MANIFEST}")
        return self._manifest

    def whole(self) -> Manifest:
        """The manifest, of a backup that came to its end. Raises EarmarkError where there is none."""
        if self.manifest.moment is None:
            raise EarmarkError(
                f"the first backup into {self.folder} was not finished: run `earmark backup {self.folder}`"
            )
        return self.manifest

    def save(self, manifest: Manifest) -> None:
        """Replace the manifest, whole or not at all."""
        with _whole(self.folder / MANIFEST) as sink:
            sink.write(manifest.to_bytes())
        self._manifest = manifest

    @contextmanager
    def stretch(self, topic: str, partition: int, start: int) -> Iterator["Stretch"]:
        """A file for records of a partition from `start` on, as long as the block lasts; `Stretch.end` makes it whole."""
        folder = self.folder / _RECORDS / topic
        if not folder.is_dir():
            folder.mkdir(parents=True)
            _sync(folder.parent.parent)
            _sync(folder.parent)
        path = folder / f"{partition:02}-{start:012}{_PARTIAL}"
        with path.open("wb") as sink:
            yield Stretch(self.folder, path, sink, topic, partition, start)

    def remove(self, file: File) -> None:
        """Delete a file that the manifest no longer names."""
        (self.folder / file.name).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what an interrupted backup left behind."""
        named = {file.name for file in self.manifest.files} if self.is_begun else set()
        for path in (self.folder / _RECORDS).glob("*/*"):
            if path.suffix in {".parquet", _PARTIAL} and str(path.relative_to(self.folder)) not in named:
                path.unlink()

    def records(self, part: Partition, start: int) -> Iterator[Record]:
        """A partition's records from offset `start` on, in order. Raises DamagedError where a file cannot be read."""
        for file in self.whole().files_of(part.topic, part.partition):
            if start < file.end and file.start < part.end:
                with self._opened(file) as source:
                    for record in read(source, file.topic, file.partition):
                        if start <= record.offset < part.end:
                            yield record

    def check(self) -> None:
        """Read every file and compare it with the manifest. Raises DamagedError, a line for each file that differs."""
        manifest = self.whole()
        found = [f"{self.folder / MANIFEST}: {gap}" for gap in manifest.gaps()]
        for file in manifest.files:
            try:
                found += [f"{self.folder / file.name}: {said}" for said in self._differences(file)]
            except DamagedError as error:
                found.append(str(error))
        if found:
            raise DamagedError("\n".join([*found, "the archive is damaged: take another copy of it"]))

    def _differences(self, file: File) -> Iterator[str]:
        with self._opened(file) as source:
            size = os.fstat(source.fileno()).st_size
            if size != file.size:
                yield f"it has {size} bytes, not {file.size}"
            elif file_digest(source, "sha256").hexdigest() != file.sha256:
                yield "its bytes are not those that were written"
            else:
                source.seek(0)
                yield from differences(file, read(source, file.topic, file.partition))

    @contextmanager
    def _opened(self, file: File) -> Iterator[BufferedReader]:
        path = self.folder / file.name
        try:
            with path.open("rb") as source:
                yield source
        except FileNotFoundError:
            raise DamagedError(f"{path}: it is gone") from None
        except DamagedError as error:
            raise DamagedError(f"{path}: {error}") from error


class Stretch:
    """A file that is being written."""

    def __init__(
        self, folder: Path, path: Path, sink: BinaryIO, topic: str, partition: int, start: int
    ) -> None:
        self._folder = folder
        self._path = path
        self._sink = sink
        self._writer = Writer(sink)
        self._topic, self._partition, self._start = topic, partition, start
        self._records = 0
        self._last: Record | None = None

    def add(self, record: Record) -> None:
        """Write a record."""
        self._writer.add(record)
        self._records += 1
        self._last = record

    @property
    def is_full(self) -> bool:
        """Whether another file should go on from here."""
        return self._sink.tell() >= FILE_BYTES

    def end(self, end: int) -> File:
        """Make the file whole: it holds its partition up to `end`. It counts once the manifest names it."""
        self._writer.close()
        self._sink.flush()
        os.fsync(self._sink.fileno())
        size = self._sink.tell()
        with self._path.open("rb") as written:
            hashed = file_digest(written, "sha256").hexdigest()
        path = self._path.with_name(f"{self._partition:02}-{self._start:012}-{end:012}.parquet")
        self._path.rename(path)
        _sync(path.parent)
        last = self._last
        return File(
            name=str(path.relative_to(self._folder)),
            topic=self._topic,
            partition=self._partition,
            start=self._start,
            end=end,
            records=self._records,
            last_offset=None if last is None else last.offset,
            last_digest=None if last is None else digest(last),
            size=size,
            sha256=hashed,
        )


@contextmanager
def to_write(folder: Path) -> Iterator[Archive]:
    """The archive in `folder`, made if it is not there, for one writer at a time.

    Raises RefusedError where another backup writes there, or the folder holds what is no archive.
    """
    folder.mkdir(parents=True, exist_ok=True)
    others = {path.name for path in folder.iterdir()} - {_LOCK, f"{MANIFEST}{_PARTIAL}"}
    if others and MANIFEST not in others:
        raise RefusedError(
            f"{folder} holds {min(others)} and is no archive: name an empty folder, or a new one"
        )
    with (folder / _LOCK).open("w") as lock:
        _hold(lock.fileno(), fcntl.LOCK_EX, f"another backup writes into {folder}: wait for its end")
        archive = Archive(folder)
        archive.sweep()
        yield archive


@contextmanager
def to_read(folder: Path) -> Iterator[Archive]:
    """The archive in `folder`, which nobody changes meanwhile. Raises RefusedError while a backup writes there."""
    with ExitStack() as held:
        # A copy may lack the lock, or not be the reader's.
        with suppress(FileNotFoundError, PermissionError):
            lock = held.enter_context((folder / _LOCK).open())
            _hold(lock.fileno(), fcntl.LOCK_SH, f"a backup writes into {folder}: wait for its end")
        yield Archive(folder)


def _hold(handle: int, kind: int, refusal: str) -> None:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RefusedError(refusal) from None


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its place at the end of the block, once it is on the disk."""
    partial = path.with_name(path.name + _PARTIAL)
    with partial.open("wb") as sink:
        yield sink
        sink.flush()
        os.fsync(sink.fileno())
    partial.rename(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

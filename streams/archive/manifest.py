"""The manifest of an archive: which stretch of the log stands in which file, up to which moment."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from streams.errors import EarmarkError
from streams.events.record import Record

_Format = Literal[1]


class ManifestError(EarmarkError):
    """A manifest that this Earmark cannot use."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class File(_Model):
    """A whole file: the records of a partition from offset `start` up to `end` (not included).

    `records` may be fewer than the offsets: a foreign transaction leaves offsets without a record. `last_offset` and
    `last_digest` are of the last record; `sha256` is of the file's `size` bytes.
    """

    name: str
    topic: str
    partition: int
    start: int
    end: int
    records: int
    last_offset: int | None
    last_digest: str | None
    size: int
    sha256: str


class Partition(_Model):
    """A partition as it was at the archive's moment: records from `start` up to `end` (not included).

    `committed`: the offset after the last message that the worker was done with, null where it committed none.
    """

    topic: str
    partition: int
    start: int
    end: int
    records: int
    committed: int | None


class Manifest(_Model):
    """What an archive holds. `moment`: when its partitions were as they are here, null before the first backup ended.

    Files may go beyond that moment, if a later backup was interrupted: what is beyond is not part of it.
    """

    format: _Format = 1
    earmark: str
    cluster: str
    prefix: str
    moment: datetime | None = None
    partitions: tuple[Partition, ...] = ()
    files: tuple[File, ...] = ()

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """The manifest in `text`. Raises ManifestError."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            found = error.errors()[0]
            place = ".".join(map(str, found["loc"])) or "its text"
            raise ManifestError(
                f"it is no manifest of format 1 ({place}: {found['msg']}): a newer Earmark wrote it, or it is damaged"
            ) from error

    def to_bytes(self) -> bytes:
        """The manifest as it stands in its file."""
        return self.model_dump_json(indent=1).encode()

    def files_of(self, topic: str, partition: int) -> list[File]:
        """A partition's files, in the order of their offsets."""
        found = [file for file in self.files if (file.topic, file.partition) == (topic, partition)]
        return sorted(found, key=lambda file: file.start)

    def with_file(self, file: File, instead_of: File | None) -> Self:
        """With another file, which holds all that `instead_of` does."""
        return self.model_copy(
            update={"files": (*(known for known in self.files if known != instead_of), file)}
        )

    def gaps(self) -> Iterator[str]:
        """What of the partitions no file holds, a sentence each."""
        for part in self.partitions:
            place = f"{part.topic}[{part.partition}]"
            files = self.files_of(part.topic, part.partition)
            if not files:
                if part.start < part.end:
                    yield f"no file holds {place} from {part.start} to {part.end}"
                continue
            for before, after in pairwise(files):
                if before.end != after.start:
                    yield f"no file holds {place} from {before.end} to {after.start}"
            if files[0].start != part.start or files[-1].end < part.end:
                yield f"the files hold {place} from {files[0].start} to {files[-1].end}, not from {part.start} to {part.end}"


def digest(record: Record) -> str:
    """What tells a record from any other: a hash over its place, time, key, headers and value."""
    hashed = sha256(f"{record.offset} {record.timestamp_ms}".encode())
    for part in (record.key, record.value, *(part for header in record.headers for part in header)):
        content = part.encode() if isinstance(part, str) else part
        hashed.update(b"-" if content is None else b"%d:" % len(content))
        hashed.update(content or b"")
    return hashed.hexdigest()


def differences(file: File, records: Iterable[Record]) -> Iterator[str]:
    """What `file` says and its records do not, a sentence each. Goes through `records` once."""
    count, last = 0, file.start - 1
    newest = None
    for record in records:
        if not last < record.offset < file.end:
            yield f"offset {record.offset} stands behind {last}, where {file.start} to {file.end} belong in order"
            return
        count, last, newest = count + 1, record.offset, record
    if count != file.records:
        yield f"it holds {count} records, not {file.records}"
    elif newest is not None and digest(newest) != file.last_digest:
        yield f"its last record, {last}, is not the one that was written"


FILLER = ("earmark-filler", b"")
"""The header of a record that stands where the log had none. It has no `ce_type`: every fold passes over it."""


def dense(records: Iterable[Record], topic: str, partition: int, start: int, end: int) -> Iterator[Record]:
    """A record for each offset from `start` up to `end`: those of `records`, and fillers where there is none.

    A filler has the time of the record after it, or else of the one before.
    """
    position, clock_ms = start, 0
    for record in records:
        if record.offset >= end:
            break
        clock_ms = record.timestamp_ms
        if record.offset < position:
            continue
        for offset in range(position, record.offset):
            yield _filler(topic, partition, offset, clock_ms)
        yield record
        position = record.offset + 1
    for offset in range(position, end):
        yield _filler(topic, partition, offset, clock_ms)


def _filler(topic: str, partition: int, offset: int, timestamp_ms: int) -> Record:
    return Record(topic, partition, offset, timestamp_ms, None, (FILLER,), b"")


def is_same(one: Record, other: Record) -> bool:
    """Whether two records are equal in every part, place and time included."""
    return (one.offset, one.timestamp_ms, one.key, one.value, _pairs(one)) == (
        other.offset,
        other.timestamp_ms,
        other.key,
        other.value,
        _pairs(other),
    )


def _pairs(record: Record) -> Sequence[tuple[str, bytes | None]]:
    return [(name, content) for name, content in record.headers]

"""A DuckDB file made equal to another one: whole, or only those blocks that differ.

A file is three headers of 4,096 bytes, a main one and two of the database's, then blocks of one size: after a small batch
and a checkpoint a handful differ, however large the file is. They are compared whole, at some ten gigabytes a second: the
checksum that each begins with is an XOR over its words, and the same words in another order have the same.

Which ones to compare follows from what a database must do to survive a crash: until the headers of the next checkpoint
stand, all that the last one refers to stays. So DuckDB writes in blocks that were free, beyond the last one, and in those of
its metadata, of which it fills a part at a time. The checksums of all others are compared all the same: a DuckDB that does
otherwise is noticed. All sizes here are bytes, all files descriptors.
"""

import errno
import os
import struct
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

HEADER = 4096
HEADERS = 3 * HEADER
# What DuckDB calls the format that every version from 1.2 on opens.
FORMAT = 65
_AT_ONCE = 2**24
# A checksum, then the magic bytes, the format, and flags: of an encrypted file, for one.
_MAIN = struct.Struct("<8x4sQ4Q")
# A checksum, then the iteration, where the catalog and the free list begin, the count of blocks and their size.
_DATABASE = struct.Struct("<8x5Q")
# A block of metadata is so many pieces; each begins with where the next one is: in the last byte which of its block.
_PIECES = 64
NOWHERE = 2**64 - 1
_CHECKSUM = 8
# What DuckDB's checksum begins with, and by what it multiplies each word.
_CHECKSUM_BEGINS = 5381
_CHECKSUM_FACTOR = 0xBF58476D1CE4E5B9


class State(NamedTuple):
    """A database as a checkpoint left it: the checkpoint's number, how many blocks there are, and which may be written.

    Those are the free ones and those of its metadata.
    """

    iteration: int
    length: int
    free: frozenset[int]
    metadata: frozenset[int]

    @property
    def open(self) -> frozenset[int]:
        """The blocks that may be written while this state must stay."""
        return self.free | self.metadata

    def differing(self, before: "State") -> frozenset[int] | None:
        """The blocks that may differ from the state `before`; None where that is not known."""
        if self.iteration == before.iteration:
            return frozenset()
        if self.iteration != before.iteration + 1:
            return None
        return before.open | frozenset(range(before.length, self.length))


def block_size(headers: bytes) -> int | None:
    """The size of the blocks behind these `headers`; None where the file is not of the form that is known here."""
    if len(headers) != HEADERS or _MAIN.unpack_from(headers) != (b"DUCK", FORMAT, 0, 0, 0, 0):
        return None
    first, second = (_DATABASE.unpack_from(headers, number * HEADER)[4] for number in (1, 2))
    return int(first) if first == second and first and first % HEADER == 0 else None


def state(source: int) -> State | None:
    """The state that the last checkpoint left, by the list of free blocks in the file; None where that cannot be read."""
    headers = os.pread(source, HEADERS, 0)
    if (size := block_size(headers)) is None:
        return None
    iteration, _, place, count, _ = max(_DATABASE.unpack_from(headers, number * HEADER) for number in (1, 2))
    if place == NOWHERE:
        return None
    listed = b"".join(_pieces(source, place, size, count))
    try:
        free, at = _list(listed, 0, "<Q")
        # Blocks that several columns share, and how many do.
        _, at = _list(listed, at, "<QI")
        # Blocks of metadata, and a bit for each piece that is free.
        metadata, _ = _list(listed, at, "<QQ")
    except struct.error:
        return None
    # The list itself stands in one of those.
    return State(iteration, count, frozenset(free), frozenset(metadata)) if metadata else None


def is_torn(file: Path) -> bool:
    """Whether a block of metadata is not what its checksum says: no other can be left so by a kill.

    All others are written before anything refers to them. False where nobody can tell: there is no such file, or none
    whose list of blocks can be read.
    """
    try:
        with file.open("rb") as opened:
            source = opened.fileno()
            size, found = block_size(os.pread(source, HEADERS, 0)), state(source)
            if size is None or found is None:
                return False
            places = (HEADERS + block * size for block in found.metadata)
            return not all(_is_whole(os.pread(source, size, place), size) for place in places)
    except OSError:
        return False


def _is_whole(block: bytes, size: int) -> bool:
    if len(block) < size:
        return False
    checksum = _CHECKSUM_BEGINS
    for word in memoryview(block)[_CHECKSUM:].cast("Q"):
        checksum ^= word * _CHECKSUM_FACTOR
    return checksum % 2**64 == int.from_bytes(block[:_CHECKSUM], sys.byteorder)


def _pieces(source: int, place: int, size: int, count: int) -> Iterator[bytes]:
    length = (size - _CHECKSUM) // _PIECES // 8 * 8
    # Each once at most, whatever stands there.
    for _ in range(count * _PIECES):
        block, piece = place & (2**56 - 1), place >> 56
        found = os.pread(source, length, HEADERS + block * size + _CHECKSUM + piece * length)
        if len(found) < length:
            return
        yield found[8:]
        if (place := int.from_bytes(found[:8], "little")) == NOWHERE:
            return


def _list(data: bytes, at: int, form: str) -> tuple[list[int], int]:
    """The first numbers of the entries of a list, and where it ends. Raises struct.error where it is cut off."""
    (count,), at = struct.unpack_from("<Q", data, at), at + 8
    end = at + count * struct.calcsize(form)
    if end > len(data):
        raise struct.error(f"{count} entries are more than there is room for")
    return [entry[0] for entry in struct.iter_unpack(form, data[at:end])], end


def update(source: int, target: int, among: Collection[int] | None = None) -> int | None:
    """Make `target` equal to `source`, another state of the same database, and return how much was written.

    `among`: the numbers of the blocks that may differ; None: any may. None is returned, and nothing written, where the two
    are not known to be made of such blocks.
    """
    headers, length = os.pread(source, HEADERS, 0), os.fstat(source).st_size
    size = block_size(headers)
    if size is None or size != block_size(os.pread(target, HEADERS, 0)) or (length - HEADERS) % size:
        return None
    _write(target, headers, 0)
    written = HEADERS
    # Into the same memory again and again: new memory for each block would cost eight times as much.
    ours, theirs = bytearray(size), bytearray(size)
    for number, place in enumerate(range(HEADERS, length, size)):
        if among is not None and number not in among:
            checksum = os.pread(source, _CHECKSUM, place)
            if len(checksum) == _CHECKSUM and checksum == os.pread(target, _CHECKSUM, place):
                continue
        if os.preadv(source, [ours], place) != size:
            raise OSError(errno.EIO, "the read model's file became shorter while it was read")
        if os.preadv(target, [theirs], place) != size or ours != theirs:
            _write(target, ours, place)
            written += size
    os.ftruncate(target, length)
    return written


def copy(source: int, target: int) -> int:
    """Make `target`, an empty file, equal to `source`, and return how much was written."""
    place = 0
    if sys.platform == "linux":
        while done := os.copy_file_range(source, target, _AT_ONCE, place, place):
            place += done
    else:
        while piece := os.pread(source, _AT_ONCE, place):
            _write(target, piece, place)
            place += len(piece)
    return place


def _write(target: int, data: bytes | bytearray, place: int) -> None:
    left = memoryview(data)
    while left:
        done = os.pwrite(target, left, place)
        left, place = left[done:], place + done

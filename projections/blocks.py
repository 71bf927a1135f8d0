"""A DuckDB file made equal to another one: whole, or only those blocks that differ.

A file is three headers of 4,096 bytes, a main one and two of the database's, then blocks of one size: after a small batch
and a checkpoint a handful differ, however large the file is. They are compared whole, at some ten gigabytes a second: the
checksum that each begins with is an XOR over its words, and the same words in another order have the same. All sizes
here are bytes, all files descriptors.
"""

import errno
import os
import struct
import sys

HEADER = 4096
HEADERS = 3 * HEADER
# What DuckDB calls the format that every version from 1.2 on opens.
FORMAT = 65
_AT_ONCE = 2**24
# A checksum, then the magic bytes, the format, and flags: of an encrypted file, for one.
_MAIN = struct.Struct("<8x4sQ4Q")
# A checksum, then the iteration, two block numbers, the count of blocks and their size.
_DATABASE = struct.Struct("<8x5Q")


def block_size(headers: bytes) -> int | None:
    """The size of the blocks behind these `headers`; None where the file is not of the form that is known here."""
    if len(headers) != HEADERS or _MAIN.unpack_from(headers) != (b"DUCK", FORMAT, 0, 0, 0, 0):
        return None
    first, second = (_DATABASE.unpack_from(headers, number * HEADER)[4] for number in (1, 2))
    return int(first) if first == second and first >= HEADER else None


def update(source: int, target: int) -> int | None:
    """Make `target` equal to `source`, another state of the same database, and return how much was written.

    None, and nothing is written, where the two are not known to be made of such blocks.
    """
    headers, length = os.pread(source, HEADERS, 0), os.fstat(source).st_size
    size = block_size(headers)
    if size is None or size != block_size(os.pread(target, HEADERS, 0)) or (length - HEADERS) % size:
        return None
    _write(target, headers, 0)
    written = HEADERS
    # Into the same memory again and again: new memory for each block would cost eight times as much.
    ours, theirs = bytearray(size), bytearray(size)
    for place in range(HEADERS, length, size):
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

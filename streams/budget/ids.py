"""A set of ids that is never forgotten, in a quarter of the memory of a set of ints: some 20 bytes an id, and exact."""

from array import array
from collections.abc import Iterator
from itertools import accumulate, pairwise
from uuid import UUID

REST = 14
"""Bytes of an id besides the two that name its bucket."""
_LOW = (1 << 8 * REST) - 1
_HEAD = 4


class Ids:
    """Ids, each at most once. They fall evenly into buckets by their first two bytes, as random and hashed ids do."""

    __slots__ = ("_buckets", "_count")

    def __init__(self) -> None:
        self._buckets: dict[int, bytes] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, one: UUID) -> bool:
        number = one.int
        bucket = self._buckets.get(number >> 8 * REST)
        return bucket is not None and _stands_in(bucket, (number & _LOW).to_bytes(REST, "big"))

    def add(self, one: UUID) -> bool:
        """Take an id; whether it is new."""
        number = one.int
        name, rest = number >> 8 * REST, (number & _LOW).to_bytes(REST, "big")
        bucket = self._buckets.get(name, b"")
        if _stands_in(bucket, rest):
            return False
        self._buckets[name] = bucket + rest
        self._count += 1
        return True

    def __eq__(self, other: object) -> bool:
        """Whether both were given the same ids, in the same order within each bucket: as equal folds are."""
        return isinstance(other, Ids) and self._buckets == other._buckets

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[UUID]:
        for name, bucket in self._buckets.items():
            for at in range(0, len(bucket), REST):
                yield UUID(int=name << 8 * REST | int.from_bytes(bucket[at : at + REST], "big"))

    def to_bytes(self) -> bytes:
        """All of them, for this machine to read again."""
        names, lengths = array("H", self._buckets), array("I", map(len, self._buckets.values()))
        head = len(self._buckets).to_bytes(_HEAD, "big")
        return b"".join((head, names.tobytes(), lengths.tobytes(), *self._buckets.values()))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Ids":
        """The set that `to_bytes` gave."""
        names, lengths, count = array("H"), array("I"), int.from_bytes(data[:_HEAD], "big")
        begin = _HEAD + count * names.itemsize
        end = begin + count * lengths.itemsize
        names.frombytes(data[_HEAD:begin])
        lengths.frombytes(data[begin:end])
        ids = cls()
        places = pairwise(accumulate(lengths, initial=end))
        ids._buckets = {name: data[a:b] for name, (a, b) in zip(names, places, strict=True)}
        ids._count = (len(data) - end) // REST
        return ids


def _stands_in(bucket: bytes, rest: bytes) -> bool:
    at = bucket.find(rest)
    while at >= 0 and at % REST:  # across two ids: no match
        at = bucket.find(rest, at + 1)
    return at >= 0

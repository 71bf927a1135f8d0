"""A record for each offset: where the log had none, a filler that no fold counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.archive.manifest import FILLER, dense, is_same
from streams.events.envelope import UndecodableError
from streams.events.record import Record


def record(offset: int) -> Record:
    return Record("videos", 3, offset, 1000 * offset, b"k", (("ce_type", b"X"),), b"v")


@given(st.sets(st.integers(0, 30)), st.integers(0, 30), st.integers(0, 30))
def test_every_offset_has_its_record_or_a_filler(offsets: set[int], start: int, end: int) -> None:
    records = [record(offset) for offset in sorted(offsets)]
    found = list(dense(records, "videos", 3, start, end))
    assert [each.offset for each in found] == list(range(start, end))
    assert [each for each in found if each.offset in offsets] == [
        each for each in records if start <= each.offset < end
    ]
    assert all(each.headers == (FILLER,) for each in found if each.offset not in offsets)
    assert [each.timestamp_ms for each in found] == sorted(each.timestamp_ms for each in found)


def test_a_filler_is_no_event() -> None:
    (filler,) = dense([], "videos", 3, 4, 5)
    assert filler.type is None
    with pytest.raises(UndecodableError):
        filler.event()


def test_records_are_the_same_whatever_holds_their_headers() -> None:
    one = record(1)
    assert is_same(one, Record("videos", 3, 1, 1000, b"k", [("ce_type", b"X")], b"v"))
    assert not is_same(one, Record("videos", 3, 1, 1001, b"k", one.headers, b"v"))
    assert not is_same(one, Record("videos", 3, 1, 1000, b"k", (), b"v"))

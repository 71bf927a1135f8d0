"""An archive's files: what goes in comes out, and whatever was cut or spoilt is found and named."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.archive import parquet
from streams.archive.folder import MANIFEST, Archive, to_read, to_write
from streams.archive.manifest import Manifest, ManifestError, Partition, digest
from streams.archive.parquet import DamagedError, Writer, read
from streams.errors import EarmarkError, RefusedError
from streams.events.record import Record

AT = datetime(2026, 3, 2, tzinfo=UTC)
MAYBE_BYTES = st.none() | st.binary(max_size=60)
HEADERS = st.lists(st.tuples(st.text(max_size=9), MAYBE_BYTES), max_size=4)


@st.composite
def stretches(draw: st.DrawFn, min_size: int = 0) -> list[Record]:
    """Records of one partition, as any client may have written them: offsets grow, with gaps; times do as they like."""
    records: list[Record] = []
    offset = draw(st.integers(0, 2**40))
    for _ in range(draw(st.integers(min_size, 12))):
        time = draw(st.integers(-1, 2**50))
        headers = tuple(draw(HEADERS))
        records.append(Record("videos", 3, offset, time, draw(MAYBE_BYTES), headers, draw(MAYBE_BYTES)))
        offset += draw(st.integers(1, 3))
    return records


def written(records: list[Record]) -> bytes:
    sink = io.BytesIO()
    writer = Writer(sink)
    for record in records:
        writer.add(record)
    writer.close()
    return sink.getvalue()


def filled(folder: Path, records: list[Record], start: int, end: int) -> Path:
    """An archive of one file. Returns that file's path."""
    with to_write(folder) as archive:
        manifest = Manifest(earmark="1", cluster="c", prefix="p.", moment=AT)
        with archive.stretch("videos", 3, start) as stretch:
            for record in records:
                stretch.add(record)
            file = stretch.end(end)
        part = Partition(
            topic="videos", partition=3, start=start, end=end, records=len(records), committed=None
        )
        archive.save(manifest.model_copy(update={"partitions": (part,)}).with_file(file, None))
    return folder / file.name


def some(count: int, first: int = 5) -> list[Record]:
    return [
        Record("videos", 3, first + n, 1000 + n, b"k%d" % n, (("ce_type", b"X"),), b"body %d" % n)
        for n in range(count)
    ]


@given(stretches())
def test_what_goes_in_comes_out(records: list[Record]) -> None:
    assert list(read(io.BytesIO(written(records)), "videos", 3)) == records


def test_groups_come_out_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_BYTES", 40)
    records = some(20)
    assert list(read(io.BytesIO(written(records)), "videos", 3)) == records


@given(stretches(), st.data())
def test_any_cut_of_a_file_is_found(records: list[Record], data: st.DataObject) -> None:
    """By the file alone, without the manifest."""
    whole = written(records)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(DamagedError):
        list(read(io.BytesIO(whole[:cut]), "videos", 3))


@given(stretches(min_size=1))
def test_no_two_records_have_one_digest(records: list[Record]) -> None:
    assert len({digest(record) for record in records}) == len(records)
    first = records[0]
    changed = [
        Record("videos", 3, first.offset, first.timestamp_ms + 1, first.key, first.headers, first.value),
        Record("videos", 3, first.offset, first.timestamp_ms, b"other" * 13, first.headers, first.value),
        Record(
            "videos",
            3,
            first.offset,
            first.timestamp_ms,
            first.key,
            (*first.headers, ("a", None)),
            first.value,
        ),
    ]
    assert digest(first) not in set(map(digest, changed))


@pytest.mark.parametrize("step", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
def test_a_flipped_bit_anywhere_is_found_and_the_file_is_named(tmp_path: Path, step: float) -> None:
    path = filled(tmp_path, some(9), 5, 14)
    Archive(tmp_path).check()
    spoilt = bytearray(path.read_bytes())
    spoilt[int(step * len(spoilt))] ^= 4
    path.write_bytes(spoilt)
    with pytest.raises(DamagedError) as found:
        Archive(tmp_path).check()
    assert str(found.value) == (
        f"{path}: its bytes are not those that were written\nthe archive is damaged: take another copy of it"
    )


def test_a_file_that_is_cut_or_gone_is_named(tmp_path: Path) -> None:
    path = filled(tmp_path, some(9), 5, 14)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedError, match=f"{path}: it has {size - 1} bytes, not {size}"):
        Archive(tmp_path).check()
    path.unlink()
    with pytest.raises(DamagedError, match=f"{path}: it is gone"):
        Archive(tmp_path).check()


def test_a_file_that_is_not_what_the_manifest_says_is_named(tmp_path: Path) -> None:
    """Whole, and yet of another stretch, or with other records: as if two archives were mixed."""
    path = filled(tmp_path, some(9), 5, 14)
    archive = Archive(tmp_path)
    (file,) = archive.manifest.files
    for change, said in (
        ({"end": 10}, "offset 10 stands behind 9, where 5 to 10 belong in order"),
        ({"records": 8}, "it holds 9 records, not 8"),
        ({"last_digest": "x"}, "its last record, 13, is not the one that was written"),
    ):
        other = file.model_copy(update=change)
        archive.save(archive.manifest.model_copy(update={"files": (other,)}))
        with pytest.raises(DamagedError) as found:
            Archive(tmp_path).check()
        assert f"{path}: {said}" in str(found.value)


def test_a_partition_that_no_file_holds_whole_is_named(tmp_path: Path) -> None:
    filled(tmp_path, some(9), 5, 14)
    archive = Archive(tmp_path)
    (part,) = archive.manifest.partitions
    for change, said in (
        ({"start": 4}, "the files hold videos[3] from 5 to 14, not from 4 to 14"),
        ({"end": 15}, "the files hold videos[3] from 5 to 14, not from 5 to 15"),
        ({"partition": 4}, "no file holds videos[4] from 5 to 14"),
    ):
        other = part.model_copy(update=change)
        archive.save(archive.manifest.model_copy(update={"partitions": (other,)}))
        with pytest.raises(DamagedError) as found:
            Archive(tmp_path).check()
        assert f"{tmp_path / MANIFEST}: {said}" in str(found.value)


def test_what_the_manifest_does_not_name_is_swept_away(tmp_path: Path) -> None:
    """A backup was killed while it wrote a file, and between a file and the manifest."""
    path = filled(tmp_path, some(9), 5, 14)
    for name in ("03-000000000014.partial", "03-000000000014-000000000020.parquet"):
        path.with_name(name).write_bytes(b"half")
    with to_write(tmp_path):
        assert [each.name for each in path.parent.iterdir()] == [path.name]
    Archive(tmp_path).check()


def test_what_goes_beyond_the_moment_is_not_read(tmp_path: Path) -> None:
    """A later backup was killed: its files are there, and the archive is what it was."""
    filled(tmp_path, some(9), 5, 14)
    archive = Archive(tmp_path)
    part = archive.manifest.partitions[0].model_copy(update={"end": 12})
    archive.save(archive.manifest.model_copy(update={"partitions": (part,)}))
    assert list(archive.records(part, 0)) == some(7)
    assert list(archive.records(part, 10)) == some(7)[5:]
    archive.check()


def test_a_folder_has_one_writer_and_no_reader_beside_it(tmp_path: Path) -> None:
    filled(tmp_path, some(1), 5, 6)
    with to_write(tmp_path):
        with pytest.raises(RefusedError, match="another backup writes into"), to_write(tmp_path):
            pass
        with pytest.raises(RefusedError, match="a backup writes into"), to_read(tmp_path):
            pass
    with to_read(tmp_path), to_read(tmp_path):
        pass


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RefusedError, match=r"holds thesis\.txt and is no archive"), to_write(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(EarmarkError, match=rf"is no archive: it has no {MANIFEST}"):
        Archive(tmp_path).check()


def test_an_archive_whose_first_backup_was_killed_is_no_archive_yet(tmp_path: Path) -> None:
    with to_write(tmp_path) as archive:
        archive.save(Manifest(earmark="1", cluster="c", prefix="p."))
    with pytest.raises(EarmarkError, match=rf"was not finished: run `earmark backup {tmp_path}`"):
        Archive(tmp_path).check()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"format": 2}', b"\xff"])
def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path, text: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(text)
    with pytest.raises(ManifestError, match=rf"{tmp_path / MANIFEST}: it is no manifest of format 1"):
        Archive(tmp_path)

"""A file made equal to another by the blocks that differ."""

import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from projections import blocks
from projections.blocks import HEADER, HEADERS, State
from projections.model import STORAGE_VERSION

# What may become of a database between two snapshots; {n} is drawn.
CHANGES = (
    "CREATE TABLE IF NOT EXISTS a (i BIGINT, words VARCHAR); INSERT INTO a SELECT i, md5(i || '{n}') FROM range({n}) t(i)",
    "CREATE TABLE IF NOT EXISTS a (i BIGINT, words VARCHAR); DELETE FROM a WHERE i % 3 = {n} % 3",
    "CREATE TABLE IF NOT EXISTS a (i BIGINT, words VARCHAR); UPDATE a SET words = '{n}' WHERE i % 2 = 0",
    "CREATE OR REPLACE TABLE b{n} AS SELECT md5(i::VARCHAR) FROM range(20000) t(i)",
    "DROP TABLE IF EXISTS a",
    "CREATE OR REPLACE VIEW c AS SELECT {n}",
)
change = st.tuples(st.sampled_from(CHANGES), st.integers(1, 30_000))
states = st.lists(st.lists(change, max_size=3), min_size=2, max_size=4)


@contextmanager
def database(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(f"ATTACH '{path}' AS it (STORAGE_VERSION '{STORAGE_VERSION}'); USE it")
        opened.execute("SET wal_autocheckpoint = '1GB'")
        yield opened


@contextmanager
def both(source: Path, target: Path) -> Iterator[tuple[int, int]]:
    one, other = os.open(source, os.O_RDONLY), os.open(target, os.O_RDWR | os.O_CREAT)
    try:
        yield one, other
    finally:
        os.close(one)
        os.close(other)


# The last two states hold, in one block, the same words in another order: DuckDB's checksum of both is the same.
@example([[(CHANGES[1], 1)], [(CHANGES[0], 1)], [(CHANGES[4], 1), (CHANGES[1], 1)]])
@settings(max_examples=15, deadline=None)
@given(states)
def test_any_state_becomes_any_other_byte_for_byte(states: list[list[tuple[str, int]]]) -> None:
    """One that is several checkpoints old, too, and one that is longer than the next."""
    with TemporaryDirectory() as folder:
        path, seen = Path(folder, "model"), []
        with database(path) as opened:
            for number, changes in enumerate(states):
                for statement, n in changes:
                    opened.execute(statement.format(n=n))
                opened.execute("CHECKPOINT")
                seen.append(Path(folder, str(number)))
                with both(path, seen[-1]) as (source, copied):
                    assert blocks.copy(source, copied) == path.stat().st_size
        target = Path(folder, "target")
        for older, newer in product(seen, seen):
            shutil.copyfile(older, target)
            with both(newer, target) as descriptors:
                written = blocks.update(*descriptors)
                again = blocks.update(*descriptors)
            assert target.read_bytes() == newer.read_bytes()
            assert written is not None
            assert HEADERS <= written <= newer.stat().st_size
            assert again == HEADERS


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return small(tmp_path_factory.mktemp("small") / "file").read_bytes()


def changed(newer: bytes, older: bytes) -> set[int]:
    size = blocks.block_size(newer[:HEADERS])
    assert size
    return {
        number
        for number, place in enumerate(range(HEADERS, len(newer), size))
        if newer[place : place + size] != older[place : place + size]
    }


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(change, min_size=1, max_size=4), min_size=2, max_size=8))
def test_a_checkpoint_writes_in_no_block_but_those_that_the_last_one_left_open(
    states: list[list[tuple[str, int]]],
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "model")
        with database(path) as opened:
            before, older = None, b""
            for changes in [[(CHANGES[5], 1)], *states]:
                for statement, n in changes:
                    opened.execute(statement.format(n=n))
                opened.execute("CHECKPOINT")
                with path.open("rb") as source:
                    now, newer = blocks.state(source.fileno()), source.read()
                assert not blocks.is_torn(path)
                assert now is not None
                metadata = opened.execute("SELECT block_id FROM pragma_metadata_info()").fetchall()
                assert {block for (block,) in metadata} <= now.metadata
                if before is not None:
                    differing = now.differing(before)
                    assert differing is not None
                    assert changed(newer, older) <= differing
                before, older = now, newer


def test_over_two_checkpoints_nothing_is_known() -> None:
    nothing: frozenset[int] = frozenset()
    assert State(9, 1, nothing, nothing).differing(State(7, 1, nothing, nothing)) is None
    assert State(9, 6, nothing, nothing).differing(State(8, 4, frozenset({1}), frozenset({2}))) == {
        1,
        2,
        4,
        5,
    }


@settings(deadline=None)
@given(st.data())
def test_whatever_a_kill_leaves_of_a_block_of_metadata_is_told(
    small_file: bytes, data: st.DataObject
) -> None:
    """Any byte of it that is another one."""
    size = blocks.block_size(small_file[:HEADERS])
    assert size
    with TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(small_file)
        with path.open("rb") as source:
            state = blocks.state(source.fileno())
        assert state
        block = data.draw(st.sampled_from(sorted(state.metadata)))
        place = HEADERS + block * size + data.draw(st.integers(8, size - 1))
        spoilt(path, place, "B", small_file[place] ^ data.draw(st.integers(1, 255)))
        with path.open("rb") as source:
            # Where the list of blocks itself is spoilt, nothing is known: DuckDB reads that as it opens the file.
            assert blocks.is_torn(path) or blocks.state(source.fileno()) != state


def test_a_block_that_was_written_against_the_rule_is_told_by_its_checksum(tmp_path: Path) -> None:
    ours, theirs = small(tmp_path / "ours"), small(tmp_path / "theirs")
    spoilt(theirs, HEADERS, "<Q", 1)
    with both(ours, theirs) as (source, target):
        blocks.update(source, target, among=())
    assert theirs.read_bytes() == ours.read_bytes()


@pytest.mark.parametrize("place", [2**32, 2**56 * 64, blocks.NOWHERE])
def test_a_list_of_free_blocks_that_is_not_where_it_should_be_is_not_known(
    tmp_path: Path, place: int
) -> None:
    file = small(tmp_path / "file")
    for header in (HEADER, 2 * HEADER):
        spoilt(file, header + 24, "<Q", place)
    with file.open("rb") as source:
        assert blocks.state(source.fileno()) is None


def small(path: Path, options: str = f"STORAGE_VERSION '{STORAGE_VERSION}'") -> Path:
    with duckdb.connect() as opened:
        opened.execute(
            f"ATTACH '{path}' AS it ({options}); CREATE TABLE it.t AS FROM range(9); CHECKPOINT it"
        )
    return path


def spoilt(path: Path, place: int, form: str, value: int) -> Path:
    found = bytearray(path.read_bytes())
    struct.pack_into(form, found, place, value)
    path.write_bytes(found)
    return path


def test_what_is_no_file_of_such_blocks_is_left_as_it_is(tmp_path: Path) -> None:
    usual = small(tmp_path / "usual")
    odd = {
        "other blocks": small(tmp_path / "blocks", f"STORAGE_VERSION '{STORAGE_VERSION}', BLOCK_SIZE 16384"),
        "another format": spoilt(small(tmp_path / "format"), 12, "<Q", blocks.FORMAT + 1),
        "encrypted": spoilt(small(tmp_path / "flags"), 20, "<Q", 1),
        "headers at odds": spoilt(small(tmp_path / "odds"), 2 * HEADER + 40, "<Q", 2**17),
        "no database": tmp_path / "none",
    }
    odd["no database"].write_bytes(b"DUCK" * 9999)
    for what, file in odd.items():
        for source, target in ((usual, file), (file, usual)):
            before = target.read_bytes()
            with both(source, target) as (one, other):
                assert blocks.update(one, other) is None, what
            assert target.read_bytes() == before


def test_a_file_that_ends_within_a_block_is_no_source(tmp_path: Path) -> None:
    usual, cut = small(tmp_path / "usual"), small(tmp_path / "cut")
    os.truncate(cut, cut.stat().st_size - 1)
    with both(cut, usual) as (source, target):
        assert blocks.update(source, target) is None

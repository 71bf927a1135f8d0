"""Which snapshot a page sees, and what stays open for how long."""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from projections.snapshots import LINK
from projections.sql import SqlError
from projections.web import reader
from projections.web.reader import Opened, OtherVersionError, Reader, TooSlowError
from tests.builders.site import publish_large

FOR_EVER = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range, b.range) = 1"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("published")
    publish_large(home, 4)
    return home


@pytest.fixture
def home(published: Path, tmp_path: Path) -> Path:
    """A home of its own for a test that moves the link."""
    return shutil.copytree(published, tmp_path / "home", symlinks=True)


def files_open(home: Path) -> list[str]:
    """The snapshots that this process has open."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sorted(file.name for link in links if (file := link.readlink()).is_relative_to(home / "snap"))


def videos(database: DuckDBPyConnection) -> int:
    [(count,)] = database.execute("SELECT count(*) FROM videos").fetchall()
    return int(count)


async def count(opened: Opened) -> int:
    async with opened.question() as question:
        return await question.ask(videos)


async def test_many_that_ask_share_one_and_each_has_a_cursor(published: Path) -> None:
    one = Reader(published)
    async with one.opened() as first, one.opened() as second:
        assert first is second
        assert await asyncio.gather(*(count(first) for _ in range(20))) == [4] * 20
    await one.close()
    assert files_open(published) == []


async def test_a_snapshot_is_prepared_once_before_anybody_sees_it(home: Path) -> None:
    """While it is, the one before is shown."""
    may_end = threading.Event()

    def prepare(database: DuckDBPyConnection, kept: dict[str, Any]) -> None:
        kept["videos"] = videos(database)
        assert may_end.wait(10)
        prepared.append(kept)

    prepared: list[dict[str, Any]] = []
    one = Reader(home, prepare)
    may_end.set()
    async with one.opened() as first, one.opened() as again:
        assert prepared == [first.kept] == [again.kept] == [{"videos": 4}]
    may_end.clear()
    publish_large(home, 4)
    async with one.opened() as meanwhile:
        assert meanwhile.kept is prepared[0]
    may_end.set()
    async with asyncio.timeout(10):
        while len(prepared) < 2:  # noqa: ASYNC110  it is in a thread
            await asyncio.sleep(0.01)
    await one.close()


async def test_what_cannot_be_asked_beforehand_is_left_to_the_pages(published: Path) -> None:
    one = Reader(published, lambda database, _: database.execute("FROM nothing").close())
    async with one.opened() as opened:
        assert await count(opened) == 4
    await one.close()


async def test_when_the_link_moves_the_next_page_sees_the_next_and_the_old_one_goes_with_its_last_reader(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_STALE_S", 0.0)
    one = Reader(home)
    async with one.opened() as old:
        assert old.version.startswith("rm-1.duckdb@")
        publish_large(home, 4)
        async with one.opened() as new:
            assert new.version.startswith("rm-2.duckdb@")
            assert await count(new) == 4
        assert files_open(home) == ["rm-1.duckdb", "rm-2.duckdb"]
        assert await count(old) == 4, "whoever began with it goes on with it"
    assert files_open(home) == ["rm-2.duckdb"]
    publish_large(home, 4)
    async with one.opened() as newest:
        assert newest.version.startswith("rm-3.duckdb@")
        assert files_open(home) == ["rm-3.duckdb"]
    await one.close()
    assert files_open(home) == []


async def test_while_the_next_one_is_being_opened_the_one_of_a_moment_ago_is_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But no longer than that, however long it takes."""
    monkeypatch.setattr(reader, "_STALE_S", 30.0)
    may_open, open_now = threading.Event(), reader.locked

    def slowly(where: Path) -> DuckDBPyConnection:
        may_open.wait(30)
        return open_now(where)

    one = Reader(home)
    async with one.opened() as old:
        pass
    monkeypatch.setattr(reader, "locked", slowly)
    publish_large(home, 4)
    async with one.opened() as shown:
        assert shown is old
    one._newest_at = time.monotonic() - 60
    waiting = asyncio.create_task(newest_of(one))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    may_open.set()
    assert (await waiting).startswith("rm-2.duckdb@")
    await one.close()


async def newest_of(one: Reader) -> str:
    async with one.opened() as opened:
        return opened.version


async def test_a_home_that_was_emptied_and_filled_again_is_seen_anew(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its snapshot has the same number and the same name."""
    monkeypatch.setattr(reader, "_STALE_S", 0.0)
    one = Reader(home)
    async with one.opened() as before:
        assert await count(before) == 4
    shutil.rmtree(home)
    with pytest.raises(SqlError, match="there is no read model"):
        await newest_of(one)
    publish_large(home, 2)
    async with one.opened() as after:
        assert before.version.partition("@")[0] == after.version.partition("@")[0] == "rm-1.duckdb"
        assert await count(after) == 2
    await one.close()


def no_database(file: Path) -> None:
    file.write_text("no database at all" * 1000)


def others_database(file: Path) -> None:
    with duckdb.connect(file) as database:
        database.execute("CREATE TABLE something (x INTEGER)")


def cut_off(file: Path) -> None:
    with file.open("r+b") as handle:
        handle.truncate(20_000)


def other_version(file: Path) -> None:
    with duckdb.connect(file) as database:
        database.execute("UPDATE _schema SET hash = 'another'")


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (Path.unlink, SqlError),
        (no_database, SqlError),
        (others_database, SqlError),
        (cut_off, SqlError),
        (other_version, OtherVersionError),
    ],
)
async def test_what_cannot_be_read_is_an_error_each_time_and_leaves_nothing_open(
    home: Path, spoil: Callable[[Path], None], error: type[Exception]
) -> None:
    """And what comes to stand there later is read."""
    file = (home / LINK).resolve()
    whole = file.read_bytes()
    file.chmod(0o600)
    if spoil is others_database:
        file.unlink()
    spoil(file)
    one = Reader(home)
    for _ in range(3):
        with pytest.raises(error):
            await newest_of(one)
    assert files_open(home) == []
    file.unlink(missing_ok=True)
    file.write_bytes(whole)
    async with one.opened() as opened:
        assert await count(opened) == 4
    await one.close()


async def test_a_question_that_takes_too_long_is_ended_and_the_pool_goes_on(published: Path) -> None:
    """Also one that never came to be asked, because all threads were busy."""
    one = Reader(published)

    async def too_slow(opened: Opened) -> None:
        async with opened.question() as question:
            with pytest.raises(TooSlowError, match=r"longer than 0\.2 s"):
                await question.ask(lambda database: database.execute(FOR_EVER).fetchall(), 0.2)

    async with one.opened() as opened:
        await asyncio.gather(*(too_slow(opened) for _ in range(2 * reader.THREADS)))
        assert await count(opened) == 4
        assert one._questions == set()
    await one.close()


async def test_a_question_between_two_statements_is_ended_too(published: Path) -> None:
    """Nobody hears an interruption there; so it comes again."""
    one = Reader(published)

    def on_and_on(database: DuckDBPyConnection) -> None:
        while True:
            time.sleep(0.02)
            database.execute("SELECT 1").fetchall()
            database.execute("SELECT count(*) FROM range(3000000) a WHERE hash(a.range) = 1").fetchall()

    async with one.opened() as opened, opened.question() as question:
        with pytest.raises(TooSlowError):
            await question.ask(on_and_on, 0.1)
    await one.close()


async def test_who_is_cancelled_ends_the_question_and_lets_the_snapshot_go(published: Path) -> None:
    one = Reader(published)

    async def asks() -> None:
        async with one.opened() as opened, opened.question() as question:
            await question.ask(lambda database: database.execute(FOR_EVER).fetchall(), 600)

    asking = asyncio.create_task(asks())
    await asyncio.sleep(0.3)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert one._current is not None
    assert one._current.users == 0
    await one.close()
    assert files_open(published) == []


async def test_what_duckdb_says_is_one_line_without_its_marks(published: Path) -> None:
    one = Reader(published)
    async with one.opened() as opened, opened.question() as question:
        with pytest.raises(SqlError) as said:
            await question.ask(lambda database: database.execute("SELECT nothing\nFROM videos"))
        assert "\n" not in str(said.value)
        for typed in ("COPY videos TO '/tmp/x.csv'", "SET memory_limit = '8GB'", "DELETE FROM videos"):
            with pytest.raises(SqlError):
                await question.ask(lambda database, typed=typed: database.execute(typed))
    await one.close()

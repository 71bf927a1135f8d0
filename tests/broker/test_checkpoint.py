"""A state kept beside a real log: it spares reading, and whatever speaks against it throws it away."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from errno import ENOSPC
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from streams.analysis.state import AnalystState
from streams.budget.books import Books
from streams.budget.frozen import frozen
from streams.cli.budget import budget
from streams.cli.replay import status
from streams.errors import EarmarkError
from streams.events.event import Position
from streams.events.ledger import AnalysisRequested, BudgetSettled, request_id
from streams.events.record import Record
from streams.log import checkpoint as checkpoints
from streams.log.books import PART, SETTINGS, analysts_checkpoint, read_books
from streams.log.checkpoint import Checkpoint, Mark, code_version, trusted, write
from streams.log.connection import Connection
from streams.log.fetch import Fetcher, fetcher
from streams.log.follow import follow
from streams.log.keeper import Shelf, keeper
from streams.log.layout import apply
from streams.log.publish import publisher
from streams.log.ready import topics_answer
from streams.log.topics import LEDGER
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Reply
from tests.builders.analyst_scene import ANSWER, analysts, scene
from tests.builders.deleted import delete_before
from tests.builders.ledger_records import name

pytestmark = pytest.mark.kafka

AT = datetime(2026, 11, 1, tzinfo=UTC)


def request(number: int) -> AnalysisRequested:
    captions_id = name("captions", number)
    return AnalysisRequested(
        at=AT,
        request_id=request_id(captions_id, None, None),
        video_id=f"video-{number}",
        captions_id=captions_id,
        captions_at=Position(partition=0, offset=number),
        lane="live",
        prompt_id=None,
        replay_id=None,
    )


async def ask(connection: Connection, numbers: range) -> None:
    async with publisher(connection) as log:
        await log.append_all(map(request, numbers))


@asynccontextmanager
async def kept(connection: Connection, home: Path) -> AsyncIterator[Path]:
    """The books of the ledger as it is, kept where the analyst keeps them."""
    path, books = analysts_checkpoint(home, connection), Books()
    async with fetcher(connection) as fetch:
        keeping = await keeper(Shelf(path), SETTINGS, lambda: {PART: frozen(books)}, fetch, [LEDGER])
    async with follow(connection, [LEDGER], keeping.watch(books.apply)):
        await keeping.keep()
    yield path


def applied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The offsets that books are given from here on."""
    offsets: list[int] = []
    apply_one = Books.apply

    def note(self: Books, record: object) -> None:
        offsets.append(record.offset)  # type: ignore[attr-defined]
        apply_one(self, record)  # type: ignore[arg-type]

    monkeypatch.setattr(Books, "apply", note)
    return offsets


async def test_the_books_go_on_where_they_were_kept_and_come_to_the_same(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(connection, range(5))
    async with kept(connection, tmp_path):
        await ask(connection, range(3, 8))
        offsets = applied(monkeypatch)
        books = await read_books(connection, tmp_path)
        assert offsets == [5, 6, 7, 8, 9]
        assert books == await read_books(connection, tmp_path, from_log=True)
        assert len(books.ledger.pending) == 8


async def test_the_verbs_go_on_from_what_is_kept_unless_they_are_told_to_read_all(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(connection, range(5))
    environment = {
        "EARMARK_KAFKA": connection.bootstrap,
        "EARMARK_TOPIC_PREFIX": connection.prefix,
        "EARMARK_HOME": str(tmp_path),
    }
    async with kept(connection, tmp_path):
        offsets = applied(monkeypatch)
        for verb in (budget, status):
            said = []
            for words, read in (([], []), (["--from-log"], [0, 1, 2, 3, 4])):
                offsets.clear()
                answer = await asyncio.to_thread(CliRunner().invoke, verb, words, env=environment)
                assert answer.exit_code == 0, answer.output
                assert offsets == read
                said.append(answer.output.splitlines()[0])
            assert said[0] == said[1]


def test_a_disk_that_is_full_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state" / "a.checkpoint"
    write(path, Checkpoint(code_version(), {}, {}, [], {}))
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write(path, Checkpoint(code_version(), {}, {}, [], {"more": b"x"}))
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


Spoil = Callable[[Path], None]


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def changed(**fields: object) -> Spoil:
    """The same checkpoint, whole, with other contents."""

    def spoil(path: Path) -> None:
        kept = checkpoints._DECODER.decode(path.read_bytes()[len(checkpoints.MAGIC) + 32 :])
        write(path, msgspec.structs.replace(kept, **fields))

    return spoil


def other_mark(**fields: object) -> Spoil:
    def spoil(path: Path) -> None:
        [mark] = checkpoints.read_file(path, SETTINGS).marks
        changed(marks=[msgspec.structs.replace(mark, **fields)])(path)

    return spoil


DOUBTS: list[tuple[str, Spoil]] = [
    ("it is not whole", damage),
    ("it is not whole", cut_short),
    ("it is not whole", lambda path: path.write_bytes(b"")),
    ("another version of Earmark", changed(code="0")),
    ("other settings", changed(settings={"day_start_ms": "1"})),
    ("is another topic, or of another cluster", changed(topics={LEDGER.name: "else/where"})),
    ("ends before it", other_mark(offset=5)),
    ("has another record at offset 4", other_mark(timestamp_ms=1)),
    ("has another record at offset 4", other_mark(body=b"")),
    ("has another record at offset 3", other_mark(offset=3)),
]


async def test_what_is_in_doubt_is_thrown_away_said_and_folded_from_the_first_record(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await ask(connection, range(5))
    offsets = applied(monkeypatch)
    async with kept(connection, tmp_path) as path:
        sound = path.read_bytes()
        for sentence, spoil in DOUBTS:
            path.write_bytes(sound)
            spoil(path)
            offsets.clear()
            caplog.clear()
            await read_books(connection, tmp_path)
            assert offsets == [0, 1, 2, 3, 4], sentence
            assert sentence in caplog.text


async def gone(fetch: Fetcher) -> None:
    """Wait until the broker has no ledger: it deletes in its own time."""
    async with asyncio.timeout(30):
        with suppress(EarmarkError):
            while await fetch.identity([LEDGER]):  # noqa: ASYNC110  the broker has no event for it
                await asyncio.sleep(0.1)


async def test_a_topic_made_anew_with_the_same_records_is_another_topic(
    connection: Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await ask(connection, range(5))
    async with kept(connection, tmp_path) as path, fetcher(connection) as fetch:
        assert await trusted(path, SETTINGS, fetch, [LEDGER]) is not None
        admin = connection.admin()
        await admin.start()
        try:
            await admin.delete_topics([connection.name(LEDGER)])
            await gone(fetch)
            await apply(admin, connection.prefix)
        finally:
            await admin.close()
        await topics_answer(connection)
        await ask(connection, range(5))
    async with fetcher(connection) as fetch:
        assert await trusted(path, SETTINGS, fetch, [LEDGER]) is None
    assert "is another topic" in caplog.text


async def test_a_ledger_that_lost_its_beginning_stops_money_though_a_checkpoint_stands_behind_it(
    connection: Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await ask(connection, range(5))
    async with kept(connection, tmp_path) as path, fetcher(connection) as fetch:
        await delete_before(connection, LEDGER, 0, 2)
        assert await trusted(path, SETTINGS, fetch, [LEDGER]) is None
    assert "has lost its beginning" in caplog.text


async def test_where_a_fold_stopped_in_the_middle_of_a_record_nothing_is_kept(
    connection: Connection, tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path / "a.checkpoint")

    def half(_: object) -> None:
        raise ValueError("half done")

    async with fetcher(connection) as fetch:
        keeping = await keeper(shelf, SETTINGS, dict, fetch, [LEDGER])
    async with scene(connection) as log:
        await log.ask("one")
        [record] = await log.records(LEDGER)
    with pytest.raises(ValueError, match="half done"):
        keeping.watch(half)(record)
    await keeping.keep()
    assert not shelf.path.exists()
    keeping.watch(lambda _: None)(record)
    await keeping.keep()
    [mark] = checkpoints.read_file(shelf.path, SETTINGS).marks
    assert mark == Mark.of(record)


async def test_an_analyst_takes_up_what_it_kept_and_pays_for_nothing_twice(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its second start reads no answer again, nor a marker, and knows the prompt that is active all the same."""
    caplog.set_level(logging.INFO, "streams.analysis.take_up")
    read: list[int] = []
    fold = AnalystState._analyses

    def counted(self: AnalystState, record: Record) -> None:
        read[-1] += 1
        fold(self, record)

    monkeypatch.setattr(AnalystState, "_analyses", counted)
    shelf = Shelf(tmp_path / "a.checkpoint", at_least=1, look_s=0.05)

    async def is_kept(offset: int) -> None:
        """A stop keeps what was read by then, so the analyst runs on until it has kept the ledger up to here."""
        async with asyncio.timeout(30):
            while not shelf.path.exists():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            while checkpoints.read_file(shelf.path, {}).position(LEDGER, 0) < offset:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    claude = LoopbackClaude({}, improvise=lambda _: Reply(ANSWER))
    async with scene(connection) as log, claude:
        read.append(0)
        async with analysts(log, claude.base_url, shelf=shelf):
            # Of a ledger that holds nothing yet.
            await is_kept(0)
        for count, videos in ((3, ("a", "b", "c")), (4, ("d",)), (6, ("e", "f"))):
            await log.ask(*videos)
            read.append(0)
            async with analysts(log, claude.base_url, shelf=shelf):
                await log.until(LEDGER, [BudgetSettled], count)
                await is_kept(3 * count)
        ledger = await log.ledger()
    kept = checkpoints.read_file(shelf.path, {})
    assert kept.position(LEDGER, 0) == 3 * 6
    assert not ledger.pending
    assert len(claude.calls) == 6
    said = [line.getMessage() for line in caplog.records if line.name == "streams.analysis.take_up"]
    assert said[0].startswith("no checkpoint stands")
    assert [int(line.split(" of the ledger")[0].rpartition(" ")[2]) for line in said[1:]] == [0, 9, 12]
    # Twelve markers and six answers, each read once at most: what a stop is too early for is left to the next start.
    assert sum(read) <= 12 + 6

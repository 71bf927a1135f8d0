"""A rebuild on the real log: compared with the live model, interrupted, and begun by the projector itself."""

import asyncio
from pathlib import Path
from random import Random

import duckdb
import pytest

from projections import model
from projections.projector import Rebuilding, project
from projections.rebuild import rebuild, rebuild_words
from projections.snapshots import LINK, WORDS_LINK, Snapshots
from projections.transcripts_file import Transcripts
from projections.verify import Difference, verify, verify_words
from streams.errors import EarmarkError
from streams.log.connection import Connection
from streams.log.publish import publisher
from tests.builders.archived import earmark
from tests.builders.read_model_histories import history
from tests.builders.snapshot import assert_equal, assert_same_words, tear

pytestmark = pytest.mark.kafka


async def tell(connection: Connection, seed: int, videos: int = 3) -> int:
    """Append a history: how many records."""
    events = history(Random(seed), videos)
    async with publisher(connection) as log:
        await asyncio.gather(*(log.append(event) for event in events))
    return len(events)


async def project_all(connection: Connection, home: Path, rebuilding: Rebuilding) -> None:
    """Keep the read model until it has all that the log holds."""
    stop = asyncio.Event()

    def report(_: object, *, caught_up: bool) -> None:
        if caught_up:
            stop.set()

    await project(home, connection.consumer, connection.name, stop, report=report, rebuilding=rebuilding)


def change(home: Path, statement: str) -> None:
    """Change the model behind the projector's back, and let readers see it."""
    file = model.generation_file(home, 1)
    database = model.open_model(file)
    database.execute(statement)
    snapshots = Snapshots(home, file)
    snapshots.publish(database)
    database.close()
    snapshots.close()


def change_words(home: Path, statement: str) -> None:
    """Change the words behind the projector's back, and let readers see it."""
    words = Transcripts(home)
    words._database.execute(statement)
    words.publish(at_once=True)
    words.close()


async def test_verify_names_what_differs_and_replaces_nothing(connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(EarmarkError, match=r"no read model in .*`earmark rebuild`"):
        await verify(tmp_path, connection.consumer, connection.name)
    await tell(connection, 1)
    await rebuild(tmp_path, connection.consumer, connection.name)
    await tell(connection, 2)  # what the live model has not read yet is no difference
    no_words = await earmark(connection, tmp_path, "rebuild", "--verify")
    assert no_words.stdout.splitlines() == [
        "the read model is what the log says, row for row",
        "there are no transcripts yet: the projector makes them, and `earmark rebuild` does",
    ]
    await rebuild_words(tmp_path, connection.consumer, connection.name)
    same = await earmark(connection, tmp_path, "rebuild", "--verify")
    assert (same.exit_code, same.stdout) == (0, "the read model is what the log says, row for row\n")

    change(
        tmp_path,
        "DELETE FROM _discovered WHERE video_id = 'video-1'; UPDATE captions SET words = 1 WHERE revision = 1",
    )
    before = (tmp_path / LINK).resolve()
    found = await verify(tmp_path, connection.consumer, connection.name)
    assert [each.table for each in found] == ["_discovered", "captions"]
    assert found[0] == Difference("_discovered", model=0, log=1)
    assert found[1].model == found[1].log > 0
    change_words(
        tmp_path,
        "INSERT INTO _superseded SELECT doc FROM _documents ANTI JOIN _superseded USING (doc) LIMIT 1;"
        "UPDATE _lines SET text = 'never said' WHERE doc = 0 AND ordinal = 0;"
        "DELETE FROM _recent WHERE doc = 1 AND term = (SELECT min(term) FROM _recent WHERE doc = 1)",
    )
    words_before = (tmp_path / WORDS_LINK).resolve()
    assert await verify_words(tmp_path, connection.consumer, connection.name) == [
        Difference("transcripts", 1, 1),
        Difference("segments", 1, 1),
        Difference("search", 0, 1),
    ]
    told = await earmark(connection, tmp_path, "rebuild", "--verify")
    assert told.exit_code == 1
    assert "_discovered (0 only in the model, 1 only in the log), captions (" in str(told.exception)
    assert "segments (1 only in the model, 1 only in the log), search (" in str(told.exception)
    assert (tmp_path / LINK).resolve() == before
    assert (tmp_path / WORDS_LINK).resolve() == words_before
    assert [path.name for path in (tmp_path / "model").glob("rm-*.duckdb")] == ["rm-1.duckdb"]
    change_words(tmp_path, "UPDATE _schema SET hash = 'older'")
    with pytest.raises(EarmarkError, match="tables are of another version: run `earmark rebuild`"):
        await verify_words(tmp_path, connection.consumer, connection.name)
    assert list((tmp_path / "model").glob("*.unfinished*")) == []


async def test_a_rebuild_that_is_interrupted_leaves_the_old_model_and_the_next_begins_anew(
    connection: Connection, tmp_path: Path
) -> None:
    records = await tell(connection, 3)
    assert await rebuild(tmp_path, connection.consumer, connection.name) == records
    captions = await rebuild_words(tmp_path, connection.consumer, connection.name)
    model.create(tmp_path / "model" / "rebuild.unfinished").close()  # of one that was killed

    task = asyncio.current_task()
    assert task is not None
    for interrupted in (rebuild, rebuild_words):
        with pytest.raises(asyncio.CancelledError):
            await interrupted(tmp_path, connection.consumer, connection.name, lambda *_: bool(task.cancel()))
        task.uncancel()
    stop = asyncio.Event()
    told: list[tuple[int, int]] = []
    stopped = await rebuild(
        tmp_path, connection.consumer, connection.name, lambda *of: stop.set() or told.append(of), stop
    )
    assert stopped is None
    assert told == [(records, records)]
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "projector.lock",
        "rebuild.lock",
        "rm-1.duckdb",
        "transcripts-1.duckdb",
    ]

    assert await rebuild(tmp_path, connection.consumer, connection.name) == records
    assert model.newest_generation(tmp_path) == 2
    assert await rebuild_words(tmp_path, connection.consumer, connection.name) == captions


@pytest.mark.parametrize("has_snapshot", [True, False])
async def test_a_model_that_a_kill_tore_is_made_anew_by_the_projector(
    connection: Connection, tmp_path: Path, *, has_snapshot: bool
) -> None:
    """Of the newest snapshot, which is as far as readers are, or else of the log."""
    await tell(connection, 4)
    await rebuild(tmp_path, connection.consumer, connection.name)
    tear(model.generation_file(tmp_path, 1))
    with pytest.raises(model.DamagedError, match="is torn: run `earmark rebuild`"):
        model.open_model(model.generation_file(tmp_path, 1))
    await tell(connection, 5)
    if not has_snapshot:
        (tmp_path / LINK).unlink()
    shares: list[float | None] = []

    await project_all(connection, tmp_path, shares.append)
    assert (shares == []) == has_snapshot
    assert [path.name for path in (tmp_path / "model").glob("rm-*")] == ["rm-2.duckdb"]
    await rebuild(tmp_path / "fresh", connection.consumer, connection.name)
    assert_equal(tmp_path / LINK, tmp_path / "fresh" / LINK)


async def test_words_that_a_kill_tore_are_made_anew(connection: Connection, tmp_path: Path) -> None:
    await tell(connection, 4)
    await project_all(connection, tmp_path, lambda _: None)
    before = (tmp_path / WORDS_LINK).resolve()
    tear(model.generation_file(tmp_path, 1, "transcripts"))
    await project_all(connection, tmp_path, lambda _: None)
    assert model.newest_generation(tmp_path, "transcripts") == 2
    assert (tmp_path / WORDS_LINK).resolve() != before
    await rebuild(tmp_path / "fresh", connection.consumer, connection.name)
    await rebuild_words(tmp_path / "fresh", connection.consumer, connection.name)
    assert_same_words(tmp_path / WORDS_LINK, tmp_path / "fresh" / WORDS_LINK)


async def test_a_model_with_other_tables_is_rebuilt_by_the_projector_while_readers_keep_the_old_one(
    connection: Connection, tmp_path: Path
) -> None:
    await tell(connection, 4)
    await rebuild(tmp_path, connection.consumer, connection.name)
    change(tmp_path, "UPDATE _schema SET hash = 'older'")
    await tell(connection, 5)
    with pytest.raises(EarmarkError, match="another version"):
        change(tmp_path, "")

    old, seen, shares = (tmp_path / LINK).resolve(), [], []

    def rebuilding(share: float | None) -> None:
        shares.append(share)
        seen.append((tmp_path / LINK).resolve())
        with duckdb.connect(tmp_path / LINK, read_only=True) as reader:
            assert reader.execute("SELECT hash FROM _schema").fetchall() == [("older",)]

    await project_all(connection, tmp_path, rebuilding)
    assert shares[0] == 0
    assert shares[-2:] == [1, None]
    assert set(seen) == {old}
    await rebuild(tmp_path / "fresh", connection.consumer, connection.name)
    assert_equal(tmp_path / LINK, tmp_path / "fresh" / LINK)

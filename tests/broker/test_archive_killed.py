"""A backup and a restore that are killed, at each step that counts: nothing of before is lost, and they go on."""

from pathlib import Path
from random import Random

import pytest

from streams.app.processes import prepare
from streams.archive.folder import Archive
from streams.errors import EarmarkError
from streams.log.connection import Connection
from streams.log.follow import ends_of
from streams.log.topics import TOPICS
from streams.settings import Settings
from tests.builders.archived import append, back_up, bring_back, elsewhere, killed, records_of
from tests.builders.read_model_histories import history

pytestmark = pytest.mark.kafka

FILE_IS_WHOLE = "streams.archive.folder:Archive.save"
FILE_IS_WRITTEN = "streams.archive.folder:Stretch.end"
BATCH_IS_SENT = "streams.archive.restore:_Restore._arrived"


async def written(connection: Connection) -> int:
    """How many offsets of the log are taken."""
    return sum([sum(await ends_of(connection, topic)) for topic in TOPICS])


async def test_a_backup_that_is_killed_goes_on_and_the_archive_stays_what_it_was(
    connection: Connection, tmp_path: Path
) -> None:
    folder, other, events = tmp_path / "archive", elsewhere(connection), history(Random(11), 20)
    half = len(events) // 2
    await append(connection, events[:half])
    # The first save is the manifest's beginning. Between a file and its place in the manifest:
    await killed(connection, tmp_path, "backup", folder, where=FILE_IS_WHOLE, after=9)
    assert len(Archive(folder).manifest.files) == 7
    with pytest.raises(EarmarkError, match="was not finished: run `earmark backup"):
        await bring_back(other, folder)
    files = {name: (folder / name).stat().st_mtime_ns for name in names(folder)}
    assert (await back_up(connection, folder)).manifest.moment is not None
    assert {name: (folder / name).stat().st_mtime_ns for name in files} == files  # not written again
    first = await records_of(connection)

    await append(connection, events[half:])
    # In the middle of a file.
    await killed(connection, tmp_path, "backup", folder, where=FILE_IS_WRITTEN, after=12)
    assert list(folder.glob("records/*/*.partial")) != []
    Archive(folder).check()
    await bring_back(other, folder)
    assert await records_of(other) == first

    await back_up(connection, folder)
    assert list(folder.glob("records/*/*.partial")) == []
    other = elsewhere(connection)
    await bring_back(other, folder)
    assert await records_of(other) == await records_of(connection)


def names(folder: Path) -> list[str]:
    return [file.name for file in Archive(folder).manifest.files]


async def test_a_restore_that_is_killed_goes_on_and_nothing_starts_on_half_a_log(
    connection: Connection, tmp_path: Path
) -> None:
    folder, other, events = tmp_path / "archive", elsewhere(connection), history(Random(12), 30)
    await append(connection, events)
    await back_up(connection, folder)
    reached = 0
    for batches in (40, 90):
        await killed(other, tmp_path, "restore", folder, where=BATCH_IS_SENT, after=batches)
        before, reached = reached, await written(other)
        assert before < reached < len(events)
    with pytest.raises(EarmarkError, match=r"run `earmark restore` again, to its end"):
        await prepare(Settings(kafka=other.bootstrap, topic_prefix=other.prefix))
    with pytest.raises(EarmarkError, match=r"run `earmark restore` again, to its end"):
        await back_up(other, tmp_path / "half")
    assert await bring_back(other, folder) == len(events) - reached
    assert await records_of(other) == await records_of(connection)
    await prepare(Settings(kafka=other.bootstrap, topic_prefix=other.prefix))

"""The snapshots that readers open: what they keep, what is made of which, and what is left behind."""

import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from projections import blocks, model, snapshots
from projections.ingest import apply
from projections.snapshots import KEPT_S, LINK, RECENT, Snapshots
from streams.errors import EarmarkError
from streams.events.videos import VideoDiscovered
from tests.builders.read_model_world import at, record, video

# Opens the file that it is told of, says so, and counts whenever it is told to.
READER = """
import sys, duckdb
path = sys.argv[1]
database = duckdb.connect(path, read_only=True)
{afterwards}
print("open", flush=True)
for line in sys.stdin:
    print(*database.execute("SELECT count(*) FROM videos").fetchall()[0], flush=True)
"""
# After these DuckDB's lock is lost.
ATTACHED = """
other = duckdb.connect()
other.execute(f"ATTACH '{path}' AS other (READ_ONLY)")
other.close()
"""
AFTERWARDS = {"as it is": "", "another database had it, too": ATTACHED, "it was read": "open(path).close()"}


class Published:
    """A model and its snapshots, at a time of the test's own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.file = home / "model" / "rm-1.duckdb"
        self.file.parent.mkdir(exist_ok=True)
        self.database = model.create(self.file)
        self.now = 0.0
        self.videos = 0
        self.snapshots = Snapshots(home, self.file, lambda: self.now)

    def publish(self, videos: int = 1) -> snapshots.Snapshot:
        """A snapshot with so many more videos."""
        found = [
            record(VideoDiscovered(at=at(0), video=video(self.videos + number)), self.videos + number)
            for number in range(videos)
        ]
        apply(self.database, found)
        self.videos += videos
        made = self.snapshots.publish(self.database)
        # Read by the descriptor that is open: to close another would drop the writer's lock.
        length = self.file.stat().st_size
        assert made.file.read_bytes() == os.pread(self.snapshots._model, length, 0)
        assert made.file.stat().st_mode & 0o222 == 0
        assert count(self.home / LINK) == self.videos
        return made

    def later(self, videos: int = 1) -> snapshots.Snapshot:
        """The same once all superseded snapshots may be made of something else."""
        self.now += KEPT_S
        return self.publish(videos)

    def restart(self) -> None:
        """Close the model and open it as another process would."""
        self.close()
        self.database = model.open_model(self.file)
        self.snapshots = Snapshots(self.home, self.file, lambda: self.now)
        self.snapshots._shares = False

    def names(self) -> list[str]:
        return sorted(file.name for file in (self.home / "snap").iterdir())

    def close(self) -> None:
        self.database.close()
        self.snapshots.close()


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    # Wherever the tests run: the kinds that it does not name have a test of their own.
    monkeypatch.setattr(snapshots, "_is_local", lambda *_: True)
    found = Published(tmp_path)
    # Nor what a file system that shares blocks makes of it.
    found.snapshots._shares = False
    yield found
    found.close()


def count(path: Path) -> int:
    with duckdb.connect(path, read_only=True) as reader:
        return int(reader.execute("SELECT count(*) FROM videos").fetchall()[0][0])


@contextmanager
def reader(path: Path, afterwards: str = "") -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", READER.format(afterwards=afterwards), os.fspath(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.communicate()


def counted(process: subprocess.Popen[str]) -> int:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("count\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def test_a_superseded_snapshot_is_made_the_next_one_by_few_blocks(published: Published) -> None:
    first, second = published.publish(200), published.publish()
    assert second.written == second.file.stat().st_size
    inode = first.file.stat().st_ino
    third = published.later()
    assert third.file.stat().st_ino == inode
    assert third.written < third.file.stat().st_size
    assert published.names() == ["rm-2.duckdb", "rm-3.duckdb"]


def test_only_what_may_differ_is_compared_and_all_of_it_after_a_checkpoint_or_a_writer_that_nobody_saw(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    among: list[Collection[int] | None] = []
    update = blocks.update

    def heard(source: int, target: int, which: Collection[int] | None = None) -> int | None:
        among.append(which)
        return update(source, target, which)

    monkeypatch.setattr(blocks, "update", heard)
    published.database.execute("CREATE TABLE large AS SELECT random() FROM range(1_000_000)")
    published.publish()
    published.publish()
    made = [published.later() for _ in range(4)][-1]
    size = blocks.block_size(made.file.read_bytes()[: blocks.HEADERS])
    assert size
    assert all(which and len(which) < made.file.stat().st_size // size / 2 for which in among)
    among.clear()
    for statement in ("CREATE TABLE unseen AS FROM range(10000)", "CHECKPOINT"):
        published.database.execute(statement)
    # Both that there are differ from the model by a checkpoint that was not followed; the first after that is known again.
    for _ in range(3):
        published.later()
    assert [which is None for which in among] == [True, True, False]
    published.restart()
    among.clear()
    published.later()
    assert among == [None]


def test_what_was_superseded_a_moment_ago_keeps_its_name(published: Published) -> None:
    """A reader may have followed the link to it, and not have opened it yet."""
    published.publish()
    published.publish()
    published.now += KEPT_S - 0.1
    published.publish()
    assert published.names() == ["rm-1.duckdb", "rm-2.duckdb", "rm-3.duckdb"]


@pytest.mark.parametrize("afterwards", AFTERWARDS.values(), ids=AFTERWARDS)
def test_who_has_a_snapshot_open_keeps_it_whole_as_long_as_he_likes(
    published: Published, afterwards: str
) -> None:
    first = published.publish(20)
    with reader(first.file, afterwards) as process:
        for _ in range(4):
            published.later()
            assert counted(process) == 20
    assert "rm-1.duckdb" in published.names()


def test_a_snapshot_that_was_open_is_free_again_once_its_reader_is_gone(published: Published) -> None:
    first = published.publish()
    inode = first.file.stat().st_ino
    with reader(first.file):
        published.publish()
        assert published.later().file.stat().st_ino != inode
        assert published.names() == ["rm-1.duckdb", "rm-2.duckdb", "rm-3.duckdb"]
    assert published.publish().file.stat().st_ino == inode


def test_however_fast_they_come_no_more_are_kept_than_said(published: Published) -> None:
    copies = 0
    for _ in range(2 * RECENT):
        published.now += KEPT_S / RECENT
        made = published.publish()
        copies += made.written == made.file.stat().st_size
        assert len(published.names()) <= 1 + RECENT
    # And after a quiet time none is missing.
    published.now += 100 * KEPT_S
    for _ in range(RECENT):
        made = published.publish()
        copies += made.written == made.file.stat().st_size
    assert copies <= 1 + RECENT


def test_the_writer_keeps_its_lock(published: Published) -> None:
    """To close any descriptor of the model's file would drop it."""
    published.publish()
    published.later()
    published.later()
    command = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=True)"
    opening = subprocess.run(
        [sys.executable, "-c", command, published.file], capture_output=True, text=True, check=False
    )
    assert "Conflicting lock" in opening.stderr


def test_what_a_killed_writer_left_is_cleared_and_does_not_count(published: Published) -> None:
    published.publish()
    snap = published.home / "snap"
    (snap / "2.unfinished").write_bytes(b"half a copy")
    (snap / "link.unfinished").symlink_to("nowhere")
    assert count(published.home / LINK) == 1
    published.restart()
    published.publish()
    assert published.names() == ["rm-1.duckdb", "rm-2.duckdb"]


def test_what_readers_have_stays_where_a_writer_was_killed_before_he_moved_the_link(
    published: Published,
) -> None:
    """The newest by its number is not the newest that readers see."""
    first = published.publish()
    orphan = published.home / "snap" / "rm-2.duckdb"
    orphan.write_bytes(first.file.read_bytes())
    published.restart()
    third = published.later()
    assert third.file.name == "rm-3.duckdb"
    assert published.names() == ["rm-1.duckdb", "rm-3.duckdb"]
    assert count(first.file) == 1


def test_a_spare_that_is_no_such_file_is_not_used(published: Published) -> None:
    published.publish()
    published.publish()
    spare = published.home / "snap" / "rm-1.duckdb"
    spare.chmod(0o600)
    spare.write_bytes(b"no database" * 9999)
    assert published.later().written == published.file.stat().st_size


@pytest.mark.parametrize(
    ("kind", "local"),
    [("ext4", True), ("overlay", True), ("nfs4", False), ("virtiofs", False), ("fuse.sshfs", False)],
)
def test_files_that_another_machine_may_open_are_known_by_their_file_system(
    tmp_path: Path, kind: str, *, local: bool
) -> None:
    device = tmp_path.stat().st_dev
    mounts = [
        f"22 1 {device + 1} / /proc rw shared:5 - ext4 proc rw",
        f"29 1 {os.major(device)}:{os.minor(device)} / /with\\040blank rw,noatime shared:1 master:2 - {kind} /dev/x rw",
    ]
    assert snapshots._is_local(tmp_path, "\n".join(mounts)) == local


def test_a_file_system_that_shares_blocks_writes_none(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    def share(source: int, target: int) -> bool:
        return blocks.copy(source, target) > 0

    monkeypatch.setattr(snapshots, "_share", share)
    published.snapshots._shares = True
    assert [published.later().written for _ in range(3)] == [0, 0, 0]


def test_a_writer_that_starts_again_knows_which_are_old_enough(published: Published) -> None:
    first, second = published.publish(), published.publish()
    inode = first.file.stat().st_ino
    os.utime(second.file)
    published.restart()
    assert published.publish().file.stat().st_ino != inode
    os.utime(second.file, (0, 0))
    published.restart()
    assert published.publish().file.stat().st_ino == inode


def test_where_leases_do_not_tell_every_snapshot_is_a_whole_copy(published: Published) -> None:
    published.snapshots._leases_tell = False
    for _ in range(3):
        made = published.later()
        assert made.written == made.file.stat().st_size
    assert published.names() == ["rm-2.duckdb", "rm-3.duckdb"]


def test_a_full_disk_is_said_and_leaves_nothing(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.publish()

    def full(*_: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(blocks, "copy", full)
    with pytest.raises(
        EarmarkError, match=r"no snapshot of the read model could be written: .*No space left"
    ):
        published.snapshots.publish(published.database)
    assert published.names() == ["rm-1.duckdb"]
    assert count(published.home / LINK) == 1


def test_freshness_shows_how_many_were_kept_and_what_they_took(published: Published) -> None:
    published.publish()
    published.publish()
    taken = sum(file.stat().st_blocks * 512 for file in (published.home / "snap").iterdir())
    published.publish()
    with duckdb.connect(published.home / LINK, read_only=True) as database:
        shown = database.execute("SELECT DISTINCT snapshots, snapshot_bytes FROM freshness").fetchall()
        assert shown == [(2, pytest.approx(taken, rel=0.05))]
        assert database.execute("SELECT count(*) FROM _snapshots").fetchall() == [(1,)]


def test_a_snapshot_needs_no_attached_name_to_be_read(published: Published) -> None:
    published.publish(0)
    with duckdb.connect() as attached:
        attached.execute(f"ATTACH '{published.home / LINK}' AS earmark (READ_ONLY)")
        views = attached.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        for (view,) in views:
            assert attached.execute(f"FROM earmark.{view}").fetchall() == []

"""What readers open: immutable copies of the model, `EARMARK_HOME/snap/rm-<number>.duckdb`.

`EARMARK_HOME/earmark.duckdb` is a link to the newest. A copy gets its name, and the link moves, only once the copy is
whole, on the disk and opened once; so a reader meets one state of the model or the next, and a writer killed at any
point leaves the last one standing.
"""

import os
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from streams.errors import EarmarkError

LINK = "earmark.duckdb"
# A reader that has just followed the link must still find the file.
KEPT_S = 10.0


class Snapshots:
    """Publishes copies of a model. Its owner holds the writer's lock."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / "snap"
        self._folder.mkdir(parents=True, exist_ok=True)
        for unfinished in self._folder.glob("*.unfinished"):
            unfinished.unlink()

    def publish(self, database: DuckDBPyConnection, model: Path) -> Path:
        """Copy `database`, whose file is `model`, let readers see the copy, and return its path.

        No transaction may be under way, and none begin before this returns: a checkpoint meanwhile would tear the copy.
        """
        database.execute("CHECKPOINT")
        number = max(map(_number, self._published()), default=0) + 1
        # A killed writer's copy may still be at work under its own name.
        unfinished = self._folder / f"{number}-{os.getpid()}.unfinished"
        _copy(model, unfinished)
        duckdb.connect(unfinished, read_only=True).close()
        snapshot = unfinished.rename(self._folder / f"rm-{number}.duckdb")
        _sync(self._folder)
        # Relative to where the link will be.
        link = self._folder / "link.unfinished"
        link.symlink_to(snapshot.relative_to(self._home))
        link.replace(self._home / LINK)
        _sync(self._home)
        self._remove_old()
        return snapshot

    def _published(self) -> list[Path]:
        return sorted(self._folder.glob("rm-*.duckdb"), key=_number)

    def _remove_old(self) -> None:
        superseded_before = time.time() - KEPT_S
        for old, successor in pairwise(self._published()):
            if successor.stat().st_mtime < superseded_before:
                old.unlink()


def _number(snapshot: Path) -> int:
    return int(snapshot.stem.removeprefix("rm-"))


def _copy(source: Path, target: Path) -> None:
    # In another process: closing any descriptor of the model's file here would drop DuckDB's lock on it.
    # In a session of its own: Ctrl-C must not cut the last copy short.
    command = ["/bin/cp", os.fspath(source), os.fspath(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True)  # noqa: S603
    if done.returncode != 0:
        raise EarmarkError(f"no snapshot of the read model could be written: {done.stderr.strip()}")
    target.chmod(0o444)
    _sync(target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

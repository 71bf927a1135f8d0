"""The projector as 0.1.0 published: a whole copy of the model each time, then a pause of ten times as long.

`python -m tests.benchmarks.whole_copies` is `earmark projector` in that way.
"""

import os
import subprocess
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import duckdb
from duckdb import DuckDBPyConnection

import projections.projector
from projections.pace import WAIT_S
from projections.snapshots import LINK, Snapshot
from streams.cli.projector import projector

KEPT_S = 10.0


class WholeCopies:
    """Stands in for `Snapshots`."""

    def __init__(self, home: Path, model: Path) -> None:
        self._home = home
        self._model = model
        self._folder = home / "snap"
        self._folder.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Nothing is open."""

    def publish(self, database: DuckDBPyConnection) -> Snapshot:
        database.execute("CHECKPOINT")
        number = max(map(_number, self._published()), default=0) + 1
        unfinished = self._folder / f"{number}-{os.getpid()}.unfinished"
        subprocess.run(["/bin/cp", self._model, unfinished], check=True, start_new_session=True)
        unfinished.chmod(0o444)
        _sync(unfinished)
        duckdb.connect(unfinished, read_only=True).close()
        snapshot = unfinished.rename(self._folder / f"rm-{number}.duckdb")
        _sync(self._folder)
        link = self._folder / "link.unfinished"
        link.symlink_to(snapshot.relative_to(self._home))
        link.replace(self._home / LINK)
        _sync(self._home)
        superseded_before = time.time() - KEPT_S
        for old, successor in pairwise(self._published()):
            if successor.stat().st_mtime < superseded_before:
                old.unlink()
        return Snapshot(snapshot, snapshot.stat().st_size)

    def _published(self) -> list[Path]:
        return sorted(self._folder.glob("rm-*.duckdb"), key=_number)


class TenTimes(NamedTuple):
    """Stands in for `Pace`."""

    due: float = 0.0

    def after(self, ended: float, seconds: float, _written: int, _size: int) -> "TenTimes":
        return TenTimes(ended + max(WAIT_S, 10 * seconds))


def _number(snapshot: Path) -> int:
    return int(snapshot.stem.removeprefix("rm-"))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    setattr(projections.projector, "Snapshots", WholeCopies)  # noqa: B010  another class in its place
    setattr(projections.projector, "Pace", TenTimes)  # noqa: B010  and another pace
    projector()

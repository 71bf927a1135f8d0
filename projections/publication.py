"""When readers get to see what became of a database: as soon as its pace allows, and never less than they have seen."""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from duckdb import DuckDBPyConnection

from projections.ingest import Place
from projections.pace import Pace
from projections.snapshots import Snapshot, Snapshots

Offsets = Mapping[Place, int]
"""The offset to read next, by partition."""


class Made(NamedTuple):
    """A snapshot that was just published, and how many seconds it took."""

    snapshot: Snapshot
    seconds: float


class Publication:
    """Whether readers have yet to see a change of a database, and when they may; `offsets` says how far it has come."""

    def __init__(self, offsets: Callable[[], Offsets]) -> None:
        self._offsets = offsets
        self._pace = Pace()
        self._is_unseen = True
        self._not_before: Offsets = {}

    def has_changed(self) -> None:
        """There is something new to see."""
        self._is_unseen = True

    def begins_anew(self, seen: Offsets) -> None:
        """Another file stands in the place of one that readers have seen up to here: it is not shown before it has come as far."""
        self._not_before, self._is_unseen = seen, True

    @property
    def is_behind(self) -> bool:
        """Whether readers have seen more than what stands here."""
        now = self._offsets() if self._not_before else {}
        return any(now.get(place, 0) < offset for place, offset in self._not_before.items())

    def has_all(self) -> None:
        """There is no more to come: what readers have seen beyond is no more."""
        self._not_before = {}

    def publish(
        self, snapshots: Snapshots, database: DuckDBPyConnection, *, at_once: bool = False
    ) -> Made | None:
        """Publish a snapshot if anything is new and it is time; None where not."""
        if not self._is_unseen or (time.monotonic() < self._pace.due and not at_once):
            return None
        if self.is_behind:
            return None
        self._not_before = {}
        began = time.monotonic()
        snapshot = snapshots.publish(database)
        self._is_unseen = False
        ended = time.monotonic()
        self._pace = self._pace.after(ended, ended - began, snapshot.written, snapshot.file.stat().st_size)
        return Made(snapshot, ended - began)

    def wait_s(self, longest: float) -> float:
        """How long a snapshot that readers need may wait; `longest` where they need none."""
        if not self._is_unseen or self._not_before:
            return longest
        return max(0.0, min(longest, self._pace.due - time.monotonic()))

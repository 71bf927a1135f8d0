"""Which request is next: live before backfill before replay, the oldest first, none before its time.

A lane that is closed (its share of the cap is spent) holds up nobody but itself.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import get_args
from uuid import UUID

from streams.analysis.ledger import Pending
from streams.events.event import Lane

LANES: tuple[Lane, ...] = get_args(Lane)


@dataclass
class _LaneQueue:
    ready: list[tuple[int, UUID]] = field(default_factory=list)
    later: list[tuple[int, int, UUID]] = field(default_factory=list)


@dataclass
class Queue:
    """The requests that wait for a call, each at most once."""

    _lanes: dict[Lane, _LaneQueue] = field(default_factory=lambda: {lane: _LaneQueue() for lane in LANES})
    _waiting: dict[UUID, Pending] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, pending: Pending, not_before_ms: int = 0) -> None:
        """Let a request wait (again); it is ready once both its `retry_at_ms` and `not_before_ms` have come."""
        request = pending.request
        if request.request_id in self._waiting:
            return
        self._waiting[request.request_id] = pending
        lane = self._lanes[request.lane]
        ready_ms = max(pending.retry_at_ms, not_before_ms)
        if ready_ms:
            heappush(lane.later, (ready_ms, pending.offset, request.request_id))
        else:
            heappush(lane.ready, (pending.offset, request.request_id))

    def take(
        self,
        now_ms: int,
        closed: Collection[Lane] = (),
        may_go: Callable[[Pending], bool] = lambda _pending: True,
    ) -> Pending | None:
        """The next request that is ready in a lane that is not closed, which then waits no more; or None.

        A lane whose next request may not go stands aside.
        """
        for name, lane in self._lanes.items():
            if name in closed:
                continue
            while lane.later and lane.later[0][0] <= now_ms:
                _, offset, request_id = heappop(lane.later)
                heappush(lane.ready, (offset, request_id))
            if lane.ready and may_go(self._waiting[lane.ready[0][1]]):
                _, request_id = heappop(lane.ready)
                return self._waiting.pop(request_id)
        return None

    def next_ready_ms(self, closed: Collection[Lane] = ()) -> int | None:
        """When the next request of an open lane will be ready (0: now), or None where none waits."""
        times = [
            0 if lane.ready else lane.later[0][0]
            for name, lane in self._lanes.items()
            if name not in closed and (lane.ready or lane.later)
        ]
        return min(times, default=None)

"""Which request is next: live before backfill before replay, the oldest first, none before its time.

Replays wait in a line each, the older replay first, for each has a share and a limit of its own. A line that is closed
(its share of the cap is spent) holds up nobody but itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from uuid import UUID

from streams.budget.account import Pending
from streams.budget.entries import Request
from streams.events.event import LANES, Lane

SWEPT_AT_ONCE = 1000
Line = tuple[Lane, UUID | None]
"""What a request waits in: its lane, and in the lane of replays its replay."""


def line_of(request: Request) -> Line:
    """Where a request waits."""
    return request.lane, request.replay_id


def _none(_: object) -> bool:
    return False


def _all(_: object) -> bool:
    return True


@dataclass
class _Waiting:
    ready: list[tuple[int, UUID]] = field(default_factory=list)
    later: list[tuple[int, int, UUID]] = field(default_factory=list)


@dataclass
class Queue:
    """The requests that wait for a call, each at most once.

    A request is not ready before its `retry_at_ms`, which a settlement may put off while it waits.
    """

    _lines: dict[Lane, dict[UUID | None, _Waiting]] = field(
        default_factory=lambda: {lane: {} for lane in LANES}
    )
    _requests: dict[UUID, Pending] = field(default_factory=dict)
    _discarded: int = 0
    waiting: Counter[Line] = field(default_factory=Counter)
    """How many requests wait in each line."""

    def __len__(self) -> int:
        return len(self._requests)

    def add(self, pending: Pending, not_before_ms: int = 0) -> None:
        """Let a request wait (again); it is ready once both its `retry_at_ms` and `not_before_ms` have come."""
        request = pending.request
        if request.request_id in self._requests:
            return
        self._requests[request.request_id] = pending
        lane, replay_id = line_of(request)
        self.waiting[lane, replay_id] += 1
        line = self._lines[lane].setdefault(replay_id, _Waiting())
        ready_ms = max(pending.retry_at_ms, not_before_ms)
        if ready_ms:
            heappush(line.later, (ready_ms, pending.offset, request.request_id))
        else:
            heappush(line.ready, (pending.offset, request.request_id))

    def discard(self, request_id: UUID) -> None:
        """Let a request wait no more; harmless where it does not wait. It must not be added again."""
        pending = self._requests.pop(request_id, None)
        if pending is None:
            return
        self.waiting[line_of(pending.request)] -= 1
        # Its place in line is passed over, or swept out with others: a long history is folded before anything is taken.
        self._discarded += 1
        if self._discarded > SWEPT_AT_ONCE + len(self._requests):
            self._discarded = 0
            for lines in self._lines.values():
                for line in lines.values():
                    line.ready = [place for place in line.ready if place[-1] in self._requests]
                    line.later = [place for place in line.later if place[-1] in self._requests]
                    heapify(line.ready)
                    heapify(line.later)

    def take(
        self,
        now_ms: int,
        is_closed: Callable[[Line], bool] = _none,
        may_go: Callable[[Pending], bool] = _all,
    ) -> Pending | None:
        """The next request that is ready in a line that is not closed, which then waits no more; or None.

        A line whose next request may not go stands aside.
        """
        for line in self._open(now_ms, is_closed):
            if line.ready and may_go(self._requests[line.ready[0][1]]):
                _, request_id = heappop(line.ready)
                pending = self._requests.pop(request_id)
                self.waiting[line_of(pending.request)] -= 1
                return pending
        return None

    def next_ready_ms(self, now_ms: int, is_closed: Callable[[Line], bool] = _none) -> int | None:
        """When the next request of an open line will be ready (0: now), or None where none waits."""
        times = [
            0 if line.ready else line.later[0][0]
            for line in self._open(now_ms, is_closed)
            if line.ready or line.later
        ]
        return min(times, default=None)

    def _open(self, now_ms: int, is_closed: Callable[[Line], bool]) -> Iterator[_Waiting]:
        """The lines that are not closed, the first to be served first; what stands in front of `ready` is ready."""
        for lane, lines in self._lines.items():
            for replay_id, line in lines.items():
                if not is_closed((lane, replay_id)):
                    self._sort(line, now_ms)
                    yield line

    def _is_stale(self, place: tuple[int, int, UUID]) -> bool:
        """Whether a place in `later` is of a request that waits no more, or that a settlement has put off since."""
        pending = self._requests.get(place[-1])
        return pending is None or pending.retry_at_ms > place[0]

    def _sort(self, line: _Waiting, now_ms: int) -> None:
        while line.later and (line.later[0][0] <= now_ms or self._is_stale(line.later[0])):
            _, offset, request_id = heappop(line.later)
            heappush(line.ready, (offset, request_id))
        while line.ready:
            pending = self._requests.get(line.ready[0][1])
            if pending is not None and pending.retry_at_ms <= now_ms:
                return
            offset, request_id = heappop(line.ready)
            if pending is not None:
                heappush(line.later, (pending.retry_at_ms, offset, request_id))

"""Which request is next, against a plain list that is searched each time."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import UUID

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from streams.analysis.queue import SWEPT_AT_ONCE, Line, Queue
from streams.budget.account import Pending
from streams.events.event import LANES, Lane
from tests.builders.ledger_records import request

lanes = st.sampled_from(LANES)
closed_lanes = st.sets(lanes)


def pending(number: int, lane: Lane = "live", retry_at_ms: int = 0) -> Pending:
    return Pending(request(number, lane), offset=number, retry_at_ms=retry_at_ms)


def within(closed: set[Lane]) -> Callable[[Line], bool]:
    return lambda line: line[0] in closed


def taken(queue: Queue, now_ms: int = 0, closed: set[Lane] | None = None) -> int | None:
    """The offset of what is taken."""
    next_one = queue.take(now_ms, within(closed or set()))
    return None if next_one is None else next_one.offset


@dataclass
class PlainQueue:
    waiting: dict[UUID, tuple[Pending, int]] = field(default_factory=dict)

    def add(self, one: Pending, not_before_ms: int) -> None:
        self.waiting.setdefault(one.request.request_id, (one, not_before_ms))

    def times(self, closed: set[Lane]) -> list[tuple[int, Pending]]:
        return [
            (max(one.retry_at_ms, not_before_ms), one)
            for one, not_before_ms in self.waiting.values()
            if one.request.lane not in closed
        ]

    def ready(self, now_ms: int, closed: set[Lane]) -> list[Pending]:
        found = [one for ready_ms, one in self.times(closed) if ready_ms <= now_ms]
        return sorted(found, key=lambda one: (LANES.index(one.request.lane), one.offset))


class QueueMachine(RuleBasedStateMachine):
    """Adds, takes, discards and asks in any order; time does not run back. What is discarded does not come again."""

    def __init__(self) -> None:
        super().__init__()
        self.discarded: set[int] = set()
        self.queue, self.plain = Queue(), PlainQueue()
        self.now_ms = 1

    @rule(number=st.integers(0, 40), retry_in=st.integers(-5, 20), not_before_in=st.integers(-5, 20))
    def add(self, number: int, retry_in: int, not_before_in: int) -> None:
        if number in self.discarded:
            return
        one = pending(number, LANES[number % 3], max(0, self.now_ms + retry_in) if retry_in > 0 else 0)
        not_before_ms = max(0, self.now_ms + not_before_in) if not_before_in > 0 else 0
        self.queue.add(one, not_before_ms)
        self.plain.add(one, not_before_ms)

    @rule(later=st.integers(0, 10), closed=closed_lanes)
    def take(self, later: int, closed: set[Lane]) -> None:
        self.now_ms += later
        expected = next(iter(self.plain.ready(self.now_ms, closed)), None)
        got = self.queue.take(self.now_ms, within(closed))
        assert got is expected
        if expected is not None:
            del self.plain.waiting[expected.request.request_id]

    @rule(number=st.integers(0, 40), retry_in=st.integers(0, 20))
    def settle_for_a_retry(self, number: int, retry_in: int) -> None:
        """By another analyst, or before a restart: the fold reads it while the request waits."""
        waiting = self.plain.waiting.get(request(number, LANES[number % 3]).request_id)
        if waiting is not None:
            waiting[0].retry_at_ms = max(waiting[0].retry_at_ms, self.now_ms + retry_in)

    @rule(number=st.integers(0, 40))
    def discard(self, number: int) -> None:
        self.discarded.add(number)
        request_id = request(number, LANES[number % 3]).request_id
        self.queue.discard(request_id)
        self.plain.waiting.pop(request_id, None)

    @rule(closed=closed_lanes)
    def ask_when(self, closed: set[Lane]) -> None:
        times = [ms for ms, _ in self.plain.times(closed)]
        told = self.queue.next_ready_ms(self.now_ms, within(closed))
        assert (told is None) == (not times)
        if told is not None:
            # What is ready is ready since whenever.
            assert max(told, self.now_ms) == max(min(times), self.now_ms)

    @invariant()
    def each_waits_once(self) -> None:
        assert len(self.queue) == len(self.plain.waiting)


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_live_goes_before_backfill_before_replay_and_the_oldest_first() -> None:
    queue = Queue()
    for number, lane in ((1, "replay"), (2, "backfill"), (5, "live"), (3, "backfill"), (4, "live")):
        queue.add(pending(number, lane))  # type: ignore[arg-type]
    assert [taken(queue) for _ in range(6)] == [4, 5, 2, 3, 1, None]


def test_five_thousand_replays_do_not_hold_up_a_live_request() -> None:
    queue = Queue()
    for number in range(5000):
        queue.add(pending(number, "replay"))
    queue.add(pending(9999, "live"))
    assert taken(queue) == 9999


def test_a_closed_lane_holds_up_nobody_but_itself() -> None:
    queue = Queue()
    queue.add(pending(1, "live"))
    queue.add(pending(2, "backfill"))
    assert taken(queue, closed={"live"}) == 2
    assert taken(queue, closed={"live"}) is None
    assert queue.next_ready_ms(0, within({"live"})) is None
    assert taken(queue) == 1


def test_a_retry_waits_for_its_time_and_then_takes_its_old_place() -> None:
    queue = Queue()
    queue.add(pending(1, retry_at_ms=1000))
    queue.add(pending(2), not_before_ms=2000)
    queue.add(pending(3))
    assert queue.next_ready_ms(0) == 0
    assert taken(queue, 999) == 3
    assert taken(queue, 999) is None
    assert queue.next_ready_ms(999) == 1000
    queue.add(pending(4))
    assert [taken(queue, 2000) for _ in range(4)] == [1, 2, 4, None]


def test_a_request_that_waits_is_not_added_twice() -> None:
    queue = Queue()
    queue.add(pending(1))
    queue.add(replace(pending(1), offset=7), not_before_ms=9)
    assert len(queue) == 1
    assert [taken(queue, 99) for _ in range(2)] == [1, None]


def test_a_lane_whose_next_request_may_not_go_yet_stands_aside_and_keeps_its_order() -> None:
    queue = Queue()
    for number, lane in ((1, "live"), (2, "live"), (3, "replay")):
        queue.add(pending(number, lane))  # type: ignore[arg-type]
    kept = queue.take(0, may_go=lambda one: one.offset != 1)
    assert kept is not None
    assert kept.offset == 3
    assert [taken(queue) for _ in range(3)] == [1, 2, None]


def test_a_replay_that_may_not_spend_holds_up_no_other_replay() -> None:
    """Each has its own share: the older one goes first, and stands aside alone."""
    queue = Queue()
    older, newer = UUID(int=1), UUID(int=2)
    for number, replay_id in ((1, older), (2, newer), (3, older)):
        one = pending(number, "replay")
        queue.add(replace(one, request=msgspec.structs.replace(one.request, replay_id=replay_id)))
    first = queue.take(0, lambda line: line == ("replay", older))
    assert first is not None
    assert first.offset == 2
    assert [taken(queue) for _ in range(3)] == [1, 3, None]


def test_a_settlement_read_while_a_request_waits_puts_it_off() -> None:
    """As after a restart: the request stands in the log before the settlement that says when it is tried again."""
    queue, one = Queue(), pending(1)
    queue.add(one)
    one.retry_at_ms = 1000
    assert taken(queue, 999) is None
    assert queue.next_ready_ms(999) == 1000
    assert taken(queue, 1000) == 1


def test_what_is_discarded_leaves_nothing_behind() -> None:
    """A history of many thousand requests is folded before the first is taken."""
    queue = Queue()
    for number in range(5 * SWEPT_AT_ONCE):
        queue.add(pending(number))
        if number % 5:
            queue.discard(pending(number).request.request_id)
    assert len(queue) == SWEPT_AT_ONCE
    assert len(queue._lines["live"][None].ready) <= 2 * len(queue) + SWEPT_AT_ONCE + 1
    assert [taken(queue) for _ in range(3)] == [0, 5, 10]


def test_a_request_that_a_settlement_put_off_is_announced_for_its_new_time() -> None:
    queue = Queue()
    waiting = pending(1, "live", 10)
    queue.add(waiting)
    waiting.retry_at_ms = 30
    assert queue.next_ready_ms(5) == 30

"""The fold of the ledger against its oracle, over logs that no well-behaved analyst would write."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid5

import msgspec
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from streams.budget.entries import Cancellation, Claim, Entry, Place, Replay, Request, Settlement
from streams.budget.ledger import DAY_MS, Ledger, Verdict
from streams.events.event import LANES, Lane
from tests.builders.naive_ledger import NaiveLedger

T = TypeVar("T")

SPACE = UUID(int=7)
CAP = Decimal("1.00")
START_MS = 20_000 * DAY_MS + DAY_MS - 120_000  # two minutes to midnight: days end within most examples
ANALYSES = range(8)


@cache
def name(kind: str, *of: object) -> UUID:
    return uuid5(SPACE, f"{kind}{of}")


def analysis_of(request: Request) -> UUID:
    return name("analysis", request.captions_id)


# Hypothesis looks through a strategy when that is first drawn from: one made for each draw costs more than the draw.
@cache
def below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


def one_of(data: st.DataObject, choices: Sequence[T]) -> T:
    return choices[data.draw(below(len(choices)))]


def seldom(data: st.DataObject) -> bool:
    """Once in five times."""
    return data.draw(below(5)) == 4


REPLAYS = tuple(name("replay", number) for number in range(3))
cents = st.integers(1, 40).map(lambda n: Decimal(n) / 100)
shares = st.sampled_from([Decimal(1), Decimal("0.6"), Decimal("0.3")])
steps_ms = st.sampled_from([0, 0, 0, 0, 1_000, 20_000, -30_000])
skews = st.sampled_from([0, 0, 0, 0, 0, 0, 1, -1])
holds_s = st.sampled_from([150, 150, 30, 1, 100_000])
waits_s = st.sampled_from([None, 0, 30, 90_000])
outcomes = st.sampled_from(["completed", "retry", "retry", "retry", "failed", "not_called"])
replays = st.builds(
    lambda replay_id, share, max_cents: Replay(replay_id, "p", float(share), Decimal(max_cents) / 100),
    st.sampled_from(REPLAYS),
    shares,
    st.integers(10, 80),
)


@cache
def requests(of: Sequence[UUID] = REPLAYS) -> st.SearchStrategy[Request]:
    """One analysis may be asked for by many: in the live lane, in the backfill, by each replay."""
    return st.builds(
        lambda number, lane, replay_id: request(number, lane, replay_id if lane == "replay" else None),
        st.sampled_from(ANALYSES),
        st.sampled_from(LANES),
        st.sampled_from(of),
    )


def request(number: int, lane: Lane, replay_id: UUID | None) -> Request:
    return Request(
        request_id=name("request", number, lane, replay_id),
        video_id=f"v{number}",
        captions_id=name("captions", number),
        captions_at=Place(0, number),
        lane=lane,
        prompt_id=None,
        replay_id=replay_id,
    )


class LedgerMachine(RuleBasedStateMachine):
    """Appends records of every kind, honest and not, and compares both folds after each.

    `honest`: nobody is billed for more than was granted. `day_starts`: where the day's boundary may lie.
    """

    honest = True
    day_starts: ClassVar[st.SearchStrategy[int]] = st.integers(0, DAY_MS - 1)

    def __init__(self) -> None:
        super().__init__()
        self.ledger, self.twice, self.naive = Ledger(), Ledger(), NaiveLedger()
        self.now_ms = START_MS
        self.shares: dict[Lane, Decimal] = dict.fromkeys(LANES, Decimal(1))
        self.replays: dict[UUID, Replay] = {}
        self.resumed_as: dict[UUID, UUID] = {}
        self.asked: list[Request] = []
        self.claims: list[Claim] = []
        self.granted: set[UUID] = set()

    def saw(self, case: str) -> None:
        """What is worth a line in the statistics."""
        event(case)

    @initialize(
        data=st.data(),
        backfill_share=shares,
        asked=st.lists(requests(), min_size=6, max_size=12),
        started=st.lists(replays, min_size=2, max_size=4),
    )
    def begin(
        self, data: st.DataObject, backfill_share: Decimal, asked: list[Request], started: list[Replay]
    ) -> None:
        day_start_ms = data.draw(self.day_starts)
        for fold in (self.ledger, self.twice, self.naive):
            fold.day_start_ms = day_start_ms
        self.now_ms += day_start_ms
        self.shares["backfill"] = backfill_share
        for replay in started:
            self.start(replay, 0)
        for request in asked:
            self.ask(request, 0)

    def append(self, entry: Entry, step_ms: int) -> Verdict | None:
        self.now_ms += step_ms
        offset, held_before, day_before = len(self.naive.entries), dict(self.ledger.open), self.ledger.day
        verdict = self.ledger.apply(entry, offset, self.now_ms)
        expected = self.naive.append(entry, self.now_ms)
        assert (verdict == "granted") == bool(expected), (verdict, expected)
        assert self.twice.apply(entry, offset, self.now_ms) == verdict
        assert self.twice.apply(entry, offset, self.now_ms) in {None, "duplicate"}
        for held in held_before.values():
            if held.deadline_ms <= self.ledger.clock_ms:
                self.saw("a claim expires")
            elif self.ledger.day > day_before:
                self.saw("a claim is carried over midnight")
        return verdict

    @rule(data=st.data())
    def let_time_pass(self, data: st.DataObject) -> None:
        """Told by a record that changes nothing else."""
        second_ms, day_ms = self.ledger.clock_ms + 1000, self.ledger.clock_ms + DAY_MS
        expiry_ms, midnight_ms = self.ledger.next_close_ms(), self.ledger.day_end_ms()
        self.append(self.asked[0], self.step_to_about(data, second_ms, expiry_ms, midnight_ms, day_ms))

    def step_to_about(self, data: st.DataObject, *moments_ms: int) -> int:
        """A step to one of these moments, just before it, or just after."""
        return one_of(data, moments_ms) + one_of(data, (-1, 0, 1)) - self.now_ms

    @rule(data=st.data(), count=st.integers(1, 4))
    def claim_some(self, data: st.DataObject, count: int) -> None:
        """As they are claimed for calls in flight."""
        for _ in range(count):
            free = [request for request in self.asked if self.is_free(request)]
            if not seldom(data):
                request = one_of(data, free or self.asked)
            elif data.draw(st.booleans()):
                request = data.draw(requests(self.known_replays()))
            else:
                request = one_of(data, self.asked)
            self.claim(data, request)

    def is_free(self, request: Request) -> bool:
        analysis = analysis_of(request)
        return not self.ledger.is_done(analysis) and self.ledger.called_until_ms(analysis) is None

    def claim(self, data: st.DataObject, request: Request) -> None:
        usd = data.draw(cents)
        closes_ms = self.ledger.next_close_ms()
        step_ms = self.step_to_about(data, closes_ms) if seldom(data) else data.draw(steps_ms)
        at_ms = max(self.now_ms + step_ms, self.ledger.clock_ms)
        cap_usd = Decimal("0.30") if seldom(data) else CAP
        claim = Claim(
            attempt_id=name("attempt", len(self.claims)),
            request_id=request.request_id,
            analysis_id=analysis_of(request),
            prompt_id="p",
            model="m",
            max_tokens=1,
            attempt=max(1, self.ledger.next_attempt(analysis_of(request), at_ms) + data.draw(skews)),
            lane=request.lane,
            replay_id=request.replay_id,
            usd=usd,
            cap_usd=cap_usd,
            lane_cap_usd=cap_usd * self.share_of(request),
            hold_s=data.draw(holds_s),
        )
        room = self.ledger.room(claim.lane, claim.cap_usd, claim.lane_cap_usd, at_ms)
        self.claims.append(claim)
        verdict = self.append(claim, step_ms)
        self.saw(f"a claim is {verdict}")
        if verdict == "granted":
            self.granted.add(claim.attempt_id)
            if claim.replay_id in self.resumed_as.values():
                self.saw("a claim of a resumed replay is granted")
        if verdict in {"granted", "lane_over_cap", "day_over_cap"}:
            # What an analyst asks before it claims is the verdict itself, where no other record comes between.
            assert (usd <= room) == (verdict == "granted")

    def share_of(self, request: Request) -> Decimal:
        replay = None if request.replay_id is None else self.replays.get(request.replay_id)
        return self.shares[request.lane] if replay is None else Decimal(str(replay.share))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), outcome=outcomes, usd=cents, wait_s=waits_s)
    def settle(self, data: st.DataObject, outcome: str, usd: Decimal, wait_s: int | None) -> None:
        held = [held.claim for held in self.ledger.open.values()]
        others = [self.ledger.unsettled[attempt] for attempt in sorted(self.ledger.denied)] + self.claims[-4:]
        claim = one_of(data, others if seldom(data) else held or others)
        deadline_ms = self.appended_ms(claim) + claim.hold_s * 1000
        late = seldom(data)
        step_ms = self.step_to_about(data, deadline_ms, deadline_ms + DAY_MS) if late else data.draw(steps_ms)
        granted = claim.attempt_id in self.granted
        if self.honest:
            usd = min(usd, claim.usd) if granted and outcome != "not_called" else Decimal(0)
        elif not granted or outcome == "not_called":
            usd = one_of(data, (Decimal(0), usd))
        self.look_at_settlement(claim, outcome, usd, step_ms)
        self.tell_settlement(claim.attempt_id, claim.analysis_id, outcome, usd, wait_s, step_ms)

    def appended_ms(self, claim: Claim) -> int:
        index, _ = self.naive.claims()[claim.attempt_id]
        return self.naive.entries[index][0]

    def look_at_settlement(self, claim: Claim, outcome: str, usd: Decimal, step_ms: int) -> None:
        at_ms = max(self.now_ms + step_ms, self.ledger.clock_ms)
        appended_ms = self.appended_ms(claim)
        late = at_ms >= appended_ms + claim.hold_s * 1000
        if claim.attempt_id not in self.ledger.unsettled:
            self.saw("a claim is settled again")
        elif claim.attempt_id in self.ledger.denied:
            self.saw(f"a denied claim is settled as {outcome}, at {'some' if usd else 'no'} cost")
            self.saw(f"a denied claim is settled {'late' if late else 'in time'}")
        elif late:
            self.saw("a claim is settled after its deadline")
        else:
            today = self.naive.day(appended_ms) == self.naive.day(at_ms)
            self.saw("a claim is settled on " + ("its day" if today else "a later day"))
            if usd > claim.usd:
                self.saw("a claim is settled above its reservation")

    def tell_settlement(
        self, attempt: UUID, analysis: UUID, outcome: Any, usd: Decimal, wait_s: int | None, step_ms: int
    ) -> None:
        retry_at = None
        if wait_s is not None and outcome in {"retry", "not_called"}:
            self.saw("a settlement says when to try again")
            retry_at = datetime.fromtimestamp((self.now_ms + step_ms) // 1000 + wait_s, UTC).isoformat()
        self.append(Settlement(attempt, analysis, outcome, usd, retry_at), step_ms)

    @rule(
        data=st.data(),
        what=st.sampled_from(["request", "replay", "cancellation", "claim again", "settlement first"]),
        step_ms=steps_ms,
    )
    def tell_something_else(self, data: st.DataObject, what: str, step_ms: int) -> None:
        match what:
            case "request":
                self.ask(data.draw(requests(self.known_replays())), step_ms)
            case "replay":
                self.start(data.draw(replays), step_ms)
            case "cancellation":
                self.cancel(data, step_ms)
            case "claim again" if self.claims:
                verdict = self.append(one_of(data, self.claims), step_ms)
                self.saw(f"a claim is {verdict}")
            case "settlement first":
                attempt, analysis = name("attempt", len(self.claims)), analysis_of(self.asked[0])
                usd = Decimal(0) if self.honest else data.draw(cents)
                self.tell_settlement(attempt, analysis, data.draw(outcomes), usd, None, step_ms)

    def ask(self, request: Request, step_ms: int) -> None:
        self.asked.append(request)
        self.append(request, step_ms)

    def start(self, replay: Replay, step_ms: int) -> None:
        self.replays.setdefault(replay.replay_id, replay)
        self.append(replay, step_ms)

    def known_replays(self) -> Sequence[UUID]:
        return (*REPLAYS, *self.resumed_as.values())

    def cancel(self, data: st.DataObject, step_ms: int) -> None:
        called = {held.claim.replay_id for held in self.ledger.open.values()} - {None}
        if called:
            self.saw("a replay is cancelled amid a call")
        replays = self.known_replays()
        replay_id = one_of(data, [replay for replay in replays if replay in called] or replays)
        self.append(Cancellation(replay_id), step_ms)
        if replay_id in self.replays and (replay_id in called or data.draw(st.booleans())):
            self.resume(data, self.replays[replay_id])

    def resume(self, data: st.DataObject, cancelled: Replay) -> None:
        """As another replay, within what the cancelled one left; it asks for what is not done, and claims one."""
        replay_id = cancelled.replay_id
        called = any(held.claim.replay_id == replay_id for held in self.ledger.open.values())
        self.saw("a replay is resumed" + (" amid a call" if called else ""))
        left = max(cancelled.max_usd - self.ledger.replay_charged(replay_id), Decimal(0))
        after = msgspec.structs.replace(cancelled, replay_id=name("resumption", replay_id), max_usd=left)
        self.resumed_as[replay_id] = after.replay_id
        self.start(after, 0)
        for request in [request for request in self.asked if request.replay_id == replay_id]:
            again = name("request", request.captions_id, after.replay_id)
            self.ask(msgspec.structs.replace(request, request_id=again, replay_id=after.replay_id), 0)
        self.claim(data, self.asked[-1])

    @invariant()
    def both_folds_charge_the_same(self) -> None:
        assert self.ledger.charges.total == self.naive.charged(self.naive.today)
        for lane in LANES:
            assert self.ledger.lanes[lane].total == self.naive.lane_charged(lane)
        for replay_id in self.known_replays():
            assert self.ledger.replay_charged(replay_id) == self.naive.replay_charged(replay_id)

    @invariant()
    def both_folds_know_what_is_left_to_do(self) -> None:
        waiting = {request: pending.retry_at_ms for request, pending in self.ledger.pending.items()}
        assert waiting == self.naive.pending()
        unsettled, done = self.naive.unsettled(), self.naive.done()
        assert self.ledger.unsettled.keys() == unsettled.keys()
        assert self.ledger.denied == {attempt for attempt, granted in unsettled.items() if not granted}
        for analysis in {analysis_of(request) for request in self.asked}:
            assert self.ledger.is_done(analysis) == (analysis in done)
            if analysis not in done:
                assert self.ledger.next_attempt(analysis) == self.naive.calls(analysis) + 1

    @invariant()
    def nothing_is_charged_above_a_cap_but_what_nobody_granted(self) -> None:
        own_shares = [Decimal(str(replay.share)) for replay in self.replays.values()]
        most = {**self.shares, "replay": max(own_shares, default=Decimal(1))}
        for day in range(self.naive.today - 2, self.naive.today + 1):
            granted = [(charge.claim.lane, charge.usd - charge.excess) for charge in self.naive.borne(day)]
            assert sum(usd for _, usd in granted) <= CAP
            for lane, share in most.items():
                assert sum(usd for charged_lane, usd in granted if charged_lane == lane) <= CAP * share
        for replay in self.replays.values():
            assert self.charged_in_turn(replay.replay_id) <= replay.max_usd

    def charged_in_turn(self, replay_id: UUID) -> Decimal:
        """What a replay and those that went on with it, one after the other, are charged of what was granted."""
        mine = [charge for charge in self.naive.charges() if charge.claim.replay_id == replay_id]
        after = self.resumed_as.get(replay_id)
        later = Decimal(0) if after is None else self.charged_in_turn(after)
        return sum((charge.usd - charge.excess for charge in mine), later)

    @invariant()
    def what_nobody_granted_rings_the_alarm_and_nothing_else_does(self) -> None:
        rings = any(charge.excess for charge in self.naive.borne(self.naive.today))
        assert (self.ledger.alarm is not None) == rings == self.naive.rang(self.naive.today)
        assert not (self.honest and rings)

    @invariant()
    def telling_every_record_twice_changes_nothing(self) -> None:
        assert self.twice.charges == self.ledger.charges
        for lane in LANES:
            assert self.twice.lanes[lane] == self.ledger.lanes[lane]
        for replay_id in self.known_replays():
            assert self.twice.replay_charged(replay_id) == self.ledger.replay_charged(replay_id)
        assert self.twice.open == self.ledger.open
        assert self.twice.unsettled == self.ledger.unsettled
        assert self.twice.pending == self.ledger.pending
        assert self.twice.calls == self.ledger.calls


class DearBillsMachine(LedgerMachine):
    """The same, where more is billed than was granted: charged as it is, and nothing more is granted that day."""

    honest = False

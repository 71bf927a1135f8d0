"""The fold of the ledger against its oracle, over logs that no well-behaved analyst would write."""

from decimal import Decimal
from uuid import UUID, uuid5

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from streams.analysis.entries import Cancellation, Claim, Entry, Place, Replay, Request, Settlement
from streams.analysis.ledger import DAY_MS, Ledger
from streams.events.event import Lane
from tests.properties.naive_ledger import NaiveLedger

SPACE = UUID(int=7)
CAP = Decimal("1.00")
LANE_CAPS: dict[Lane, Decimal] = {"live": CAP, "backfill": Decimal("0.60"), "replay": Decimal("0.50")}
REPLAY_MAX = Decimal("0.45")
START_MS = 20_000 * DAY_MS + DAY_MS - 120_000  # two minutes to midnight: days end within most examples
ANALYSES = 6


def name(kind: str, number: int) -> UUID:
    return uuid5(SPACE, f"{kind}{number}")


def lane_of(number: int) -> Lane:
    lanes: tuple[Lane, ...] = ("live", "backfill", "replay")
    return lanes[number % 3]


cents = st.integers(1, 40).map(lambda n: Decimal(n) / 100)
analyses = st.integers(0, ANALYSES - 1)
steps_ms = st.sampled_from([0, 0, 1_000, 20_000, 60_000, -30_000, 200_000, DAY_MS])
outcomes = st.sampled_from(["completed", "retry", "retry", "failed", "not_called"])


class LedgerMachine(RuleBasedStateMachine):
    """Appends records of every kind, honest and not, and compares both folds after each."""

    honest = True

    def __init__(self) -> None:
        super().__init__()
        self.ledger, self.naive = Ledger(), NaiveLedger()
        self.twice = Ledger()
        self.now_ms = START_MS
        self.claims: list[Claim] = []
        self.granted: set[UUID] = set()
        self.charged: list[Decimal] = []

    def append(self, entry: Entry, step_ms: int) -> None:
        self.now_ms += step_ms
        offset = len(self.naive.entries)
        verdict = self.ledger.apply(entry, offset, self.now_ms)
        expected = self.naive.append(entry, self.now_ms)
        assert (verdict == "granted") == bool(expected), (verdict, expected)
        assert self.twice.apply(entry, offset, self.now_ms) == verdict
        assert self.twice.apply(entry, offset, self.now_ms) in {None, "duplicate"}
        if isinstance(entry, Claim):
            event(f"claim: {verdict}")
            if verdict == "granted":
                self.granted.add(entry.attempt_id)

    @initialize(asked=st.sets(analyses, min_size=3), replay=st.booleans())
    def ask(self, asked: set[int], replay: bool) -> None:  # noqa: FBT001
        for number in asked:
            self.request(number, 0)
        if replay:
            self.append(Replay(name("replay", 0), "p", 0.5, REPLAY_MAX), 0)

    @rule(number=analyses, step_ms=steps_ms)
    def request(self, number: int, step_ms: int) -> None:
        request = Request(
            request_id=name("request", number),
            video_id=f"v{number}",
            captions_id=name("captions", number),
            captions_at=Place(0, number),
            lane=lane_of(number),
            prompt_id=None,
            replay_id=None,
        )
        self.append(request, step_ms)

    @rule(
        number=analyses,
        usd=cents,
        hold_s=st.integers(1, 200),
        cap=st.sampled_from([CAP, CAP, CAP, Decimal("0.30")]),
        skew=st.sampled_from([0, 0, 0, 0, 0, 1, -1]),
        step_ms=steps_ms,
    )
    def claim(self, number: int, usd: Decimal, hold_s: int, cap: Decimal, skew: int, step_ms: int) -> None:
        lane = lane_of(number)
        claim = Claim(
            attempt_id=name("attempt", len(self.claims)),
            request_id=name("request", number),
            analysis_id=name("analysis", number),
            prompt_id="p",
            model="m",
            max_tokens=1,
            attempt=self.ledger.next_attempt(name("analysis", number)) + skew,
            lane=lane,
            replay_id=name("replay", 0) if lane == "replay" else None,
            usd=usd,
            cap_usd=cap,
            lane_cap_usd=min(cap, LANE_CAPS[lane]),
            hold_s=hold_s,
        )
        self.claims.append(claim)
        self.append(claim, step_ms)

    @rule(data=st.data(), step_ms=steps_ms)
    def repeat_a_claim(self, data: st.DataObject, step_ms: int) -> None:
        if self.claims:
            self.append(data.draw(st.sampled_from(self.claims)), step_ms)

    @rule(data=st.data(), outcome=outcomes, usd=cents, step_ms=steps_ms)
    def settle(self, data: st.DataObject, outcome: str, usd: Decimal, step_ms: int) -> None:
        if self.claims:
            claim = data.draw(st.sampled_from(self.claims[-4:]))
            if claim.attempt_id not in self.granted or outcome == "not_called":
                cost = Decimal(0)
            else:
                cost = min(usd, claim.usd) if self.honest else usd
            self.append(
                Settlement(claim.attempt_id, claim.analysis_id, outcome, cost, None),  # type: ignore[arg-type]
                step_ms,
            )

    @rule(outcome=outcomes, step_ms=steps_ms)
    def settle_before_the_claim(self, outcome: str, step_ms: int) -> None:
        early = name("attempt", len(self.claims))
        self.append(Settlement(early, name("analysis", 0), outcome, Decimal(0), None), step_ms)  # type: ignore[arg-type]

    @rule(step_ms=steps_ms)
    def cancel_the_replay(self, step_ms: int) -> None:
        if len(self.naive.entries) > 15:
            self.append(Cancellation(name("replay", 0)), step_ms)

    @invariant()
    def both_folds_agree(self) -> None:
        if not self.naive.entries:
            return
        day = self.ledger.day
        assert self.ledger.charges.total == self.naive.charged(day)
        for lane in LANE_CAPS:
            assert self.ledger.lanes[lane].total == self.naive.charged(day, lane)
        assert self.ledger.replay_usd[name("replay", 0)] == self.naive.replay_charged(name("replay", 0))
        for number in range(ANALYSES):
            analysis = name("analysis", number)
            assert self.ledger.is_done(analysis) == self.naive.is_done(analysis)
            if not self.ledger.is_done(analysis):
                assert self.ledger.next_attempt(analysis) == self.naive.calls(analysis) + 1

    @invariant()
    def no_day_is_charged_above_the_cap(self) -> None:
        if self.naive.entries and self.honest:
            for day in range(self.ledger.day - 2, self.ledger.day + 1):
                assert self.naive.charged(day) <= CAP
                assert all(self.naive.charged(day, lane) <= cap for lane, cap in LANE_CAPS.items())
            assert self.naive.replay_charged(name("replay", 0)) <= REPLAY_MAX

    @invariant()
    def telling_every_record_twice_changes_nothing(self) -> None:
        assert self.twice.charges == self.ledger.charges
        assert self.twice.open == self.ledger.open
        assert self.twice.unsettled == self.ledger.unsettled
        assert self.twice.pending == self.ledger.pending
        assert self.twice.calls == self.ledger.calls


class DearBillsMachine(LedgerMachine):
    """The same, where bills may exceed what was reserved: charged as they are, and nothing more is granted that day."""

    honest = False


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestLedgerWithDearBills = DearBillsMachine.TestCase
TestLedgerWithDearBills.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)

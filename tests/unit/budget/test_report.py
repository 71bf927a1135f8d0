"""The report of a day: what stands in it, and that it charges what the ledger charges."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant

from streams.budget.books import Books
from streams.budget.entries import Entry, LedgerError, Settlement
from streams.budget.frozen import frozen, thaw
from streams.budget.ledger import DAY_MS, Verdict
from streams.budget.report import Report, Spent
from streams.events.event import LANES
from tests.builders.ledger_machine import START_MS, LedgerMachine
from tests.builders.ledger_records import NOON_MS, claim, record, request, settlement

FRIDAY = date(2026, 11, 20)
LIVE = ("live", "model-a")
FIRST_DAY = START_MS // DAY_MS


class Log:
    """A ledger that is written record by record."""

    def __init__(self) -> None:
        self._books = Books()
        self._offset = 0

    def tell(self, *entries: Entry, at_s: float = 0, usage_known: bool = True) -> None:
        """Append entries, `at_s` seconds after Friday noon."""
        for entry in entries:
            told = record(entry, self._offset, NOON_MS + round(at_s * 1000), usage_known=usage_known)
            self._offset += 1
            self._books.apply(told)

    def report(self, days_on: int = 0) -> Report:
        return report_of(self._books, FRIDAY + timedelta(days=days_on))


def report_of(books: Books, day: date = FRIDAY) -> Report:
    return books.days.report(day, books.ledger)


@pytest.fixture
def log() -> Log:
    log = Log()
    log.tell(*(request(number) for number in range(9)))
    return log


def usd(text: str) -> Decimal:
    return Decimal(text)


@pytest.mark.parametrize(
    ("outcome", "cost", "usage_known", "after_s", "expected"),
    [
        ("completed", "0.02", True, 9, Spent(1, 1, billed_usd=usd("0.02"))),
        ("retry", "0.03", True, 9, Spent(1, 0, billed_usd=usd("0.03"))),
        ("failed", "0", False, 9, Spent(1, 0)),
        ("failed", "0.1", False, 9, Spent(1, 0, unknown_usd=usd("0.1"))),
        ("not_called", "0", False, 9, Spent()),
        ("completed", "0.02", True, 149.999, Spent(1, 1, billed_usd=usd("0.02"))),
        ("completed", "0.02", True, 150, Spent(1, 1, unknown_usd=usd("0.10"))),
        ("not_called", "0", False, 150, Spent(1, 0, unknown_usd=usd("0.10"))),
    ],
)
def test_a_settled_claim_counts_as_it_was_settled_or_in_full_once_it_has_expired(
    log: Log,
    outcome: str,
    cost: str,
    usage_known: bool,  # noqa: FBT001
    after_s: float,
    expected: Spent,
) -> None:
    log.tell(claim(1))
    log.tell(settlement(claim(1), outcome, cost), at_s=after_s, usage_known=usage_known)
    assert log.report().spent.get(LIVE, Spent()) == expected


def test_a_claim_without_settlement_is_open_until_a_record_shows_its_deadline_past(log: Log) -> None:
    log.tell(claim(1))
    assert log.report().spent[LIVE] == Spent(1, 0, open_usd=usd("0.10"))
    log.tell(request(20), at_s=149.999)
    assert log.report().spent[LIVE] == Spent(1, 0, open_usd=usd("0.10"))
    log.tell(request(21), at_s=150)
    assert log.report().spent[LIVE] == Spent(1, 0, unknown_usd=usd("0.10"))


def test_what_was_denied_costs_nothing_settled_or_not(log: Log) -> None:
    log.tell(claim(1, "0.60"), claim(2, "0.60"), claim(3, "0.60"))
    log.tell(settlement(claim(3, "0.60"), "not_called"))
    assert log.report().spent == {LIVE: Spent(1, 0, open_usd=usd("0.60"))}


def test_a_call_without_a_grant_is_billed_and_rings(log: Log) -> None:
    log.tell(claim(1, "0.60"), claim(2, "0.60"))
    log.tell(settlement(claim(2, "0.60"), "completed", "0.5"), at_s=999)
    assert log.report().charged_usd() == usd("1.10")
    assert "where $0 was reserved" in log.report().alarms[0]


def test_a_call_without_a_grant_is_charged_to_every_day_up_to_its_settlement(log: Log) -> None:
    log.tell(claim(1, "0.60"), claim(2, "0.60"))
    log.tell(settlement(claim(1, "0.60"), "completed", "0.1"), at_s=9)
    log.tell(settlement(claim(2, "0.60"), "completed", "0.5"), at_s=24 * 3600)
    friday, saturday = log.report(), log.report(days_on=1)
    assert friday.spent == {LIVE: Spent(2, 2, billed_usd=usd("0.6"))}
    assert saturday.carried_usd == {"live": usd("0.5")}
    assert [len(report.alarms) for report in (friday, saturday)] == [0, 1]


def test_the_first_settlement_counts_even_before_its_claim(log: Log) -> None:
    told = [settlement(claim(1), "completed", "0.02"), settlement(claim(1), "failed", "0.08")]
    log.tell(*told, claim(1), settlement(claim(1), "failed", "0.09"))
    assert log.report().spent[LIVE] == Spent(1, 1, billed_usd=usd("0.02"))


def test_a_claim_told_twice_counts_once(log: Log) -> None:
    log.tell(claim(1), claim(1), settlement(claim(1), "completed", "0.02"), claim(1))
    assert log.report().spent[LIVE] == Spent(1, 1, billed_usd=usd("0.02"))


def test_sums_stand_by_lane_in_the_lanes_order_and_by_model(log: Log) -> None:
    claims = [
        claim(2, "0.02", lane="backfill"),
        claim(3, "0.03", model="model-b"),
        claim(4, "0.04"),
        claim(5, "0.05"),
    ]
    log.tell(*claims)
    assert {name: sums.charged_usd for name, sums in log.report().spent.items()} == {
        ("live", "model-a"): usd("0.09"),
        ("live", "model-b"): usd("0.03"),
        ("backfill", "model-a"): usd("0.02"),
    }
    assert list(log.report().spent) == [LIVE, ("live", "model-b"), ("backfill", "model-a")]


def test_caps_are_those_of_the_days_last_claim_and_of_each_lanes_last_claim(log: Log) -> None:
    assert log.report().cap_usd is None
    log.tell(
        claim(1, cap_usd="2"), claim(2, "0.10", lane="backfill", cap_usd="3"), claim(3, "9", cap_usd="4")
    )
    report = log.report()
    assert report.cap_usd == 4
    assert report.left_usd(usd("4")) == usd("3.8")
    assert [report.lane_left_usd(lane) for lane in ("live", "backfill", "replay")] == [  # type: ignore[arg-type]
        usd("3.8"),
        usd("1.4"),
        None,
    ]


def test_nothing_is_left_where_the_cap_was_lowered_below_what_is_charged(log: Log) -> None:
    log.tell(claim(1, "0.90"), claim(2, cap_usd="0.50"))
    report = log.report()
    assert report.left_usd(usd("0.50")) == 0
    assert report.lane_left_usd("live") == 0


def test_a_claim_held_over_midnight_stands_in_its_day_and_is_carried_over_to_the_next(log: Log) -> None:
    before_midnight_s = 12 * 3600 - 60
    log.tell(claim(1), claim(2), claim(3, hold_s=30), at_s=before_midnight_s)
    log.tell(settlement(claim(1), "completed", "0.02"), at_s=12 * 3600 + 10)
    friday, saturday = log.report(), log.report(days_on=1)
    assert friday.spent[LIVE] == Spent(3, 1, usd("0.02"), usd("0.10"), usd("0.10"))
    assert saturday.spent == {}
    assert saturday.carried_usd == {"live": usd("0.12")}
    assert saturday.charged_usd() == saturday.charged_usd("live") == usd("0.12")
    assert saturday.cap_usd is None
    assert saturday.lane_left_usd("live") is None


def test_an_alarm_stands_in_its_day_alone(log: Log) -> None:
    log.tell(claim(1))
    log.tell(settlement(claim(1), "completed", "0.11"), claim(2))
    log.tell(request(20), at_s=24 * 3600)
    assert [len(log.report(days_on).alarms) for days_on in (-1, 0, 1)] == [0, 1, 0]


def test_a_day_ends_at_the_next_midnight_utc(log: Log) -> None:
    assert log.report().ends.isoformat() == "2026-11-21T00:00:00+00:00"


def test_a_record_that_cannot_be_read_ends_the_report() -> None:
    broken = record(claim(1), 0, NOON_MS)
    with pytest.raises(LedgerError, match="cannot be read"):
        Books().apply(replace(broken, value=b"{"))


def test_a_record_that_was_never_earmarks_is_counted_and_changes_nothing() -> None:
    sound, troubled = Books(), Books()
    records = [record(request(1), 0, NOON_MS), record(claim(1), 1, NOON_MS)]
    foreign = replace(records[1], timestamp_ms=NOON_MS + 10**9, headers=(("x", b"1"),), value=b"hello")
    for each in records:
        sound.apply(each)
    for each in (foreign, records[0], foreign, records[1], foreign):
        troubled.apply(each)
    assert report_of(troubled) == replace(report_of(sound), foreign=3)
    assert troubled.ledger == sound.ledger


class ReportedLedger(LedgerMachine):
    """Whatever stands in the ledger: every day's report charges what the oracle charges, in all and by lane.

    And wherever the fold is cut: what was frozen there and thawed comes to the same by the record that follows.
    """

    day_starts = st.just(0)

    def __init__(self) -> None:
        super().__init__()
        self.books = Books()

    def append(self, entry: Entry, step_ms: int) -> Verdict | None:
        verdict = super().append(entry, step_ms)
        usage_known = not isinstance(entry, Settlement) or entry.usd * 100 % 2 == 0
        told = record(entry, len(self.naive.entries) - 1, self.now_ms, usage_known=usage_known)
        thawed = Books()
        thaw(thawed, frozen(self.books))
        self.books.apply(told)
        thawed.apply(told)
        assert thawed == self.books
        return verdict

    @invariant()
    def each_day_is_charged_as_the_oracle_has_it(self) -> None:
        first = date(1970, 1, 1) + timedelta(days=FIRST_DAY)
        reports = [report_of(self.books, first + timedelta(days=number)) for number in range(30)]
        for day, report in enumerate(reports[: self.naive.today - FIRST_DAY + 1], FIRST_DAY):
            assert report.charged_usd() == self.naive.charged(day)
            for lane in LANES:
                assert report.charged_usd(lane) == self.naive.charged(day, lane)
            assert bool(report.alarms) == self.naive.rang(day)
        today = reports[self.naive.today - FIRST_DAY]
        assert today.charged_usd() == self.ledger.charges.total
        spent = [sums for report in reports for sums in report.spent.values()]
        assert sum(sums.open_usd for sums in spent) == self.ledger.charges.open


class ReportedDearBills(ReportedLedger):
    """The same, where more is billed than was granted."""

    honest = False


TestReportedLedger = ReportedLedger.TestCase
TestReportedLedger.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestReportedDearBills = ReportedDearBills.TestCase
TestReportedDearBills.settings = settings(max_examples=75, stateful_step_count=25, deadline=None)

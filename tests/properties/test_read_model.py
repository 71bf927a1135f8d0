"""The read model is a fold of the log: nothing but the records and their order within a partition shows in it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from uuid import UUID

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.ingest import TABLES, apply
from projections.kept import keep_all
from streams.budget.books import Books
from streams.budget.entries import Claim, Entry, Settlement
from streams.budget.ledger import DAY_MS, Ledger, Verdict
from streams.budget.report import Report, Spent
from streams.events.event import Event
from streams.events.ledger import Usage
from streams.events.record import Record
from streams.log.topics import LEDGER
from tests.builders.empty_model import empty_model
from tests.builders.kept_by_definition import assert_kept
from tests.builders.ledger_machine import START_MS, LedgerMachine
from tests.builders.read_model_histories import history, in_order, interleaved, log_of
from tests.builders.read_model_world import event_of, record


def content(database: duckdb.DuckDBPyConnection) -> dict[str, Counter[str]]:
    """Every row of every table and view."""
    names = database.execute(
        "SELECT table_name FROM duckdb_tables() UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal"
    ).fetchall()
    return {name: _rows(database, f"FROM {name}") for (name,) in names}


@settings(max_examples=10, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(1, 3), st.sampled_from(["md5_number_lower(video_id)", "7::UBIGINT"])
)
def test_any_cut_into_batches_and_any_interleaving_gives_the_same_rows(
    seed: int, videos: int, number: str
) -> None:
    """Nor does it show where all videos have the number by which their rows are found."""
    random = Random(seed)
    log = log_of(history(random, videos), random)
    with empty_model() as whole, empty_model() as pieces:
        for database in (whole, pieces):
            database.execute(f"CREATE OR REPLACE MACRO _number(video_id) AS {number}")
        apply(whole, in_order(log), keeps=False)
        keep_all(whole)
        for batch in interleaved(log, random):
            apply(pieces, batch)
            if random.random() < 0.1:
                assert_kept(pieces)
        assert_kept(whole)
        assert content(pieces) == content(whole)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32))
def test_a_batch_applied_twice_is_a_batch_applied_once(seed: int) -> None:
    random = Random(seed)
    records = in_order(log_of(history(random, 2), random))
    with empty_model() as once, empty_model() as twice:
        apply(once, records)
        apply(twice, records)
        apply(twice, records)
        assert content(twice) == content(once)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32))
def test_broken_records_are_kept_as_rejects_and_cost_nothing_else(seed: int) -> None:
    events = history(Random(seed), 2)
    noisy = log_of(events, Random(seed))
    with empty_model() as sound, empty_model() as troubled:
        apply(sound, in_order(log_of(events)))
        apply(troubled, in_order(noisy))

        rejects = _rows(troubled, "SELECT reason FROM _rejects WHERE reason IS NOT NULL")
        assert rejects.total() == sum(map(len, noisy.values())) - len(events)
        # Broken records shift offsets, and with them the numbers of activations; the clock differs by construction.
        for name in (table.name for table in TABLES if table.name != "activations"):
            rows = f"SELECT COLUMNS(lambda c: c NOT IN ('log_offset', 'clock')) FROM {name}"  # noqa: S608
            assert _rows(troubled, rows) == _rows(sound, rows)


def _rows(database: duckdb.DuckDBPyConnection, query: str) -> Counter[str]:
    return Counter(map(repr, database.execute(query).fetchall()))


class Taking(Ledger):
    """A ledger that takes some claims for granted, whatever the rules say of them."""

    taken: frozenset[UUID] = frozenset()

    def apply(self, entry: Entry, offset: int, timestamp_ms: int) -> Verdict | None:
        verdict = super().apply(entry, offset, timestamp_ms)
        taken = verdict != "duplicate" and isinstance(entry, Claim) and entry.attempt_id in self.taken
        return "granted" if taken else verdict


class CostsMachine(LedgerMachine):
    """Whatever stands in the ledger: the read model's costs are `earmark budget`'s, row for row.

    The one difference: a denied claim whose denial stands nowhere counts as granted.
    """

    day_starts = st.just(0)

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[Event, int]] = []
        self.said: dict[UUID, bool | None] = {}

    def append(self, entry: Entry, step_ms: int) -> Verdict | None:
        claims = self.naive.claims()
        verdict = super().append(entry, step_ms)
        usage, granted = None, None
        if isinstance(entry, Settlement):
            if entry.usd * 100 % 2 == 0:
                usage = Usage(input_tokens=10, output_tokens=3)
            # Nobody knows before the claim, and every fifth settlement is an older version's, which does not say.
            if entry.attempt_id in claims and entry.attempt_id.int % 5:
                granted = claims[entry.attempt_id][0] in self.naive.granted
            self.said.setdefault(entry.attempt_id, granted)
        self.events.append((event_of(entry, usage=usage, granted=granted), self.now_ms))
        return verdict

    def denied_in_silence(self) -> frozenset[UUID]:
        """No settlement says it, or none that knows; nor is the claim above its own cap."""
        return frozenset(
            attempt_id
            for attempt_id, (index, claim) in self.naive.claims().items()
            if index not in self.naive.granted
            and self.said.get(attempt_id) is None
            and claim.usd <= min(claim.cap_usd, claim.lane_cap_usd)
        )

    def reports(self, days: Iterable[date]) -> list[Report]:
        """Each day's, by one who knows no more than the read model."""
        ledger = Taking()
        ledger.taken = self.denied_in_silence()
        books = Books(ledger)
        for each in self.log():
            books.apply(each)
        return [replace(books.days.report(day, ledger), foreign=0) for day in days]

    def log(self) -> list[Record]:
        """The ledger, each of its records behind one that was never Earmark's and is a day ahead."""
        records = []
        for number, (told, at_ms) in enumerate(self.events):
            stray = Record(LEDGER.name, 0, 2 * number, at_ms + DAY_MS, None, (("x", b"1"),), b"hello")
            records += [stray, record(told, 2 * number + 1, at_ms)]
        return records

    def teardown(self) -> None:
        if self.denied_in_silence():
            self.saw("a denial that nothing says")
        first = date(1970, 1, 1) + timedelta(days=START_MS // DAY_MS)
        days = range(self.naive.today - START_MS // DAY_MS + 1)
        reports = self.reports(first + timedelta(days=number) for number in days)
        with empty_model() as database:
            apply(database, self.log())
            costs = database.execute(
                "SELECT day, lane, model, attempts, completed, billed_usd, unknown_usd, open_usd FROM daily_costs"
            ).fetchall()
            budgets = database.execute("SELECT day, cap_usd, charged_usd FROM budget_days").fetchall()
            assert _rows(database, "FROM _rejects").total() == len(self.events)
            assert not _rows(database, "FROM _rejects WHERE type IS NOT NULL")
        assert {(day, lane, model): Spent(*sums) for day, lane, model, *sums in costs} == {
            (report.day, *of): spent for report in reports for of, spent in report.spent.items()
        }
        assert {day: of for day, *of in budgets} == {
            report.day: [report.cap_usd, sum(report.spent.values(), Spent()).charged_usd]
            for report in reports
            if report.cap_usd is not None
        }


class DearCostsMachine(CostsMachine):
    """The same, where more is billed than was granted."""

    honest = False


TestCosts = CostsMachine.TestCase
TestCosts.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestDearCosts = DearCostsMachine.TestCase
TestDearCosts.settings = TestCosts.settings

"""What a claim would meet before it is appended: a row for each rule, no server, no SDK, no log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.budget.entries import Cancellation, Entry, Replay
from streams.budget.ledger import DAY_MS, Ledger
from streams.budget.weigh import Go, Never, NoRoom, ReplaySpent, TooLarge, Weighed, weigh
from streams.events.event import Lane
from streams.events.ledger import BudgetReserved
from tests.builders.ledger_records import NOON_MS, claim, name, request, settlement

REPLAY = name("replay", 1)
MIDNIGHT_MS = (NOON_MS // DAY_MS + 1) * DAY_MS


def wish(usd: str, lane: Lane = "live", **changes: Any) -> BudgetReserved:
    """A claim on a video that nothing in the ledger names, at a cap of $1 and a lane's share of half of it."""
    own = {"replay_id": REPLAY} if lane == "replay" else {}
    like = claim(99, usd, lane=lane)
    return BudgetReserved.model_validate(
        {
            "at": datetime.fromtimestamp(NOON_MS / 1000, UTC),
            **{field: getattr(like, field) for field in like.__struct_fields__},
            **own,
            **changes,
        }
    )


def open_claim(number: int, usd: str, lane: Lane = "live", *, of_replay: bool = False) -> tuple[Entry, ...]:
    """A request and a granted claim on it, open until 150 s after noon."""
    made = claim(number, usd, lane=lane)
    if not of_replay:
        return request(number, lane), made
    fields = {field: getattr(made, field) for field in made.__struct_fields__}
    return request(number, lane), type(made)(**{**fields, "replay_id": REPLAY})


def replay(max_usd: str) -> Replay:
    return Replay(REPLAY, "p", 0.5, Decimal(max_usd))


def ledger(entries: Sequence[Entry]) -> Ledger:
    folded = Ledger()
    for offset, entry in enumerate((request(98), *entries)):  # a first record, or the day is 1970-01-01
        folded.apply(entry, offset, NOON_MS)
    return folded


@dataclass(frozen=True)
class Row:
    rule: str
    wish: BudgetReserved
    expected: Weighed | type[Never]
    entries: tuple[Entry, ...] = ()
    now_ms: int = NOON_MS


SPENT_LIVE = claim(1, "0.60")
SPENT_REPLAY = open_claim(2, "0.20", "replay", of_replay=True)
ROWS = (
    Row("an empty day has room for the whole cap", wish("1.00"), Go()),
    Row("a lane has room for its whole share", wish("0.50", "backfill"), Go()),
    Row("a fourth attempt is never made", wish("0.01", attempt=4), Never),
    Row("a call above the cap is never made", wish("1.01"), Never),
    Row(
        "a cap of 0 is a pause", wish("0.01", cap_usd=0, lane_cap_usd=0), NoRoom(MIDNIGHT_MS, whole_day=True)
    ),
    Row("a call above its lane's share is too large", wish("0.51", "backfill"), TooLarge()),
    Row(
        "a share of 0 is a pause of its lane",
        wish("0.01", "backfill", lane_cap_usd=0),
        NoRoom(MIDNIGHT_MS, whole_day=False),
    ),
    Row(
        "open claims count in full, until the first of them can end",
        wish("0.41"),
        NoRoom(NOON_MS + 150_000, whole_day=True),
        open_claim(1, "0.60"),
    ),
    Row("what they leave may be spent", wish("0.40"), Go(), open_claim(1, "0.60")),
    Row(
        "what a settlement gave back may be spent",
        wish("0.95"),
        Go(),
        (request(1), SPENT_LIVE, settlement(SPENT_LIVE, "completed", "0.05")),
    ),
    Row(
        "what was spent counts until midnight",
        wish("0.96"),
        NoRoom(MIDNIGHT_MS, whole_day=True),
        (request(1), SPENT_LIVE, settlement(SPENT_LIVE, "completed", "0.05")),
    ),
    Row(
        "a lane's own charge counts against its share alone",
        wish("0.20", "backfill"),
        NoRoom(NOON_MS + 150_000, whole_day=False),
        open_claim(1, "0.40", "backfill"),
    ),
    Row("and leaves the others their room", wish("0.60"), Go(), open_claim(1, "0.40", "backfill")),
    Row(
        "the midnight that has passed ends a day that no record has ended yet",
        wish("0.96"),
        Go(),
        (request(1), SPENT_LIVE, settlement(SPENT_LIVE, "completed", "0.05")),
        MIDNIGHT_MS + 1,
    ),
    Row("a replay may spend its limit", wish("0.30", "replay"), Go(), (replay("0.30"),)),
    Row("and no more", wish("0.31", "replay"), ReplaySpent(may_reopen=False), (replay("0.30"),)),
    Row(
        "unless an open claim of its may be settled for less",
        wish("0.11", "replay"),
        ReplaySpent(may_reopen=True),
        (replay("0.30"), *SPENT_REPLAY),
    ),
    Row(
        "a cancelled replay is spent for good",
        wish("0.01", "replay"),
        ReplaySpent(may_reopen=False),
        (replay("0.30"), *SPENT_REPLAY, Cancellation(REPLAY)),
    ),
    Row("a replay that nobody started is spent", wish("0.01", "replay"), ReplaySpent(may_reopen=False)),
    Row(
        "a spent replay gives nothing up",
        wish("0.01", "replay", attempt=4),
        ReplaySpent(may_reopen=False),
        (replay("0"),),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=[row.rule for row in ROWS])
def test_a_claim_meets_what_its_rule_says(row: Row) -> None:
    found = weigh(row.wish, ledger(row.entries), row.now_ms)
    assert isinstance(found, Never) if row.expected is Never else found == row.expected


def test_why_a_call_is_never_made_is_said() -> None:
    over, late = weigh(wish("1.01"), Ledger(), NOON_MS), weigh(wish("0.01", attempt=4), Ledger(), NOON_MS)
    assert isinstance(over, Never)
    assert isinstance(late, Never)
    assert (over.outcome, late.outcome) == ("over_cap", "expired")
    assert "EARMARK_DAILY_CAP_USD" in over.reason
    assert "3 attempts" in late.reason


@given(
    spent=st.lists(st.integers(1, 40), max_size=4),
    usd=st.integers(0, 130),
    lane=st.sampled_from(["live", "backfill"]),
)
def test_a_claim_that_may_go_is_granted_and_one_that_may_not_is_denied(
    spent: list[int], usd: int, lane: Lane
) -> None:
    """At the moment of the ledger's last record, the verdict is what was foreseen."""
    entries = [
        entry
        for number, cents in enumerate(spent)
        for entry in open_claim(number, f"{Decimal(cents) / 100}", lane)
    ]
    folded = ledger([*entries, request(99, lane)])
    foreseen = weigh(wish(f"{Decimal(usd) / 100}", lane), folded, NOON_MS)
    verdict = folded.apply(claim(99, f"{Decimal(usd) / 100}", lane=lane), 100, NOON_MS)
    assert (verdict == "granted") == isinstance(foreseen, Go)

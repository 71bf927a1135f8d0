from decimal import Decimal
from uuid import UUID

import pytest

from streams.events.channels import ChannelFollowed
from streams.events.event import Event
from streams.events.ledger import Usage
from streams.events.prompts import PromptRegistered
from tests.builders.read_model_world import (
    PROMPTS,
    at,
    completed,
    failed,
    requested,
    reserved,
    settled,
    video,
)
from tests.unit.projections.conftest import Told

FIRST = PROMPTS[0]
REQUEST = requested(video(1))
CLAIM = reserved(REQUEST, FIRST, UUID(int=1), usd="0.5")
USAGE = Usage(input_tokens=10, output_tokens=3, cache_creation_input_tokens=4, cache_read_input_tokens=5)
MONEY = "SELECT state, billed_usd, unknown_usd, open_usd FROM attempts ORDER BY log_offset"


def money(state: str, billed: str = "0", unknown: str = "0", held: str = "0") -> tuple[object, ...]:
    return (state, Decimal(billed), Decimal(unknown), Decimal(held))


def later() -> Event:
    """A record that tells the ledger's readers the time, and nothing else."""
    return requested(video(2))


@pytest.mark.parametrize(
    ("settlement", "after_s", "expected"),
    [
        (settled(CLAIM, "completed", "0.02", USAGE), 10, money("billed", "0.02")),
        (settled(CLAIM, "retry", "0.03", USAGE), 10, money("billed", "0.03")),
        (settled(CLAIM, "failed", "0.5", None), 10, money("unknown", unknown="0.5")),
        (settled(CLAIM, "not_called", "0", None), 10, money("not_called")),
        (settled(CLAIM, "completed", "0.02", USAGE), 149.999, money("billed", "0.02")),
        (settled(CLAIM, "completed", "0.02", USAGE), 150, money("unknown", unknown="0.5")),
        (settled(CLAIM, "not_called", "0", None), 200, money("unknown", unknown="0.5")),
        (later(), 149, money("open", held="0.5")),
        (later(), 150, money("unknown", unknown="0.5")),
    ],
)
def test_a_claim_is_charged_as_the_ledger_charges_it(
    told: Told, settlement: Event, after_s: float, expected: tuple[object, ...]
) -> None:
    told.tell(REQUEST, CLAIM)
    told.tell(settlement, at_s=after_s)
    assert told.rows(MONEY) == [expected]


@pytest.mark.parametrize("after_s", [10, 200])
@pytest.mark.parametrize(
    ("outcome", "usd", "usage", "expected"),
    [
        ("not_called", "0", None, money("not_called")),
        ("failed", "0", None, money("not_called")),
        ("completed", "0.02", USAGE, money("billed", "0.02")),
        ("failed", "0.5", None, money("unknown", unknown="0.5")),
    ],
)
def test_a_denied_claim_is_charged_what_its_settlement_says_whenever_that_comes(
    told: Told, after_s: float, outcome: str, usd: str, usage: Usage | None, expected: tuple[object, ...]
) -> None:
    told.tell(REQUEST, CLAIM)
    told.tell(settled(CLAIM, outcome, usd, usage, granted=False), at_s=after_s)
    assert told.rows(MONEY) == [expected]


@pytest.mark.parametrize("after_s", [10, 200])
def test_a_denied_claim_that_called_nobody_is_no_attempt(told: Told, after_s: float) -> None:
    told.tell(REQUEST, CLAIM)
    told.tell(settled(CLAIM, "failed", "0", granted=False), at_s=after_s)
    assert told.rows("FROM daily_costs") == []
    assert told.rows("SELECT charged_usd FROM budget_days") == [(Decimal(0),)]


@pytest.mark.parametrize(("granted", "after_s"), [(True, 10), (None, 10), (True, 200), (None, 200)])
def test_a_settlement_that_says_granted_or_nothing_counts_in_time_and_is_an_attempt(
    told: Told,
    granted: bool | None,  # noqa: FBT001
    after_s: float,
) -> None:
    told.tell(REQUEST, CLAIM)
    told.tell(settled(CLAIM, "failed", "0", granted=granted), at_s=after_s)
    charged = Decimal(0 if after_s < CLAIM.hold_s else "0.5")
    assert told.rows("SELECT attempts, charged_usd FROM daily_costs") == [(1, charged)]


@pytest.mark.parametrize(
    ("usd", "after_s", "expected"),
    [
        ("0.5", 149, money("open", held="0.5")),
        ("0.5", 150, money("unknown", unknown="0.5")),
        ("5.01", 149, money("not_called")),
        ("5.01", 150, money("not_called")),
    ],
)
def test_before_its_settlement_a_claim_counts_as_granted_unless_no_cap_could_hold_it(
    told: Told, usd: str, after_s: float, expected: tuple[object, ...]
) -> None:
    told.tell(REQUEST, reserved(REQUEST, FIRST, UUID(int=1), usd=usd))
    told.tell(later(), at_s=after_s)
    assert told.rows(MONEY) == [expected]


def test_time_in_the_ledger_moves_with_the_ledgers_records_alone(told: Told) -> None:
    told.tell(REQUEST, CLAIM)
    told.tell(ChannelFollowed(at=at(9), channel_id="c", handle=None, title=None, since=None), at_s=999)
    assert told.rows(MONEY) == [money("open", held="0.5")]


def test_a_clock_that_runs_back_opens_nothing_again(told: Told) -> None:
    told.tell(REQUEST, CLAIM)
    told.tell(later(), at_s=150)
    told.tell(settled(CLAIM, "completed", "0.02", USAGE), at_s=10)
    assert told.rows(MONEY) == [money("unknown", unknown="0.5")]


def test_the_first_settlement_counts_even_if_it_stands_before_its_claim(told: Told) -> None:
    told.tell(REQUEST, settled(CLAIM, "completed", "0.02", USAGE), CLAIM)
    told.tell(settled(CLAIM, "failed", "0.4", USAGE))
    assert told.rows(MONEY) == [money("billed", "0.02")]


def test_two_bills_for_one_analysis_both_stand_in_the_costs(told: Told) -> None:
    again = reserved(REQUEST, FIRST, UUID(int=2), attempt=2)
    told.tell(PromptRegistered(at=at(0), prompt_id=FIRST.prompt_id, prompt=FIRST), REQUEST)
    for claim in (CLAIM, again):
        told.tell(claim, completed(video(1), FIRST, claim.attempt_id))
        told.tell(settled(claim, "completed", "0.02", USAGE))
    assert told.rows("SELECT * EXCLUDE day FROM daily_costs") == [
        (FIRST.model, "live", "first", 2, 2, 0, 38, 6, Decimal("0.04"), Decimal(0), Decimal(0), Decimal("0.04"))
    ]  # fmt: skip


def test_charged_is_billed_and_unknown_and_open_and_a_claim_that_called_nobody_is_no_attempt(
    told: Told,
) -> None:
    claims = [reserved(REQUEST, FIRST, UUID(int=number), usd="0.25") for number in range(1, 5)]
    told.tell(REQUEST, *claims)
    told.tell(
        settled(claims[0], "completed", "0.02", USAGE),
        settled(claims[1], "failed", "0.25", None),
        settled(claims[2], "not_called", "0", None),
    )
    assert told.rows(
        "SELECT attempts, completed, unknown, billed_usd, unknown_usd, open_usd, charged_usd FROM daily_costs"
    ) == [(3, 1, 1, Decimal("0.02"), Decimal("0.25"), Decimal("0.25"), Decimal("0.52"))]
    assert told.rows("SELECT cap_usd, charged_usd, left_usd FROM budget_days") == [
        (Decimal(5), Decimal("0.52"), Decimal("4.48"))
    ]


def test_a_day_is_a_utc_day_of_the_claims_append_whatever_the_readers_time_zone(told: Told) -> None:
    told.tell(REQUEST, CLAIM, at_s=14.9 * 3600)  # 23:54 UTC
    told.tell(reserved(REQUEST, FIRST, UUID(int=2)), at_s=15.1 * 3600)
    told.database.execute("SET TimeZone = 'America/New_York'")
    assert [str(day) for (day,) in told.rows("SELECT day FROM budget_days ORDER BY day")] == [
        "2026-03-02",
        "2026-03-03",
    ]


def test_an_attempt_says_why_it_failed(told: Told) -> None:
    told.tell(REQUEST, CLAIM, failed(video(1), FIRST, CLAIM.attempt_id, final=False))
    told.tell(settled(CLAIM, "retry", "0.1", USAGE, at(70)))
    assert told.rows("SELECT video_id, outcome, failure, reason, retry_at FROM attempts") == [
        ("video-1", "retry", "invalid_answer", "no JSON in the answer", at(70))
    ]

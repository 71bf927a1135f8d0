"""`earmark budget`, the ledger's own fold and the read model tell the same money."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import duckdb
import pytest
from click.testing import CliRunner, Result

from projections.rebuild import rebuild
from projections.snapshots import LINK
from streams.budget.books import Books
from streams.budget.entries import LedgerError, read_entry
from streams.budget.ledger import Ledger
from streams.budget.report import Report
from streams.bulletin import Board, Trouble, show
from streams.cli.budget import budget
from streams.events.event import Lane, Position
from streams.events.ledger import (
    AnalysisRequested,
    BudgetReserved,
    BudgetSettled,
    SettledOutcome,
    Usage,
    analysis_id,
    request_id,
)
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.publish import Publisher, publisher
from streams.log.topics import LEDGER

pytestmark = pytest.mark.kafka

AT = datetime(2026, 11, 1, tzinfo=UTC)
USAGE = Usage(input_tokens=100, output_tokens=10)
SHORT_S = 1


def claim(
    number: int, usd: str, lane: Lane = "live", model: str = "model-a", hold_s: int = 600
) -> BudgetReserved:
    captions = UUID(int=number)
    return BudgetReserved(
        at=AT,
        attempt_id=uuid4(),
        request_id=request_id(captions, None, None),
        analysis_id=analysis_id(captions, "p"),
        prompt_id="p",
        model=model,
        max_tokens=100,
        attempt=1,
        lane=lane,
        replay_id=None,
        usd=Decimal(usd),
        cap_usd=Decimal(5),
        lane_cap_usd=Decimal(5) if lane == "live" else Decimal("2.5"),
        hold_s=hold_s,
    )


def settled(
    of: BudgetReserved,
    outcome: SettledOutcome,
    usd: str = "0",
    usage: Usage | None = None,
    *,
    granted: bool = True,
) -> BudgetSettled:
    return BudgetSettled(
        at=AT,
        attempt_id=of.attempt_id,
        analysis_id=of.analysis_id,
        outcome=outcome,
        usd=Decimal(usd),
        usage=usage,
        retry_at=None,
        granted=granted,
    )


async def tell_a_day(log: Publisher) -> None:
    """Claims that ended in every way there is: answered, failed, unknown, denied, not called, expired, open."""
    for number in range(11):
        captions = UUID(int=number)
        await log.append(
            AnalysisRequested(
                at=AT,
                request_id=request_id(captions, None, None),
                video_id=f"video-{number}",
                captions_id=captions,
                captions_at=Position(partition=0, offset=number),
                lane="live",
                prompt_id=None,
                replay_id=None,
            )
        )
    expiring = claim(0, "0.7", hold_s=SHORT_S)
    answered, other_model = claim(1, "0.5"), claim(2, "0.25", model="model-b")
    failed, unknown = claim(3, "0.125", "backfill"), claim(4, "0.375", "backfill")
    denied, not_called, still_open = claim(5, "4"), claim(6, "1"), claim(7, "0.0625", "backfill")
    denied_late, denied_for_good = claim(9, "4", hold_s=SHORT_S), claim(10, "4", hold_s=SHORT_S)
    await log.append_all([expiring, answered, other_model, failed, unknown, not_called, still_open])
    await log.append_all([denied, denied_late, denied_for_good])
    await log.append_all(
        [
            settled(answered, "completed", "0.010000001", USAGE),
            settled(other_model, "completed", "0.02", USAGE),
            settled(failed, "failed", "0.03", USAGE),
            settled(unknown, "retry", "0.375"),
            settled(denied, "not_called", granted=False),
            settled(not_called, "not_called"),
        ]
    )
    await asyncio.sleep(SHORT_S + 0.2)
    await log.append_all(
        [
            settled(expiring, "completed", "0.1", USAGE),
            settled(denied_late, "not_called", granted=False),
            settled(denied_for_good, "failed", granted=False),
        ]
    )


async def run(connection: Connection, *words: str) -> Result:
    environment = {"EARMARK_KAFKA": connection.bootstrap, "EARMARK_TOPIC_PREFIX": connection.prefix}
    return await asyncio.to_thread(CliRunner().invoke, budget, words, env=environment)


async def test_report_ledger_and_read_model_agree(connection: Connection, tmp_path: Path) -> None:
    async with publisher(connection) as log:
        await tell_a_day(log)
    records: list[Record] = []
    await read(connection, [LEDGER], records.append)
    ledger = Ledger()
    for record in records:
        if (entry := read_entry(record)) is not None:
            ledger.apply(entry, record.offset, record.timestamp_ms)
    await rebuild(tmp_path, connection.consumer, connection.name)
    with duckdb.connect(tmp_path / LINK, read_only=True) as database:
        costs = database.execute(
            "SELECT day, lane, model, attempts, completed, billed_usd, unknown_usd, open_usd, charged_usd"
            " FROM daily_costs"
        ).fetchall()
        days = database.execute("SELECT day, cap_usd, charged_usd, left_usd FROM budget_days").fetchall()

    # One day, or two where midnight fell into the test.
    reports = {day: report_of(records, day) for day, *_ in days}
    assert {(day, cap, charged, left) for day, cap, charged, left in days} == {
        (day, report.cap_usd, own, Decimal(5) - own)
        for day, report in reports.items()
        for own in [report.charged_usd() - sum(report.carried_usd.values())]
    }
    assert set(costs) == {
        (
            day,
            lane,
            model,
            sums.attempts,
            sums.completed,
            sums.billed_usd,
            sums.unknown_usd,
            sums.open_usd,
            sums.charged_usd,
        )
        for day, report in reports.items()
        for (lane, model), sums in report.spent.items()
    }
    today = report_of(records, date(1970, 1, 1) + timedelta(days=ledger.day))
    assert today.charged_usd() == ledger.charges.total
    assert today.charged_usd("backfill") == ledger.lanes["backfill"].total
    total = sum(charged for *_, charged in costs)
    assert total == Decimal("0.010000001") + Decimal("0.02") + Decimal("0.03") + Decimal("0.375") + Decimal(
        "0.0625"
    ) + Decimal("0.7")


def report_of(records: list[Record], day: date) -> Report:
    books = Books()
    for record in records:
        books.apply(record)
    return books.days.report(day, books.ledger)


async def test_the_verb_says_it_in_a_table(connection: Connection) -> None:
    async with publisher(connection) as log:
        await tell_a_day(log)
    records: list[Record] = []
    await read(connection, [LEDGER], records.append)
    day = datetime.fromtimestamp(records[9].timestamp_ms / 1000, UTC).date()
    said = await run(connection, "--day", f"{day}")
    assert said.exit_code == 0, said.output
    summary, lanes, head, rule, *rows = [line.split() for line in said.output.splitlines()]
    assert " ".join(summary) == (f"{day} UTC: billed 0.0600, unknown 1.08, open 0.0625, left 3.80 of 5.00")
    assert " ".join(lanes) == "left by lane: live 3.80, backfill 2.03"
    assert head == ["lane", "model", "attempts", "completed", "billed", "unknown", "open", "charged"]
    assert set("".join(rule)) == {"─"}
    assert rows[0] == ["live", "model-a", "2", "2", "0.0100", "0.7000", "0.00", "0.7100"]
    assert rows[1] == ["live", "model-b", "1", "1", "0.0200", "0.00", "0.00", "0.0200"]
    assert rows[2] == ["backfill", "model-a", "3", "0", "0.0300", "0.3750", "0.0625", "0.4675"]


async def test_a_day_without_a_claim_has_the_cap_that_is_set_here_and_ends_at_midnight(
    connection: Connection,
) -> None:
    said = await run(connection)
    assert said.exit_code == 0, said.output
    assert "left 5.00 of 5.00 (the cap as it is set here: nothing was claimed)" in said.output
    assert "the next day's budget begins in " in said.output
    assert "00:00 UTC" in said.output
    past = await run(connection, "--day", "2026-01-31")
    assert "2026-01-31 UTC: billed 0.00" in past.output
    assert "the next day" not in past.output


async def test_an_alarm_is_said(connection: Connection) -> None:
    async with publisher(connection) as log:
        await tell_a_day(log)
        dear = claim(8, "0.01")
        await log.append(dear)
        rung = await log.append(settled(dear, "completed", "0.02", USAGE))
    day = datetime.fromtimestamp(rung.timestamp_ms / 1000, UTC).date()
    said = await run(connection, "--day", f"{day}")
    assert f"ALARM: attempt {dear.attempt_id} cost $0.02 where $0.01 was reserved" in said.output


async def test_why_claude_is_not_asked_is_said_with_since_and_until(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of today: what the analyst last wrote on this machine."""
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path))
    since = datetime(2026, 11, 20, 12, tzinfo=UTC)
    troubles = (
        Trouble("claude-refuses", since, "401 authentication_error: invalid x-api-key", "set another key"),
        Trouble("claude-away", since, "Claude answers nobody", until=since + timedelta(minutes=15)),
        Trouble("youtube-away", since, "no channel can be looked at"),
    )
    show(tmp_path, Board("analyst", 1, since, since, troubles=troubles))
    said = (await run(connection)).output
    assert (
        "NOT ASKED: 401 authentication_error: invalid x-api-key (since 2026-11-20 12:00) → set another key"
        in said
    )
    assert "NOT ASKED: Claude answers nobody (since 2026-11-20 12:00, until 2026-11-20 12:15)" in said
    assert "no channel" not in said
    assert "NOT ASKED" not in (await run(connection, "--day", "2026-01-31")).output


@pytest.mark.parametrize(
    ("day", "sentence"), [("2999-01-01", "has not begun"), ("yesterday", "does not match")]
)
async def test_a_day_that_is_none_is_said_so_before_anything_is_read(day: str, sentence: str) -> None:
    said = await run(Connection("127.0.0.1:1"), "--day", day)
    assert said.exit_code == 2
    assert sentence in said.output


async def test_records_that_were_never_earmarks_are_counted_and_nothing_else(connection: Connection) -> None:
    async with publisher(connection) as log:
        await log.append_bytes(LEDGER, 0, b"k", b"hello", [])
        await tell_a_day(log)
        await log.append_bytes(LEDGER, 0, None, b"", [("content-type", b"text/plain")])
    said = await run(connection)
    assert said.exit_code == 0, said.output
    assert "2 records in the ledger are not Earmark's: nobody counts them" in said.output


async def test_a_ledger_that_cannot_be_read_is_no_budget(connection: Connection) -> None:
    producer = connection.producer()
    await producer.start()
    try:
        await producer.send_and_wait(connection.name(LEDGER), b"{}", headers=[("ce_type", b"Unheard")])
    finally:
        await producer.stop()
    said = await run(connection)
    assert isinstance(said.exception, LedgerError)
    assert "Unheard" in str(said.exception)

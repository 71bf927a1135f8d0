"""`earmark budget`: where a day's money went, from the ledger."""

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import click

from streams.budget.money import usd
from streams.budget.report import Report, Spent
from streams.bulletin import OF_CLAUDE, boards, together
from streams.cli.log import from_log_option, open_log
from streams.cli.tables import Column, show_table
from streams.cli.terminal import say
from streams.clock import utc_now
from streams.events.event import LANES
from streams.log.books import read_books
from streams.settings import Settings, load

COLUMNS = (
    Column("lane"),
    Column("model", "id"),
    Column("attempts", "count"),
    Column("completed", "count"),
    *(Column(name, "money") for name in ("billed", "unknown", "open", "charged")),
)


@click.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="A UTC day like 2026-11-20; default: today.")
@from_log_option
def budget(day: datetime | None, *, from_log: bool) -> None:
    """Print a UTC day's budget in US dollars, from the ledger: billed, unknown, open and left.

    Unknown is the possible cost of calls without an answer; it stays charged. Open is reserved by calls in flight.
    """
    settings = load()
    now = utc_now()
    asked = now.date() if day is None else day.date()
    if asked > now.date():
        raise click.BadParameter(f"{asked} has not begun", param_hint="--day")
    report = asyncio.run(_read(settings, asked, from_log=from_log))
    say("\n".join(_summary(report, settings.daily_cap_usd, is_today=asked == now.date())), folds=True)
    if report.spent:
        show_table(COLUMNS, _rows(report))
    if asked == now.date():
        for trouble in together(boards(settings.home)):
            if trouble.kind in OF_CLAUDE:
                say(f"NOT ASKED: {trouble.sentence(now)}", folds=True)
        wait = timedelta(seconds=round((report.ends - now).total_seconds()))
        say(f"the next day's budget begins in {wait}, at {report.ends:%Y-%m-%d %H:%M} UTC", folds=True)


async def _read(settings: Settings, day: date, *, from_log: bool) -> Report:
    books = await read_books(await open_log(settings), settings.home, from_log=from_log)
    return books.days.report(day, books.ledger)


def _summary(report: Report, cap_here_usd: Decimal, *, is_today: bool) -> list[str]:
    whole = sum(report.spent.values(), Spent())
    cap_usd = cap_here_usd if report.cap_usd is None or is_today else report.cap_usd
    beside = ""
    if report.cap_usd is None:
        beside = " (the cap as it is set here: nothing was claimed)"
    elif report.cap_usd != cap_usd:
        beside = f" (the cap as it is set here; the last claim was made under {usd(report.cap_usd)})"
    summary = (
        f"{report.day} UTC: billed {usd(whole.billed_usd)}, unknown {usd(whole.unknown_usd)},"
        f" open {usd(whole.open_usd)}, left {usd(report.left_usd(cap_usd))} of {usd(cap_usd)}{beside}"
    )
    lines = [summary]
    if report.carried_usd:
        carried = ", ".join(f"{lane} {usd(amount)}" for lane, amount in report.carried_usd.items())
        lines.append(f"charged to this day too, by calls of days before: {carried}")
    left = [f"{lane} {usd(amount)}" for lane in LANES if (amount := report.lane_left_usd(lane)) is not None]
    if left:
        lines.append("left by lane: " + ", ".join(left))
    if report.foreign:
        lines.append(f"{report.foreign} records in the ledger are not Earmark's: nobody counts them")
    return lines + [f"ALARM: {alarm}" for alarm in report.alarms]


def _rows(report: Report) -> Iterator[tuple[object, ...]]:
    for (lane, model), sums in report.spent.items():
        money = (sums.billed_usd, sums.unknown_usd, sums.open_usd, sums.charged_usd)
        yield (lane, model, sums.attempts, sums.completed, *money)

"""`earmark report`: what happened on a day or in a week."""

from datetime import UTC, datetime, time, timedelta

import click
from pydantic import TypeAdapter

from projections.report import Report
from projections.report import report as read_report
from streams.cli.report_output import as_markdown
from streams.cli.terminal import say
from streams.clock import utc_now
from streams.settings import load

FORM = TypeAdapter(Report)


@click.command()
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="A UTC day like 2026-11-20; default: today so far."
)
@click.option("--week", is_flag=True, help="The last seven UTC days, today included, in place of a day.")
@click.option("--json", "json", is_flag=True, help="Print one JSON object instead of Markdown.")
def report(day: datetime | None, *, week: bool, json: bool) -> None:
    """Report what happened on a UTC day, in Markdown, from the read model.

    Videos and calls by channel, changed consensus, what failed and waits, dead letters, money and pauses.
    """
    if week and day is not None:
        raise click.UsageError("give --day or --week, not both")
    now = utc_now()
    today = datetime.combine(now.date(), time(), UTC)
    last = today if day is None else day.replace(tzinfo=UTC)
    if last > today:
        raise click.BadParameter(f"{last.date()} has not begun", param_hint="--day")
    begins = last - timedelta(days=6) if week else last
    found = read_report(load().home, begins, last + timedelta(days=1), now)
    say(FORM.dump_json(found, indent=2).decode() if json else as_markdown(found, now))

"""`earmark signals`: what leaves the house."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import cast

import click

from streams.app.connections import connection_of
from streams.clock import utc_now
from streams.events.envelope import UndecodableError
from streams.events.record import Record
from streams.log.topics import MENTION_SIGNALS
from streams.settings import load, parse_duration
from streams.signals import contract as signal_contract
from streams.signals import tail as signal_tail

BEGINNING = datetime.fromtimestamp(0, UTC)


def _since(_context: click.Context, _option: click.Parameter, text: str) -> datetime | None:
    match text:
        case "now":
            return None
        case "beginning":
            return BEGINNING
    try:
        return utc_now() - timedelta(seconds=parse_duration(text.removeprefix("-")))
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r}: write beginning, now, or how far back, like -1d or -90m"
        ) from None


@click.group()
def signals() -> None:
    """The stock calls and market views, as they are added, changed and retracted."""


@signals.command()
@click.option("--symbol", metavar="S", help="Only the calls on this symbol; no market views.")
@click.option(
    "--from",
    "since",
    default="now",
    show_default=True,
    callback=_since,
    metavar="WHEN",
    help="beginning, now, or how far back: -1d, -90m.",
)
@click.option(
    "--json", "json", is_flag=True, help="One JSON object a line: type, id, time, key and the body."
)
def tail(symbol: str | None, since: datetime | None, *, json: bool) -> None:
    """Print each signal as it comes, until Ctrl-C."""
    wanted = None if symbol is None else symbol.upper()

    def show(record: Record) -> None:
        if wanted is not None and (record.topic != MENTION_SIGNALS.name or record.key != wanted.encode()):
            return
        try:
            signal = cast("signal_tail.Signal", record.event())
        except UndecodableError as error:
            click.echo(
                f"passed over {record.topic}[{record.partition}] at {record.offset}: {error}", err=True
            )
        else:
            click.echo(signal_tail.as_json(signal) if json else signal_tail.as_line(signal))

    with suppress(KeyboardInterrupt):
        asyncio.run(signal_tail.tail(connection_of(load()), since, show))


@signals.command()
def contract() -> None:
    """Print what a subscriber may rely on: AsyncAPI, with a JSON Schema for each message."""
    click.echo(signal_contract.render(signal_contract.contract(load().topic_prefix)), nl=False)

"""`earmark signals`: what Earmark publishes."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import cast

import click
import orjson

from streams.app.connections import connection_of
from streams.cli.terminal import printable, say
from streams.clock import utc_now
from streams.events.envelope import UndecodableError
from streams.events.event import Event
from streams.events.record import Record
from streams.events.signals import (
    MentionAdded,
    MentionChanged,
    MentionRetracted,
    OutlookAdded,
    OutlookChanged,
    OutlookRetracted,
)
from streams.log.access import check_access
from streams.log.connection import Connection
from streams.log.topics import MENTION_SIGNALS
from streams.settings import load, parse_duration
from streams.signals import contract as signal_contract
from streams.signals import tail as signal_tail
from streams.signals.changes import CHANGES

BEGINNING = datetime.fromtimestamp(0, UTC)

Signal = MentionAdded | MentionChanged | MentionRetracted | OutlookAdded | OutlookChanged | OutlookRetracted


def as_line(signal: Signal) -> str:
    """A signal for people: UTC time, cause, revision, type, the call or view, its words, its address."""
    match signal:
        case MentionAdded(mention=said) | MentionChanged(mention=said) | MentionRetracted(mention=said):
            what = f"{said.symbol:<6} {said.action:<5} {said.conviction:.2f} {said.time_horizon:<11}"
            words, where = said.quote, said.url
            # Neither is a plain call, and it must not look like one.
            what += " (relayed)" if said.speaker == "relayed" else ""
            where = f"hangs on “{said.condition}” {where}" if said.condition else where
        case OutlookAdded(outlook=view) | OutlookChanged(outlook=view) | OutlookRetracted(outlook=view):
            what = f"market {view.direction:<22}"
            words, where = view.reasoning, signal.video.title or signal.video.video_id
    head = (
        f"{signal.at:%Y-%m-%d %H:%M:%S}Z {signal.cause:<10} r{signal.revision:<2} {type(signal).__name__:<16}"
    )
    return printable(f"{head} {what} “{words}” {where}")


def as_json(signal: Event) -> str:
    """A signal for pipes: one JSON object of its type, id, time, key and body."""
    envelope = {
        "type": type(signal).__name__,
        "id": str(signal.event_id),
        "time": signal.at,
        "key": signal.key,
    }
    return orjson.dumps(envelope | signal.model_dump(mode="json")).decode()


def _since(_context: click.Context, _option: click.Parameter, text: str) -> datetime | None:
    match text:
        case "now":
            return None
        case "beginning":
            return BEGINNING
    try:
        return utc_now() - timedelta(seconds=parse_duration(text.removeprefix("-")))
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r}: write beginning, now, or an age like -1d or -90m") from None


@click.group()
def signals() -> None:
    """Stock calls and market views as they are added, changed and retracted."""


@signals.command()
@click.option("--symbol", metavar="S", help="Only calls on this symbol, and no market views.")
@click.option(
    "--from",
    "since",
    default="now",
    show_default=True,
    callback=_since,
    metavar="WHEN",
    help="beginning, now, or an age: -1d, -90m.",
)
@click.option(
    "--json", "json", is_flag=True, help="Print one JSON object a line: type, id, time, key and the body."
)
def tail(symbol: str | None, since: datetime | None, *, json: bool) -> None:
    """Print each signal as it is published, until Ctrl-C. Times are UTC."""
    wanted = None if symbol is None else symbol.upper()

    def show(record: Record) -> None:
        if wanted is not None and (record.topic != MENTION_SIGNALS.name or record.key != wanted.encode()):
            return
        try:
            signal = cast("Signal", record.event())
        except UndecodableError as error:
            say(f"skipped {record.topic}[{record.partition}] at {record.offset}: {error}", err=True)
        else:
            say(as_json(signal) if json else as_line(signal))

    with suppress(KeyboardInterrupt):
        asyncio.run(_tail(connection_of(load()), since, show))


async def _tail(connection: Connection, since: datetime | None, show: Callable[[Record], None]) -> None:
    # Not for every topic: who only subscribes may not be allowed to see the others.
    await check_access(connection)
    await signal_tail.tail(connection, since, show)


@signals.command()
@click.option("--changes", is_flag=True, help="Print what was added to it, the newest first.")
def contract(*, changes: bool) -> None:
    """Print the contract for subscribers: AsyncAPI, with a JSON Schema for each message."""
    if changes:
        say(CHANGES, nl=False)
        return
    say(signal_contract.render(signal_contract.contract(load().topic_prefix)), nl=False)

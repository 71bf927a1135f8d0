"""`earmark projector` and `earmark rebuild`: the read model's writer."""

import asyncio
import signal
from pathlib import Path

import click

from projections.projector import project
from projections.rebuild import rebuild as fold_anew
from streams.app.connections import connection_of
from streams.log.connection import Connection
from streams.settings import load


@click.command()
def projector() -> None:
    """Keep the read model up to date with the log, until SIGTERM or Ctrl-C."""
    settings = load()
    asyncio.run(_until_told_to_stop(settings.home, connection_of(settings)))


@click.command()
def rebuild() -> None:
    """Make the read model anew from the whole log, beside the one that is read meanwhile; a projector may run."""
    settings = load()
    connection = connection_of(settings)
    records = asyncio.run(fold_anew(settings.home, connection.consumer, connection.name))
    click.echo(f"rebuilt the read model from {records} records")


async def _until_told_to_stop(home: Path, connection: Connection) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await project(home, connection.consumer, connection.name, stop)

"""`earmark projector` and `earmark rebuild`: the read model's writer."""

import asyncio

import click

from projections.rebuild import rebuild as fold_anew
from streams.app import processes as app
from streams.app.connections import connection_of
from streams.cli.terminal import say
from streams.settings import load


@click.command()
def projector() -> None:
    """Keep the read model up to date with the log, until SIGTERM or Ctrl-C."""
    app.projector(load())


@click.command()
def rebuild() -> None:
    """Rebuild the read model from the whole log. Readers keep the old one until it is complete; a projector may run."""
    settings = load()
    connection = connection_of(settings)
    records = asyncio.run(fold_anew(settings.home, connection.consumer, connection.name))
    say(f"rebuilt the read model from {records} records")

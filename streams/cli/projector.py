"""`earmark projector` and `earmark rebuild`: the read model's writer."""

import asyncio

import click

from projections.rebuild import rebuild as fold_anew
from streams.app import processes as app
from streams.cli.log import open_log
from streams.cli.terminal import say
from streams.settings import Settings, load


@click.command()
def projector() -> None:
    """Keep the read model up to date with the log, until SIGTERM or Ctrl-C."""
    app.projector(load())


@click.command()
def rebuild() -> None:
    """Rebuild the read model from the whole log. Readers keep the old one until it is complete; a projector may run."""
    records = asyncio.run(_rebuild(load()))
    say(f"rebuilt the read model from {records} records")


async def _rebuild(settings: Settings) -> int:
    connection = await open_log(settings)
    return await fold_anew(settings.home, connection.consumer, connection.name)

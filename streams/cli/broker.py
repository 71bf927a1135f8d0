import click

from streams.broker import local
from streams.errors import EarmarkError, RefusedError
from streams.settings import load


@click.group()
def broker() -> None:
    """The local Kafka, which everything on this machine uses unless EARMARK_KAFKA names another."""


@broker.command()
def start() -> None:
    """Start the local Kafka, or find the one that runs, and print its address.

    It goes on running when this command ends. The first start downloads Kafka (44 MB).
    """
    settings = load()
    if settings.kafka is not None:
        raise RefusedError(
            f"EARMARK_KAFKA is set to {settings.kafka}, so no local broker is started: unset it to use a local one"
        )
    click.echo(local.start(settings.home))


@broker.command()
def stop() -> None:
    """Stop the local Kafka; what is in the log stays."""
    click.echo("stopped" if local.stop(load().home) else "no local broker was running")


@broker.command()
def status() -> None:
    """Show where the local Kafka listens, its process, data and log file; exit 1 when it does not run."""
    found = local.status(load().home)
    if found.bootstrap is None:
        raise EarmarkError(
            f"no local broker runs: start one with `earmark broker start` (its data: {found.data})"
        )
    click.echo(f"address  {found.bootstrap}")
    click.echo(f"process  {found.pid}")
    click.echo(f"data     {found.data}")
    click.echo(f"log      {found.log}")

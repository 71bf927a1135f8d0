import os

import click

from streams.broker import local
from streams.broker.keeper import keep
from streams.cli.terminal import say
from streams.clock import utc_now
from streams.errors import EarmarkError, RefusedError
from streams.parent import PARENT
from streams.settings import load


@click.group()
def broker() -> None:
    """The local Kafka. Everything on this machine uses it unless EARMARK_KAFKA names another."""


@broker.command()
def start() -> None:
    """Start the local Kafka unless it is running, and print its address.

    It keeps running after this command. The first start downloads Kafka (44 MB).
    """
    settings = load()
    if settings.kafka is not None:
        raise _names_another(settings.kafka)
    say(local.start(settings.home))


@broker.command()
@click.option("--port", type=click.IntRange(1, 65535), help="The port that its clients know; default: any.")
def run(port: int | None) -> None:
    """Run the local Kafka in the foreground until Ctrl-C, as `earmark up` does."""
    settings = load()
    if settings.kafka is not None:
        raise _names_another(settings.kafka)
    parent = os.environ.get(PARENT)
    keep(settings.home, None if parent is None else int(parent), port, utc_now, say)


@broker.command()
def stop() -> None:
    """Stop the local Kafka. The log stays."""
    say("stopped" if local.stop(load().home) else "no local broker was running")


@broker.command()
def status() -> None:
    """Print the local Kafka's address, process, data folder and log file; exit 1 if it is not running."""
    found = local.status(load().home)
    if found.bootstrap is None:
        raise EarmarkError(
            f"no local broker runs: start one with `earmark broker start` (its data: {found.data})"
        )
    say(f"address  {found.bootstrap}")
    say(f"process  {found.pid}")
    say(f"data     {found.data}")
    say(f"log      {found.log}")


def _names_another(kafka: str) -> RefusedError:
    return RefusedError(
        f"EARMARK_KAFKA is set to {kafka}, so no local broker is started: unset it to use a local one"
    )

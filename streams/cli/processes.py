"""The processes that `earmark up` runs, each alone: for containers, and for more than one machine."""

import click

from streams.app import processes as app
from streams.settings import load


@click.command()
def watch() -> None:
    """Poll the followed channels and publish new videos and due retries, until SIGTERM or Ctrl-C."""
    app.watcher(load())


@click.command()
def worker() -> None:
    """Run the four Faust agents as EARMARK_WORKER_SLOT, until SIGTERM or Ctrl-C."""
    app.work(load())


@click.command()
def analyst() -> None:
    """Take analysis requests, call Claude within the budget and record the answers, until SIGTERM or Ctrl-C."""
    app.analyst(load())


@click.command()
def prepare() -> None:
    """Create the topics and register the bundled prompt. `up` does this first; containers run it alone."""
    import asyncio  # noqa: PLC0415  nothing else here needs it

    asyncio.run(app.prepare(load()))

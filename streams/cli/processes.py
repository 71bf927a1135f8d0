"""The processes that `earmark up` runs, each by itself: for containers, and for more machines than one."""

import click

from streams.app import processes as app
from streams.settings import load


@click.command()
def watch() -> None:
    """Poll the followed channels and send what is due, until SIGTERM or Ctrl-C."""
    app.watcher(load())


@click.command()
def worker() -> None:
    """Run the four Faust agents as EARMARK_WORKER_SLOT, until SIGTERM or Ctrl-C."""
    app.work(load())


@click.command()
def analyst() -> None:
    """Spend the budget: take requests, ask Claude, record the answers, until SIGTERM or Ctrl-C."""
    app.analyst(load())


@click.command()
def prepare() -> None:
    """Make the topics and register the bundled prompt: what `up` does first, for containers."""
    import asyncio  # noqa: PLC0415  nothing else here needs it

    asyncio.run(app.prepare(load()))

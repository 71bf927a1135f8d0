"""`earmark up`: everything on one machine, in one terminal."""

import asyncio
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from streams.app import processes as app
from streams.app.machine import run_machine
from streams.cli.live import showing
from streams.clock import utc_now
from streams.errors import EarmarkError
from streams.settings import Settings, load


@click.command()
@click.option("--quiet", "is_quiet", is_flag=True, help="Say what goes wrong and what is over, nothing else.")
def up(*, is_quiet: bool) -> None:
    """Run broker, watch, worker, analyst, projector and dashboard on this machine, until Ctrl-C.

    What it does is shown meanwhile: on a terminal as one block, else a line a minute. Times are UTC.
    """
    settings = load()
    if settings.anthropic_api_key is None:
        raise EarmarkError("ANTHROPIC_API_KEY is not set: put it into the environment or a .env file")
    with alone(settings.home):
        asyncio.run(_up(settings, is_quiet=is_quiet))


async def _up(settings: Settings, *, is_quiet: bool) -> None:
    async with showing(settings, is_quiet=is_quiet) as say:
        await run_machine(settings, say, utc_now, partial(app.prepare, settings))


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Hold the lock of what runs everything in `home`, for as long as the block lasts. Raises EarmarkError where it is held."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EarmarkError(
                f"`earmark up` already runs in {home}: stop it first, or set EARMARK_HOME"
            ) from None
        yield

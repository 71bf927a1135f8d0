"""`earmark up`: everything on one machine, in one terminal."""

import asyncio
import fcntl
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from streams.app import processes as app
from streams.app.supervisor import supervise
from streams.broker import local
from streams.cli.terminal import say
from streams.errors import EarmarkError
from streams.settings import Settings, load


@click.command()
def up() -> None:
    """Run broker, watch, worker, analyst and projector on this machine, until Ctrl-C."""
    settings = load()
    if settings.anthropic_api_key is None:
        raise EarmarkError("ANTHROPIC_API_KEY is not set: put it into the environment or a .env file")
    # What Ctrl-C does, so that a stop in the middle of the start also undoes what was started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with alone(settings.home), own_broker(settings):
        asyncio.run(app.prepare(settings))
        asyncio.run(supervise(settings, say, partial(say, err=True)))


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


@contextmanager
def own_broker(settings: Settings) -> Iterator[None]:
    """The local broker for as long as the block lasts, unless another is named or it runs already."""
    if settings.kafka is not None or local.find(settings.home) is not None:
        yield
        return
    say("starting Kafka …")
    try:
        say(f"Kafka serves at {local.start(settings.home)}")
        yield
    finally:
        if local.stop(settings.home):
            say("Kafka stopped")

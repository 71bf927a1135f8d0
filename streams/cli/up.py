"""`earmark up`: everything on one machine, in one terminal."""

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from streams.app import processes as app
from streams.broker import local
from streams.errors import EarmarkError
from streams.settings import Settings, load

PROCESSES = ("projector", "worker", "analyst", "watch")
GRACE_S = 30.0
PATIENCE_S = 2.0
# A terminal and a wrapper round this process may both hand on the same Ctrl-C.
TWICE_S = 1.0
BACKOFF_S = (1.0, 2.0, 5.0, 15.0, 30.0)
STEADY_S = 60.0


@click.command()
def up() -> None:
    """Run broker, watch, worker, analyst and projector here until Ctrl-C."""
    settings = load()
    if settings.anthropic_api_key is None:
        raise EarmarkError("ANTHROPIC_API_KEY is not set: put it into the environment or a .env file")
    # What Ctrl-C does, so that a stop in the middle of the start also undoes what was started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _alone(settings.home), _broker(settings):
        asyncio.run(app.prepare(settings))
        asyncio.run(_supervise(settings))


@contextmanager
def _alone(home: Path) -> Iterator[None]:
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
def _broker(settings: Settings) -> Iterator[None]:
    """The local broker for as long as the block lasts, unless another is named or it runs already."""
    if settings.kafka is not None or local.find(settings.home) is not None:
        yield
        return
    click.echo("starting Kafka …")
    try:
        click.echo(f"Kafka serves at {local.start(settings.home)}")
        yield
    finally:
        if local.stop(settings.home):
            click.echo("Kafka stopped")


async def _supervise(settings: Settings) -> None:
    stopping, hurrying, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()

    def signalled() -> None:
        if not stopping.is_set():
            loop.call_later(TWICE_S, again.set)
            stopping.set()
        elif again.is_set():
            hurrying.set()

    again = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, signalled)
    logs = settings.home / "logs"
    logs.mkdir(exist_ok=True)
    # The analyst's calls are paid for, so they are finished.
    grace_s = {"analyst": settings.call_timeout + GRACE_S}
    children = [
        asyncio.create_task(_keep_running(name, logs, stopping, hurrying, grace_s.get(name, GRACE_S)))
        for name in PROCESSES
    ]
    click.echo(f"running: {', '.join(PROCESSES)}; logs in {logs}; Ctrl-C stops")
    await asyncio.gather(*children)


async def _keep_running(
    name: str, logs: Path, stopping: asyncio.Event, hurrying: asyncio.Event, grace_s: float
) -> None:
    """Start a process, and again when it ends by itself, later each time that it ends soon."""
    failures = 0
    while not stopping.is_set():
        began = asyncio.get_running_loop().time()
        code = await _run(name, logs / f"{name}.log", stopping, hurrying, grace_s)
        if stopping.is_set():
            return
        failures = 0 if asyncio.get_running_loop().time() - began > STEADY_S else failures + 1
        wait_s = BACKOFF_S[min(failures, len(BACKOFF_S)) - 1]
        click.echo(f"{name} ended with {code}: {_last_line(logs / f'{name}.log')}", err=True)
        click.echo(f"{name} starts again in {wait_s:g} s", err=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), wait_s)


async def _run(name: str, log: Path, stopping: asyncio.Event, hurrying: asyncio.Event, grace_s: float) -> int:
    with log.open("ab") as stderr:
        # A session of its own: Ctrl-C in the terminal is for `up`, which then stops its children in good order.
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "streams", name, stdout=stderr, stderr=stderr, start_new_session=True
        )
    ended = asyncio.create_task(child.wait())
    await _first(ended, stopping)
    if not ended.done():
        child.terminate()
        if name == "analyst" and not await _first(ended, hurrying, PATIENCE_S):
            click.echo(f"finishing calls that are paid for, {grace_s:g} s at most; Ctrl-C again drops them")
        await _first(ended, hurrying, grace_s)
    if not ended.done():
        click.echo(f"{name} was killed before it had stopped", err=True)
        os.killpg(child.pid, signal.SIGKILL)
    return await ended


async def _first(ended: asyncio.Task[int], event: asyncio.Event, limit_s: float | None = None) -> bool:
    """Wait for an end or an event, whichever comes first; whether one came within `limit_s` seconds."""
    came = asyncio.create_task(event.wait())
    done, _ = await asyncio.wait({ended, came}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    came.cancel()
    return bool(done)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else "it said nothing"

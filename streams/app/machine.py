"""Everything of Earmark on one machine: the broker first, then the topics, then the processes; stopped the other way round."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import psutil

from streams.app.connections import pages_at
from streams.app.supervisor import GRACE_S, Part, Say, Supervisor
from streams.broker import keeper, local
from streams.bulletin import boards
from streams.clock import Clock
from streams.errors import EarmarkError
from streams.parent import PARENT
from streams.settings import Settings

BROKER_GRACE_S = 60.0
LEFT_LIMIT_S = 25.0
_PAUSE_S = 0.1


def parts_of(settings: Settings, kafka: str) -> tuple[Part, ...]:
    """The processes of `earmark up` besides the broker, which is at `kafka`."""
    log = {"EARMARK_KAFKA": kafka}
    # It finds the local broker by itself, and does without.
    pages = Part(
        "dashboard", ("dashboard",), "dashboard", says=f"look at {pages_at(settings.dashboard_port)}"
    )
    return (
        Part("projector", ("projector",), "projector", environment=log),
        Part("worker", ("worker",), f"worker-{settings.worker_slot}", environment=log),
        Part("analyst", ("analyst",), "analyst", settings.call_timeout + GRACE_S, pays=True, environment=log),
        Part("watch", ("watch",), "watch", environment=log),
        *((pages,) if settings.dashboard == "on" else ()),
    )


async def run_machine(
    settings: Settings, say: Say, now: Clock, prepare: Callable[[], Awaitable[None]]
) -> None:
    """Run everything until SIGINT or SIGTERM, then stop it in good order; a second signal kills what still runs.

    `prepare` makes the topics. Raises EarmarkError where the broker does not start, and what `prepare` raises.
    """
    (settings.home / "logs").mkdir(parents=True, exist_ok=True)
    supervisor = Supervisor(settings.home, say, now, is_starting=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, supervisor.signalled)
    await asyncio.to_thread(_outlive_the_left, settings.home, say)
    telling = asyncio.create_task(supervisor.tell())
    broker_may_stop = asyncio.Event()
    broker: asyncio.Task[None] | None = None
    running: list[asyncio.Task[None]] = []

    def begin(kafka: str) -> None:
        for task in running:
            task.cancel()
        running[:] = [
            asyncio.create_task(supervisor.keep_running(part)) for part in parts_of(settings, kafka)
        ]

    try:
        serves = settings.kafka
        if serves is None:
            found = local.find(settings.home)
            say("starting Kafka …" if found is None else f"Kafka runs already at {found}")
            broker = asyncio.create_task(supervisor.keep_running(_broker(), broker_may_stop))
            serves = await _serves(settings.home, supervisor, begin, was_found=found is not None)
        if serves is not None:
            await prepare()
            if not running:
                begin(serves)
            supervisor.is_starting = False
            names = ", ".join(part.name for part in parts_of(settings, serves))
            say(f"running: {names}; logs in {settings.home / 'logs'}; Ctrl-C stops")
            await asyncio.gather(*running)
    finally:
        supervisor.stop()
        await asyncio.gather(*running, return_exceptions=True)
        broker_may_stop.set()
        if broker is not None:
            await broker
            if local.find(settings.home) is None:
                say("Kafka stopped")
        telling.cancel()


def _broker(port: str | None = None) -> Part:
    again = () if port is None else ("--port", port)
    return Part(keeper.NAME, ("broker", "run"), keeper.NAME, BROKER_GRACE_S, again)


async def _serves(
    home: Path, supervisor: Supervisor, begin: Callable[[str], None], *, was_found: bool
) -> str | None:
    """The local broker's address once it serves; None where a signal has come before.

    `begin` gets the address as soon as the broker's process has one, and again where it comes to serve at another:
    the others come up beside it, and wait for it and for the topics. Raises EarmarkError where it does not start.
    """
    begun = None
    while not supervisor.is_stopping:
        life = supervisor.lives.get(keeper.NAME)
        if life is not None and life.child is not None:
            # One that was found may have been told to stop just before.
            if life.failures > was_found:
                raise EarmarkError(life.child.words)
            address = local.find(home)
            if address not in {None, begun}:
                begin(address)
                begun = address
            if life.ready_since is not None and address is not None:
                # Whoever is a client of it knows no other address.
                life.part = _broker(address.rpartition(":")[2])
                supervisor.say(f"Kafka serves at {address}")
                return address
        await asyncio.sleep(_PAUSE_S)
    return None


def _outlive_the_left(home: Path, say: Say) -> None:
    """Wait until what an `up` that was killed has left is gone; what does not go is killed.

    The broker is taken over, so its keeper must not stop it. An analyst may finish its calls beside the next one: they
    are paid for.
    """
    left = _left(home)
    if not left:
        return
    say(f"an earlier `earmark up` was killed: waiting for {len(left)} of its processes to end")
    for process in left:
        with suppress(psutil.NoSuchProcess):
            if process.cmdline()[-2:-1] == [keeper.NAME]:
                process.kill()
            else:
                process.terminate()
    _, alive = psutil.wait_procs(left, timeout=LEFT_LIMIT_S)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _left(home: Path) -> list[psutil.Process]:
    found = []
    for board in boards(home):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(board.pid)
            parent = process.environ().get(PARENT)
            if parent is not None and process.ppid() != int(parent) and board.process != "analyst":
                found.append(process)
    return found

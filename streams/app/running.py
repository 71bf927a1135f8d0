"""How each process runs: until a signal, through outages of Kafka, and no longer than who started it."""

import asyncio
import faulthandler
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps

from aiokafka.errors import KafkaError
from pydantic import SecretStr

from streams.app.connections import connection_of
from streams.app.diagnostics import configure
from streams.app.health import answering
from streams.app.pulse import Pulse
from streams.clock import utc_now
from streams.errors import EarmarkError, TransientError
from streams.log.access import AwayError, check_access
from streams.log.connection import Connection
from streams.log.ready import topics_answer
from streams.parent import PARENT, end_with_parent
from streams.secrets import of_cookies
from streams.settings import Settings

GRACE_S = 5.0
# A failure sooner than this after Kafka was seen to serve is none of an outage.
STEADY_S = 20.0
HUNG_S = 120.0
"""A process whose event loop has not turned for so long ends, with every thread's stack in its log."""
HUNG_LOOK_S = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Running:
    """What a process is given: the log, when to stop, and where to show what it does."""

    connection: Connection
    stop: asyncio.Event
    pulse: Pulse


Work = Callable[[Running], Awaitable[None]]
"""Works until `stop` is set. Raises KafkaError where the broker stays away: it is then called again once it is back."""


Main = Callable[[Settings], None]


def process(name: str) -> Callable[[Main], Main]:
    """Make `main` the whole of the process `name`, which says in its lines who it is; {slot}: its worker slot.

    As JSON, an error that ends it is its last line.
    """

    def wrap(main: Main) -> Main:
        @wraps(main)
        def whole(settings: Settings) -> None:
            its_name = name.format(slot=settings.worker_slot)
            configure(its_name, settings.log, settings.log_level, _secrets(settings))
            try:
                main(settings)
            except Exception as error:
                if settings.log == "text":
                    raise
                # What the command line says of it would be no JSON.
                log.critical("%s", error, exc_info=not isinstance(error, EarmarkError))
                raise SystemExit(getattr(error, "exit_code", 1)) from None

        return whole

    return wrap


def run(
    settings: Settings, process: str, work: Work, *, grace_s: float = GRACE_S, second_cancels: bool = True
) -> None:
    """Do `work` as `process` until SIGTERM or SIGINT; a second signal cancels it unless that would still write.

    A process that a supervisor started ends with it: `grace_s` seconds later at most, for nobody starts it again. Raises
    WrongSettingsError, and AwayError where no Kafka answers at its start; a supervisor has seen it answer, so its
    processes wait then.
    """
    if (parent := os.environ.get(PARENT)) is not None:
        end_with_parent(int(parent), grace_s=grace_s)
    connection = connection_of(settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(check_access(connection))
    except AwayError:
        if parent is None:
            raise
    asyncio.run(_run(settings, process, connection, work, second_cancels=second_cancels))


def run_apart(
    settings: Settings, process: str, work: Callable[[asyncio.Event, Pulse], Awaitable[None]]
) -> None:
    """Do `work`, which needs no Kafka, as `process` until SIGTERM or SIGINT set its event.

    It shows what it does only where a supervisor started it: alone it leaves the home folder as it is.
    """
    if (parent := os.environ.get(PARENT)) is not None:
        end_with_parent(int(parent), grace_s=GRACE_S)
    asyncio.run(_run_apart(settings, process, work, is_supervised=parent is not None))


async def _run_apart(
    settings: Settings,
    process: str,
    work: Callable[[asyncio.Event, Pulse], Awaitable[None]],
    *,
    is_supervised: bool,
) -> None:
    stop = asyncio.Event()
    pulse = Pulse(settings.home, process, utc_now, settings.disk_min_free)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    beating = [asyncio.create_task(_end_if_hung(stop))]
    if is_supervised:
        beating.append(asyncio.create_task(pulse.beat()))
    working = asyncio.ensure_future(work(stop, pulse))
    try:
        await _done(working, beating)
    finally:
        await _ended(working, *beating)


def _secrets(settings: Settings) -> Iterator[str]:
    yield from (value.get_secret_value() for _, value in settings if isinstance(value, SecretStr))
    if settings.cookies is not None:
        yield from of_cookies(settings.cookies)


async def _run(
    settings: Settings, process: str, connection: Connection, work: Work, *, second_cancels: bool
) -> None:
    stop = asyncio.Event()
    pulse = Pulse(settings.home, process, utc_now, settings.disk_min_free)
    beating = [
        asyncio.create_task(each)
        for each in (pulse.beat(), pulse.watch_kafka(connection), _end_if_hung(stop))
    ]
    working = asyncio.create_task(_through_outages(Running(connection, stop, pulse), work))

    def signalled() -> None:
        if stop.is_set() and second_cancels:
            working.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, signalled)
    try:
        with answering(settings.metrics_port, process, pulse):
            await _done(working, beating)
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    finally:
        pulse.put_up()
        await _ended(working, *beating)


async def _done(working: asyncio.Future[None], beating: Iterable[asyncio.Future[None]]) -> None:
    """Wait until the work is done. Raises what ends it, or what ends one of those that beat beside it."""
    done, _ = await asyncio.wait({working, *beating}, return_when=asyncio.FIRST_COMPLETED)
    for task in done - {working}:
        task.result()
    await working


async def _ended(*tasks: asyncio.Future[None]) -> None:
    """End them, however they do."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _end_if_hung(stop: asyncio.Event) -> None:
    """End the process with all stacks on stderr where its loop does not turn; who stops it sees to that end itself."""
    try:
        while not stop.is_set():
            # A thread of C: it needs neither the loop nor the interpreter's lock.
            faulthandler.dump_traceback_later(HUNG_S, exit=True)
            await _or_stopped(asyncio.sleep(HUNG_LOOK_S), stop)
    finally:
        faulthandler.cancel_dump_traceback_later()
    await asyncio.Event().wait()


async def _through_outages(running: Running, work: Work) -> None:
    now = asyncio.get_running_loop().time
    while True:
        if not await _or_stopped(running.pulse.kafka.wait(), running.stop):
            return
        began = now()
        try:
            if not await _or_stopped(topics_answer(running.connection), running.stop):
                return
            await work(running)
        except (KafkaError, TransientError) as error:
            running.pulse.ready = False
            if now() - began < STEADY_S and running.pulse.kafka.is_set():
                raise
            log.warning("the work begins again once Kafka serves: %r", error)
        else:
            return


async def _or_stopped(awaited: Awaitable[object], stop: asyncio.Event) -> bool:
    """Wait for it, or for the stop: False then. Raises what it raises."""
    waiting, stopped = asyncio.ensure_future(awaited), asyncio.ensure_future(stop.wait())
    await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not waiting.done():
        waiting.cancel()
        # Not awaited by itself: its cancellation could not be told from one of whoever waits here.
        await asyncio.wait({waiting})
        if not waiting.cancelled():
            waiting.result()
        return False
    await waiting
    return True

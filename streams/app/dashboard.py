"""The process of the pages. It needs the home folder, and nothing that runs."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

from projections.web.page import Outside
from projections.web.server import Site, serve
from streams.app import running
from streams.app.connections import connection_of, pages_at
from streams.app.processes import limits_of
from streams.app.pulse import Pulse
from streams.clock import Clock, utc_now
from streams.discovery.watch_state import read_state
from streams.journal import journal
from streams.overview.gather import Gatherer, gathering
from streams.overview.needs import needs_person
from streams.overview.outside import outside
from streams.settings import Settings

KAFKA_WAIT_S = 0.5
PAGE_WAIT_S = 1.0
"""A page waits no longer for what is so outside the read model, and then shows what was seen last."""
LOOK_EVERY_S = 3.0

log = journal(__name__)


class Looks:
    """What was seen outside the read model: looked at again once that is `LOOK_EVERY_S` old and a page asks."""

    def __init__(self, look: Callable[[], Awaitable[Outside]], now: Clock) -> None:
        self._look = look
        self._looking: asyncio.Task[None] | None = None
        self._again = 0.0
        self._last = Outside.not_known(now(), "what runs here is not known yet: load the page again")

    async def newest(self) -> Outside:
        """What was seen last, within `PAGE_WAIT_S`."""
        if self._looking is None and time.monotonic() >= self._again:
            self._looking = asyncio.create_task(self._see(), name="look outside")
        if self._looking is not None:
            await asyncio.wait({self._looking}, timeout=PAGE_WAIT_S)
        return self._last

    async def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    async def _see(self) -> None:
        try:
            self._last = await self._look()
        except Exception:
            # The page says what it can.
            log.exception("what runs here cannot be looked at")
            self._last = Outside.not_known(
                utc_now(), "what runs here cannot be looked at: the dashboard's log says why"
            )
        finally:
            self._looking, self._again = None, time.monotonic() + LOOK_EVERY_S


@running.process("dashboard")
def dashboard(settings: Settings) -> None:
    """Serve the pages until SIGTERM or SIGINT. Raises EarmarkError where the port is taken."""
    # Whether Kafka answers, the pages say.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    running.run_apart(settings, "dashboard", partial(_serve, settings))


async def _serve(settings: Settings, stop: asyncio.Event, pulse: Pulse) -> None:
    host, _, port = settings.dashboard_port.rpartition(":")
    async with gathering(
        settings.home, limits_of(settings), settings.disk_min_free, partial(connection_of, settings), utc_now
    ) as gatherer:
        looks = Looks(partial(_look, settings, gatherer), utc_now)
        site = Site(settings.home, settings.daily_cap_usd, looks.newest, utc_now, settings.dashboard_hosts)
        runner = await serve(site.app(), host, int(port))
        try:
            taken = runner.addresses[0][1]
            log.info("the pages are at %s", pages_at(f"{host}:{taken}"))
            pulse.ready = True
            await stop.wait()
        finally:
            await runner.cleanup()
            await looks.close()


async def _look(settings: Settings, gatherer: Gatherer) -> Outside:
    overview = await gatherer.look(KAFKA_WAIT_S)
    watch = await asyncio.to_thread(read_state, settings.home)
    return outside(overview, needs_person(overview), settings.home, None if watch is None else watch.channels)

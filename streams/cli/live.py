"""What `earmark up` shows while it runs: one block that is redrawn on a terminal, else a line a minute."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from rich.console import Console
from rich.live import Live
from rich.text import Text

from streams.app.connections import connection_of
from streams.app.processes import limits_of
from streams.app.supervisor import Say
from streams.cli.status import block, quiet
from streams.cli.terminal import printable, say, window
from streams.clock import utc_now
from streams.overview.gather import Gatherer, gathering
from streams.overview.lines import in_a_line
from streams.overview.model import Overview
from streams.overview.needs import needs_person
from streams.settings import Settings

REDRAW_S = 1.0
LINE_EVERY_S = 60.0
# A look that takes longer shows what Kafka answered last.
WAIT_S = 0.5


@asynccontextmanager
async def showing(settings: Settings, *, is_quiet: bool) -> AsyncIterator[Say]:
    """Show what Earmark does for as long as the block lasts; the block's own lines go through what this gives.

    `is_quiet`: nothing but those lines, each with its time.
    """
    quiet()
    if is_quiet:
        yield _say
        return
    async with gathering(
        settings.home, limits_of(settings), settings.disk_min_free, partial(connection_of, settings), utc_now
    ) as gatherer:
        if window() is None:
            showing = asyncio.create_task(_a_line_a_minute(gatherer))
            told: Say = _say
            live = None
        else:
            live = Live(console=Console(highlight=False), auto_refresh=False, transient=True)
            live.start()
            showing = asyncio.create_task(_redraw(gatherer, live))
            told = partial(_above, live)
        try:
            yield told
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
            if live is not None:
                live.stop()


async def _a_line_a_minute(gatherer: Gatherer) -> None:
    while True:
        await asyncio.sleep(LINE_EVERY_S)
        if (overview := await _look(gatherer, _say)) is not None:
            _say(in_a_line(overview))


async def _redraw(gatherer: Gatherer, live: Live) -> None:
    while True:
        overview = await _look(gatherer, partial(_above, live))
        if overview is not None:
            lines = block(overview, needs_person(overview), live.console.width)
            # What does not fit would scroll, and could not be drawn over.
            fits = lines[: max(live.console.height - 1, 1)]
            live.update(Text(printable("\n".join(fits), "\n"), no_wrap=True), refresh=True)
        await asyncio.sleep(REDRAW_S)


async def _look(gatherer: Gatherer, told: Say) -> Overview | None:
    try:
        return await gatherer.look(WAIT_S)
    except Exception as error:  # noqa: BLE001  whatever it is, it must not end what it looks at
        told(f"what Earmark does cannot be shown now: {error!r}")
        return None


def _say(line: str) -> None:
    say(f"{utc_now():%H:%M:%S} {line}")


def _above(live: Live, line: str) -> None:
    live.console.print(Text(printable(f"{utc_now():%H:%M:%S} {line}")))

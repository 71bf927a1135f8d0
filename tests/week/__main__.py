"""`python -m tests.week`: three weeks at forty channels, 420 videos, a block of seven days among others."""

import asyncio
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from streams.broker import local as broker
from streams.discovery.due import Pace
from streams.log.connection import Connection
from streams.loopback import refusals
from tests.benchmarks.material import fresh
from tests.week.judge import broken_promises, show
from tests.week.scenario import DAY, HOUR, MONDAY, Block, scenario
from tests.week.simulation import Simulation

BLOCKS = (
    Block("an hour of rate limit", MONDAY + 10 * HOUR, MONDAY + 11 * HOUR, refusals.RATE_LIMITED),
    Block("seven days of bot checks", MONDAY + 2 * DAY, MONDAY + 9 * DAY, refusals.BOT_CHECK),
    Block(
        "a broken client for eight hours", MONDAY + 11 * DAY, MONDAY + 11 * DAY + 8 * HOUR, refusals.UNKNOWN
    ),
)
PACE = Pace(timedelta(minutes=15), per_minute=2, tabs=("videos", "streams"), look_gap=timedelta())


async def _play(bootstrap: str, folder: Path) -> int:
    connection = await fresh(Connection(bootstrap))
    weeks = scenario(40, 420, BLOCKS, MONDAY + 13 * DAY, MONDAY + 21 * DAY)
    played = Simulation(weeks, PACE, connection, folder)
    await played.play()
    show(played, Console(width=100))
    broken = list(broken_promises(played))
    print(*broken or ["no promise is broken"], sep="\n")
    return min(len(broken), 1)


def main() -> int:
    """Play it on a broker of its own. 1 where a promise was broken."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        bootstrap = broker.start(home)
        try:
            return asyncio.run(_play(bootstrap, home))
        finally:
            broker.stop(home)


if __name__ == "__main__":
    sys.exit(main())

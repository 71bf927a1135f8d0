"""Two bad days at a few channels; `python -m tests.week` plays three weeks at forty."""

from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from streams.discovery.due import Pace
from streams.log.connection import Connection
from streams.loopback import refusals
from tests.week.judge import broken_promises, show
from tests.week.scenario import DAY, HOUR, MONDAY, Block, scenario
from tests.week.simulation import Simulation

pytestmark = pytest.mark.kafka

BLOCKS = (
    Block("a bot check of ten hours", MONDAY + 12 * HOUR, MONDAY + 22 * HOUR, refusals.BOT_CHECK),
    Block("a broken client for four hours", MONDAY + 38 * HOUR, MONDAY + 42 * HOUR, refusals.UNKNOWN),
)
PACE = Pace(timedelta(minutes=30), per_minute=2, tabs=("videos", "streams"), look_gap=timedelta())


async def test_bad_days_lose_no_video_and_no_word(connection: Connection, tmp_path: Path) -> None:
    two_days = scenario(3, 16, BLOCKS, MONDAY + 2 * DAY, MONDAY + 10 * DAY)
    simulation = Simulation(two_days, PACE, connection, tmp_path)
    await simulation.play()
    show(simulation, Console())
    assert list(broken_promises(simulation)) == []

"""An outage of hours, at a scaled clock; `python -m tests.chaos.outage` also plays one of minutes and one of two days."""

import pytest

from streams.log.connection import Connection
from tests.chaos.outage import LENGTHS, play

pytestmark = pytest.mark.kafka


async def test_an_outage_loses_no_video_and_no_more_money_than_the_calls_in_flight_and_the_probes(
    connection: Connection,
) -> None:
    loss = await play(connection, LENGTHS["3 hours"], scale=1500)
    assert loss.lost == loss.attempts_lost == 0
    assert 0 < loss.calls <= loss.allowed

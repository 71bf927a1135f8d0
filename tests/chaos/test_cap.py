"""The budget under violence, in short; `python -m tests.chaos.cap` is the long run."""

from decimal import Decimal
from pathlib import Path

import pytest

from streams.log.connection import Connection
from tests.chaos.judge import judge
from tests.chaos.plan import Plan
from tests.chaos.violence import run

pytestmark = pytest.mark.kafka


async def test_no_violence_beats_the_cap_loses_a_video_or_calls_a_claim_twice(
    connection: Connection, tmp_path: Path
) -> None:
    """Kills, stops past the deadline, a day's end amid the work, a provider of all moods; the judge finds nothing."""
    plan = Plan(analysts=4, kills=2, stops=1, videos=400, cap_usd=Decimal("0.100"), seed=1, outage_s=6)
    judgement = judge(await run(plan, connection, tmp_path, limit_s=300))
    assert judgement.faults == []

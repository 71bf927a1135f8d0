"""The judge itself on trial: a fault planted in every analyst must not escape it."""

from decimal import Decimal
from pathlib import Path

import pytest

from streams.log.connection import Connection
from tests.chaos.judge import judge
from tests.chaos.plan import Plan
from tests.chaos.violence import run

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize(
    ("fault", "kills", "videos", "outage_s", "sign"),
    [
        ("skip_read_back", 1, 100, 0, "calls were made under claim"),
        ("ignore_expiry", 12, 400, 0, "calls were made under claim"),
        ("settle_before_recording", 1, 100, 0, "is lost"),
        ("ignore_shares", 0, 100, 0, "lane backfill was charged"),
        ("forget_the_breaker", 30, 300, 10, "the outage cost"),
        ("filter_for_free", 0, 200, 0, "was billed"),
    ],
)
async def test_a_planted_fault_turns_the_judge_red(
    connection: Connection, tmp_path: Path, fault: str, kills: int, videos: int, outage_s: float, sign: str
) -> None:
    """What is broken is named, not only that something is."""
    cap_usd = Decimal("0.00025") * videos
    plan = Plan(
        analysts=4,
        kills=kills,
        stops=0,
        videos=videos,
        cap_usd=cap_usd,
        seed=1,
        fault=fault,
        outage_s=outage_s,
    )
    judgement = judge(await run(plan, connection, tmp_path, limit_s=300))
    assert any(sign in found for found in judgement.faults), judgement

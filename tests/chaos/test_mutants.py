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
    ("fault", "kills", "videos", "sign"),
    [
        ("skip_read_back", 1, 100, "calls were made under claim"),
        ("ignore_expiry", 12, 400, "calls were made under claim"),
        ("settle_before_recording", 1, 100, "is lost"),
        ("ignore_shares", 0, 100, "lane backfill was charged"),
    ],
)
async def test_a_planted_fault_turns_the_judge_red(
    connection: Connection, tmp_path: Path, fault: str, kills: int, videos: int, sign: str
) -> None:
    """What is broken is named, not only that something is."""
    cap_usd = Decimal("0.00025") * videos
    plan = Plan(analysts=4, kills=kills, stops=0, videos=videos, cap_usd=cap_usd, seed=1, fault=fault)
    judgement = judge(await run(plan, connection, tmp_path, limit_s=300))
    assert any(sign in found for found in judgement.faults), judgement

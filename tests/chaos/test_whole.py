"""All of Earmark under violence, in short; `python -m tests.chaos.whole` is the long run."""

from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.whole import Plan, run

pytestmark = pytest.mark.kafka


async def test_whoever_is_killed_nothing_is_lost_or_doubled_and_nobody_is_left(tmp_path: Path) -> None:
    """Each process, the broker and `up` are killed once amid the work, and YouTube and Claude fail now and then."""
    assert await run(Plan(videos=8, seconds=0, seed=12), tmp_path, Console()) == []

from pathlib import Path

import pytest

from streams.log.connection import Connection
from tests.benchmarks.activation import measure

pytestmark = pytest.mark.kafka

VIDEOS = 600


async def test_the_activation_benchmark_at_a_small_size(connection: Connection, tmp_path: Path) -> None:
    """600 videos in place of 100,000: the ordinary worker tells what was counted, below the memory it may have."""
    measured = await measure(connection, VIDEOS, tmp_path)
    assert measured.signals == measured.counted == 3 * VIDEOS
    assert measured.peak_mb < 500

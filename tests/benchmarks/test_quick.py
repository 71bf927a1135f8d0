"""The benchmarks at their smallest: they run, and what they measure keeps its promises. No time is asserted."""

from pathlib import Path

import pytest

from projections.web.routes import PAGES
from streams.log.connection import Connection
from tests.benchmarks.__main__ import benchmarks
from tests.benchmarks.activation import QUICK
from tests.benchmarks.live import QUICK as QUICK_LIVE
from tests.benchmarks.rebuild import QUICK as QUICK_REBUILD
from tests.benchmarks.verbs import IMPORTED, VERBS
from tests.benchmarks.videos_log import RECORDS

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("name", benchmarks(quick=True))
async def test_every_benchmark_runs(name: str, connection: Connection, tmp_path: Path) -> None:
    """A row for each thing measured; nothing refused, and nothing billed that is not charged."""
    result = await benchmarks(quick=True)[name](connection, tmp_path)
    head, *body = result.rows
    assert body
    assert {len(row) for row in body} == {len(head)}
    if name == "backfill":
        assert result.numbers["refused_in_all"] == 0
        assert 0 < result.numbers["bill_usd"] <= result.numbers["charged_usd"]
    if name == "live":
        assert result.numbers["live"] == QUICK_LIVE.live
        assert result.numbers["claims_of_the_replay"] > 0
    if name == "discovery":
        assert result.numbers["5 an hour"] == pytest.approx(20, abs=3)
    if name == "freshness":
        assert 0 < result.numbers["seen"] == result.numbers["sent"]
        assert result.numbers["went_back"] == 0
    if name == "dashboard":
        assert 0 < result.numbers["seen"] == result.numbers["sent"]
        assert result.numbers["went_back"] == 0
        assert result.numbers["pages"] == len(PAGES)
    if name == "activation":
        assert result.numbers["told"] == result.numbers["counted"] == 3 * QUICK
        assert result.numbers["peak_mb"] < 500
    if name == "verbs":
        assert len(result.numbers) == len(body) == len(VERBS) + 1 + len(IMPORTED)
    if name == "rebuild":
        whole = QUICK_REBUILD.videos * RECORDS
        read = [result.numbers[f"all topics: {way}: records"] for way in ("0.1.0", "ours", "limit")]
        assert read == [whole] * 3
        assert result.numbers["all topics: SQLFlow's way: records"] == QUICK_REBUILD.videos

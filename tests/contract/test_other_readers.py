"""What other programs read of the read model: older versions of DuckDB its file, pandas and polars what was exported.

A view is kept as text, as the DuckDB that made it writes it: what an older one cannot read of it shows only there.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from projections.export import export
from projections.snapshots import LINK
from tests.builders import everything_read
from tests.builders.installed import environment_with
from tests.builders.snapshot import publish
from tests.unit.projections.test_overview_picture import ANSWER, world

OLDER = ("1.2.2", "1.5.6")
"""The first that is promised, and the newest before 2."""
FRAMES = ("pandas==3.1.1", "polars==2.1.0")


def read_by(script: str, what: Path, *packages: str) -> dict[str, Any]:
    """What a script of tests/builders prints, with these packages."""
    ran = subprocess.run(
        [sys.executable, Path(everything_read.__file__).with_name(script), what],
        env=environment_with(*packages),
        capture_output=True,
        text=True,
        check=True,
    )
    read: dict[str, Any] = json.loads(ran.stdout)
    return read


def test_an_older_duckdb_reads_all_that_this_one_does(tmp_path: Path) -> None:
    publish(tmp_path, *world())
    snapshot = tmp_path / LINK
    with ThreadPoolExecutor() as pool:
        older = pool.map(lambda version: read_by("everything_read.py", snapshot, f"duckdb=={version}"), OLDER)
        # Through JSON, as the others' comes.
        here = json.loads(json.dumps(everything_read.everything(snapshot)))
        assert here.pop("version") == duckdb.__version__
        assert sum(map(len, here.values())) > 50
        assert [name for name, rows in here.items() if isinstance(rows, str)] == []
        for version, found in zip(OLDER, older, strict=True):
            assert found.pop("version") == version
            assert found == here


def test_pandas_and_polars_read_an_export_as_it_is_meant(tmp_path: Path) -> None:
    """Ids as text, money and times exactly, lists as lists; in CSV a list is JSON and money a float."""
    publish(tmp_path, *world())
    for file_format in ("parquet", "csv"):
        export(tmp_path, tmp_path / file_format, file_format, datetime(2026, 3, 3, tzinfo=UTC))
        for file in (tmp_path / file_format).glob(f"*.{file_format}"):
            file.rename(tmp_path / file.name)
    said = {"analysis_id": str(ANSWER.analysis_id), "happened_at": ANSWER.at.isoformat()}
    exact = said | {"usd": ["Decimal", float(ANSWER.usd)], "themes": list(ANSWER.themes)}
    as_text = said | {"usd": ["float", float(ANSWER.usd)], "themes": json.dumps(ANSWER.themes)}
    assert read_by("frames_read.py", tmp_path, *FRAMES) == {
        "pandas": [exact],
        "polars": [exact],
        "pandas csv": [as_text],
        "polars csv": [as_text],
        "pandas, none": [],
        "polars, none": [],
    }

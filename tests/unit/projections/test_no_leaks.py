"""What a test run leaves behind at the interpreter's end."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_nothing_of_duckdb_outlives_a_run_with_hypothesis() -> None:
    """hypothesis and DuckDB in one process: the binding reports every object that is still there."""
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"),
            *("tests/unit/log/test_fetch_ranges.py", "tests/unit/projections/test_links.py"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "leaked" not in ran.stdout + ran.stderr

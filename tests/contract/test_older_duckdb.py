"""The read model's files open in DuckDB from 1.2 on, and every relation says there what it says here.

A view is kept as text, as the DuckDB that made it writes it: what an older one cannot read of it shows only there.
"""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb

from projections.snapshots import LINK
from tests.builders import everything_read
from tests.builders.snapshot import publish
from tests.unit.projections.test_overview_picture import world

OLDER = ("1.2.2", "1.5.6")
"""The first that is promised, and the newest before 2."""


def installed(version: str) -> Path:
    """A folder with that DuckDB, in the environment that runs the tests; the first run downloads it."""
    folder = Path(sys.prefix) / f"duckdb-{version}"
    if not folder.exists():
        uv = Path(sys.executable).with_name("uv")
        pip = [str(uv), "pip"] if uv.exists() else [sys.executable, "-m", "pip"]
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        into = ["--python", sys.executable] if uv.exists() else ["--disable-pip-version-check"]
        subprocess.run(
            [
                *(*pip, "install", "--quiet", *into, "--no-deps", "--only-binary", "duckdb"),
                *("--target", str(unfinished), f"duckdb=={version}"),
            ],
            check=True,
        )
        unfinished.rename(folder)
    return folder


def read_by(version: str, snapshot: Path) -> dict[str, Any]:
    """Everything that a snapshot says to that DuckDB."""
    ran = subprocess.run(
        [sys.executable, everything_read.__file__, str(snapshot)],
        env={**os.environ, "PYTHONPATH": str(installed(version))},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    assert found.pop("version") == version
    return found


def test_an_older_duckdb_reads_all_that_this_one_does(tmp_path: Path) -> None:
    publish(tmp_path, *world())
    snapshot = tmp_path / LINK
    with ThreadPoolExecutor() as pool:
        older = pool.map(read_by, OLDER, [snapshot] * len(OLDER))
        # Through JSON, as the others' comes.
        here = json.loads(json.dumps(everything_read.everything(snapshot)))
        assert here.pop("version") == duckdb.__version__
        assert sum(map(len, here.values())) > 50
        assert [name for name, rows in here.items() if isinstance(rows, str)] == []
        for version, found in zip(OLDER, older, strict=True):
            assert found == here, version

"""The worker of `tests/broker/worker_app.py` as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.log.connection import Connection

ROOT = Path(__file__).parents[2]
APP = ROOT / "tests/broker/worker_app.py"


@contextmanager
def worker(connection: Connection, folder: Path, slot: str = "w0") -> Iterator[subprocess.Popen[str]]:
    """A worker process; what is left of it at the end is killed."""
    process = subprocess.Popen(
        [sys.executable, APP, connection.bootstrap, connection.prefix, slot, folder],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()

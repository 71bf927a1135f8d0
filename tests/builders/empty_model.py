"""Empty read models in memory: what defines one takes most of a small test's time, so it is gone through once a process."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from projections.model import define


@cache
def _defined() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="earmark-model-"))
    atexit.register(shutil.rmtree, folder)
    file = folder / "defined.duckdb"
    with duckdb.connect(file) as database:
        define(database)
    return file


@contextmanager
def empty_model() -> Iterator[DuckDBPyConnection]:
    """A model as `define` makes it, copied in a third of the time."""
    with duckdb.connect(config={"threads": 1}) as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute(f"ATTACH '{_defined()}' AS defined (READ_ONLY)")
        database.execute("COPY FROM DATABASE defined TO memory")
        database.execute("DETACH defined")
        yield database

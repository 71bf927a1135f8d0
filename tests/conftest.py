"""One real broker a test run, and a fresh set of topics for each test that asks for a connection."""

import gc
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.broker import local as broker
from streams.log.connection import Connection
from streams.log.layout import apply
from tests.builders import kafka_classes

# What is imported stays, so the collector would look through it a hundred times and find nothing.
gc.disable()

SMALL = tuple(Path(__file__).with_name(folder) for folder in ("properties", "unit"))
BROKER = "TESTS_BROKER_HOME"
# Files in memory, on Linux: a fresh set of topics is 89 folders, whose way to the disk costs more than all else of them.
MEMORY = Path("/dev/shm")  # noqa: S108  a folder of its own is made in it
ROOM_BYTES = 4 * 2**30


def pytest_configure(config: pytest.Config) -> None:
    """Give a run with all its processes one home for its broker, and end that with the run."""
    if BROKER in os.environ:
        return
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES
    home = Path(tempfile.mkdtemp(prefix="earmark-tests-", dir=MEMORY if has_room else None))
    os.environ[BROKER] = str(home)
    classes = kafka_classes.archive()
    if classes is not None and classes.exists():
        os.environ.setdefault(kafka_classes.OPTIONS, f"-XX:SharedArchiveFile={classes}")

    def end() -> None:
        broker.stop(home)
        shutil.rmtree(home)
        del os.environ[BROKER]

    config.add_cleanup(end)


@pytest.fixture(scope="session")
def bootstrap() -> str:
    """The bootstrap servers of this run's broker; whichever of its processes asks first starts it."""
    return broker.start(Path(os.environ[BROKER]))


@pytest.fixture
async def connection(bootstrap: str) -> AsyncIterator[Connection]:
    """The log as it is before the first event: every topic there and empty, under a prefix that no other test has.

    Gone afterwards: a client that asks for topics is told of all there are, and a hundred tests leave thousands.
    """
    connection = Connection(bootstrap, prefix=f"t{uuid.uuid4().hex[:8]}.")
    admin = connection.admin()
    await admin.start()
    try:
        await apply(admin, connection.prefix)
        yield connection
        await admin.delete_topics(
            [name for name in await admin.list_topics() if name.startswith(connection.prefix)]
        )
    finally:
        await admin.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the many small files last, so that no process waits at the end for another that began a long one late."""
    items.sort(key=lambda item: any(map(item.path.is_relative_to, SMALL)))


def pytest_collection_finish() -> None:
    """Keep the collector from all that is there before the first test: to look through it takes longer than many a test."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    """Give the collector everything back, and take hypothesis's callback from it.

    Else modules outlive the interpreter, and DuckDB's binding reports its own types as leaked.
    """
    gc.unfreeze()
    gc.callbacks[:] = [hook for hook in gc.callbacks if not hook.__module__.startswith("hypothesis")]

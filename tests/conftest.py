"""One real broker a test run, and a fresh set of topics for each test that asks for a connection."""

import gc
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from streams.broker import local as broker
from streams.log.connection import Connection
from streams.log.layout import apply

SMALL = tuple(Path(__file__).with_name(folder) for folder in ("properties", "unit"))


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap servers of this run's broker."""
    home = tmp_path_factory.mktemp("earmark")
    yield broker.start(home)
    broker.stop(home)


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


def pytest_unconfigure() -> None:
    """Take back hypothesis's callback from the collector.

    It keeps modules alive past the interpreter's end, and DuckDB's binding then reports its own types as leaked.
    """
    gc.callbacks[:] = [hook for hook in gc.callbacks if not hook.__module__.startswith("hypothesis")]

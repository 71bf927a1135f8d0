"""The pages as a server in this process, and a home with a read model for it to show."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import aiohttp

from projections import model
from projections.snapshots import Snapshots
from projections.web.page import Look, Outside
from projections.web.server import Site, serve
from tests.builders.large_model import large_model

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def publish_large(home: Path, videos: int, *, times: int = 1) -> None:
    """A read model of so many videos, and that many snapshots of it."""
    file = model.generation_file(home, 1)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        large_model(file, videos)
    database = model.open_model(file)
    snapshots = Snapshots(home, file)
    for _ in range(times):
        snapshots.publish(database)
    database.close()
    snapshots.close()


async def nothing_outside() -> Outside:
    return Outside.not_known(NOON, "nothing runs in this test")


@asynccontextmanager
async def serving(
    home: Path, *, cap_usd: Decimal = Decimal(5), look: Look = nothing_outside, hosts: tuple[str, ...] = ()
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the pages on `home`, at noon; the server ends before it."""
    site = Site(home, cap_usd, look, lambda: NOON, hosts)
    runner = await serve(site.app(), "127.0.0.1", 0)
    host, port = runner.addresses[0]
    async with aiohttp.ClientSession(f"http://{host}:{port}") as client:
        try:
            yield client
        finally:
            await runner.cleanup()

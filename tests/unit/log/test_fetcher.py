"""A fetcher and a broker that says nothing. What it fetches from a real one: tests/broker/test_publish_fold.py."""

import asyncio
import time
from typing import Any

import pytest

from streams.errors import TransientError
from streams.log.connection import Connection
from streams.log.fetch import Fetcher
from streams.log.topics import ANALYSES

LIMIT_S = 0.2


class Silent:
    """A consumer whose broker is away; it loses every cancellation, as aiokafka may."""

    def assign(self, _partitions: object) -> None: ...

    def seek(self, _partition: object, offset: int) -> None:
        self.at = offset

    async def position(self, _partition: object) -> int:
        return self.at

    def highwater(self, _partition: object) -> int | None:
        return None

    async def getmany(self, _partition: object, *, timeout_ms: int, **_: object) -> dict[object, Any]:
        ends = time.monotonic() + timeout_ms / 1000
        while (left := ends - time.monotonic()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                continue
        return {}

    async def getone(self, partition: object) -> Any:
        while True:
            await self.getmany(partition, timeout_ms=100)


async def test_a_broker_that_brings_nothing_is_told_from_a_record_that_is_not_there() -> None:
    """The error says what was waited for, where, and for how long; neither it nor a lost cancellation holds up the next call."""
    log = Fetcher(Connection("nowhere:9092"), [Silent()], LIMIT_S)
    async with asyncio.timeout(10):
        for reading in (
            log.fetch(ANALYSES, 3, 17),
            log.fetch_many(ANALYSES, 3, [17, 400]),
            log.read(ANALYSES, 3, 17, 20, print),
        ):
            with pytest.raises(TransientError, match=r"^earmark\.analyses\[3\] brought .* 17 within 0\.2 s$"):
                await reading
        hung = asyncio.create_task(log.fetch(ANALYSES, 3, 17))
        await asyncio.sleep(0.05)
        hung.cancel()
        with pytest.raises(TransientError):
            await log.fetch(ANALYSES, 3, 17)
        with pytest.raises(TransientError):
            await hung

"""An analyst as a process to be killed: the real one, whose calls carry the id of the claim they are made under.

The id is the one of the last claim that the calling task appended, so a call without a claim of its own shows.
"""

import asyncio
import logging
import signal
import sys
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.analysis.analyse import analyse
from streams.analysis.symbols import Symbols
from streams.budget.limits import Limits
from streams.claude.client import Claude, Response, client
from streams.clock import utc_now
from streams.events.event import Event
from streams.events.ledger import BudgetReserved
from streams.log.connection import Connection
from streams.log.keeper import Shelf
from streams.log.publish import Appended, Publisher
from tests.chaos.faults import FAULTS

CLAIM_HEADER = "x-claim"
_claim: ContextVar[str] = ContextVar("claim")

log = logging.getLogger(__name__)


class NotingPublisher(Publisher):
    """Notes the claim that a task appends."""

    async def append(self, event: Event) -> Appended:
        if isinstance(event, BudgetReserved):
            _claim.set(str(event.attempt_id))
        return await super().append(event)


class ShowingClaude(Claude):
    """Shows the claim with every call."""

    async def call(self, request: dict[str, Any], time_limit_s: float) -> Response:
        claim = _claim.get(None)
        headers = {} if claim is None else {CLAIM_HEADER: claim}
        return await super().call({**request, "extra_headers": headers}, time_limit_s)


@dataclass(frozen=True)
class Job:
    """What every analyst of a run has in common."""

    connection: Connection
    base_url: str
    limits: Limits
    day_start_ms: int
    log_file: Path
    fault: str | None


def main(job: Job) -> None:
    """Be an analyst until SIGTERM; exit 1, with the reason in the log file, where it cannot go on."""
    logging.basicConfig(
        filename=job.log_file, level=logging.WARNING, format="%(asctime)s %(process)d %(name)s %(message)s"
    )
    if job.fault is not None:
        FAULTS[job.fault]()
    try:
        asyncio.run(_work(job))
    except Exception:
        log.exception("the analyst ended")
        sys.exit(1)


async def _work(job: Job) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    producer = job.connection.producer()
    try:
        await producer.start()
        appender = NotingPublisher(job.connection, producer)
        async with client("key", job.base_url, job.limits.calls_in_flight) as sdk:
            claude = ShowingClaude(sdk, utc_now)
            await analyse(
                job.connection,
                appender,
                claude,
                job.limits,
                Symbols(),
                utc_now,
                stop,
                job.day_start_ms,
                # All of a run keep theirs in the same place, and often: each that is started takes up another's.
                shelf=Shelf(job.log_file.with_name("analyst.checkpoint"), at_least=20, look_s=0.1),
            )
    finally:
        await producer.stop()

"""Claude answers nobody for minutes, hours, days: `python -m tests.chaos.outage` plays them at a scaled clock and prints the loss.

The real analyst, ledger and SDK; every wait of the analyst's is as many times shorter as the outage is.
"""

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from streams.broker import local as broker
from streams.clock import utc_now
from streams.events.analyses import AnalysisCompleted, AnalysisFailed
from streams.events.ledger import BudgetReserved, BudgetSettled
from streams.log.connection import Connection
from streams.log.topics import ANALYSES, LEDGER
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import SERVER_ERROR, Reply, Step
from tests.benchmarks.material import fresh
from tests.builders.analyst_scene import ANSWER, LIMITS, analysts, scene

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86_400.0
LENGTHS = {"8 minutes": 8 * MINUTE_S, "3 hours": 3 * HOUR_S, "2 days": 2 * DAY_S}
IN_FLIGHT = 8
WAITING = 24
ARRIVALS = 12
PROBES_S = (30.0, 900.0)
"""As Limits has them."""


@dataclass(frozen=True)
class Loss:
    """What an outage cost: `calls` without an answer and their US dollars, the most that were allowed, videos lost.

    `noticed_s` and `drained_s`: from its end to the first answer, and to the last; seconds of the outage's own clock.
    """

    calls: int
    allowed: int
    usd: Decimal
    lost: int
    attempts_lost: int
    noticed_s: float
    drained_s: float


def allowed_calls(length_s: float) -> int:
    """Those in flight as it begins, and the probes at growing intervals until it ends."""
    first_s, longest_s = PROBES_S
    probes, at_s, pause_s = 1, 0.0, first_s
    while at_s < length_s:
        probes, at_s, pause_s = probes + 1, at_s + pause_s, min(2 * pause_s, longest_s)
    return IN_FLIGHT + probes


async def play(connection: Connection, length_s: float, scale: float) -> Loss:
    """An outage of `length_s` seconds, with `scale` of them in one of ours."""
    limits = replace(
        LIMITS,
        calls_in_flight=IN_FLIGHT,
        retry_delays_s=(30 / scale, 300 / scale),
        probe_delays_s=(PROBES_S[0] / scale, PROBES_S[1] / scale),
    )
    is_away = True

    def answer(_: Mapping[str, Any]) -> Step:
        return SERVER_ERROR if is_away else Reply(ANSWER)

    async with scene(connection) as log, LoopbackClaude({}, improvise=answer) as claude:
        await log.ask(*(f"v{number}" for number in range(WAITING)))
        async with analysts(log, claude.base_url, limits=limits):
            await log.until(LEDGER, [BudgetSettled], 1)  # or it would be over before the analyst has begun
            for number in range(ARRIVALS):
                await asyncio.sleep(length_s / scale / ARRIVALS)
                await log.ask(f"n{number}")
            is_away, ended = False, utc_now()
            await log.until(ANALYSES, [AnalysisCompleted], 1)
            noticed = utc_now()
            await log.until(ANALYSES, [AnalysisCompleted], WAITING + ARRIVALS)
            drained = utc_now()
        unanswered = [one for one in await log.events(LEDGER, BudgetSettled) if one.unanswered]
        claims = await log.events(LEDGER, BudgetReserved)
        return Loss(
            calls=len(unanswered),
            allowed=allowed_calls(length_s),
            usd=sum((one.usd for one in unanswered), Decimal(0)),
            lost=len(await log.events(ANALYSES, AnalysisFailed)),
            attempts_lost=sum(claim.attempt > 1 for claim in claims),
            noticed_s=(noticed - ended).total_seconds() * scale,
            drained_s=(drained - ended).total_seconds() * scale,
        )


async def _all(bootstrap: str) -> int:
    broken = 0
    for name, length_s in LENGTHS.items():
        loss = await play(await fresh(Connection(bootstrap)), length_s, scale=max(500.0, length_s / 60))
        print(name, loss)
        broken += loss.lost > 0 or loss.calls > loss.allowed
    return broken


def main() -> int:
    """Play each length. How many lost a video, or more money than they may."""
    with tempfile.TemporaryDirectory() as home:
        bootstrap = broker.start(Path(home))
        try:
            return asyncio.run(_all(bootstrap))
        finally:
            broker.stop(Path(home))


if __name__ == "__main__":
    sys.exit(main())

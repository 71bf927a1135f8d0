"""The judge on trial: a fault planted in every analyst must not escape it. `python -m tests.chaos.mutants` plants them all."""

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from streams.broker import local
from streams.log.connection import Connection
from tests.benchmarks.material import fresh
from tests.chaos.judge import Judgement, judge
from tests.chaos.plan import Plan
from tests.chaos.violence import run


@dataclass(frozen=True)
class Trial:
    """A fault, the run that brings it out, and what the judge must say of it. `long`: it is planted on demand."""

    fault: str
    kills: int
    videos: int
    outage_s: float
    sign: str
    long: bool = False


TRIALS = (
    Trial("skip_read_back", 1, 100, 0, "calls were made under claim", long=True),
    Trial("ignore_expiry", 12, 400, 0, "calls were made under claim", long=True),
    Trial("settle_before_recording", 1, 100, 0, "is lost", long=True),
    Trial("ignore_shares", 0, 60, 0, "lane backfill was charged"),
    Trial("forget_the_breaker", 30, 300, 10, "the outage cost", long=True),
    Trial("filter_for_free", 0, 200, 0, "was billed", long=True),
    Trial("forget_what_is_open", 12, 400, 0, "calls were made under claim", long=True),
)


async def judged(trial: Trial, connection: Connection, folder: Path) -> Judgement:
    """What the judge says of analysts with that fault."""
    plan = Plan(
        analysts=4,
        kills=trial.kills,
        stops=0,
        videos=trial.videos,
        cap_usd=Decimal("0.00025") * trial.videos,
        seed=1,
        fault=trial.fault,
        outage_s=trial.outage_s,
    )
    return judge(await run(plan, connection, folder, limit_s=300))


def main() -> None:
    """Plant every fault; exit code 1 where one escapes."""
    escaped = 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        bootstrap = local.start(home)
        try:
            for trial in TRIALS:
                place = Path(folder) / trial.fault
                place.mkdir()
                connection = asyncio.run(fresh(Connection(bootstrap)))
                faults = asyncio.run(judged(trial, connection, place)).faults
                found = any(trial.sign in fault for fault in faults)
                escaped += not found
                print(f"{trial.fault}: {'found' if found else f'ESCAPED, {faults}'}", flush=True)
        finally:
            local.stop(home)
    sys.exit(1 if escaped else 0)


if __name__ == "__main__":
    main()

"""The budget under violence: `python -m tests.chaos.cap --analysts 4 --kills 200 --stops 50 --videos 2000 --cap 0.50`.

A real broker, real analysts, a loopback Claude as the witness. Exit code 1, and a line each, where a promise was broken.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from streams.broker import local as broker
from streams.log.connection import Connection
from streams.log.layout import apply
from tests.chaos.faults import FAULTS
from tests.chaos.judge import Judgement, judge
from tests.chaos.plan import Plan
from tests.chaos.violence import run

LIMIT_S = 3600.0


def main() -> None:
    plan = _plan()
    print(plan)
    with tempfile.TemporaryDirectory(prefix="earmark-chaos-") as folder:
        home = Path(folder)
        connection = Connection(broker.start(home))
        try:
            began = time.monotonic()
            judgement = asyncio.run(_prove(plan, connection, home))
            print(f"{'seconds':45}{time.monotonic() - began:.0f}")
        finally:
            broker.stop(home)
    for name, number in judgement.numbers.items():
        print(f"{name:45}{number}")
    for fault in judgement.faults:
        print("BROKEN:", fault)
    if not judgement.faults:
        print(f"The cap held: {plan.kills} kills, {plan.stops} stops past the deadline.")
    sys.exit(bool(judgement.faults))


def _plan() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.cap", description=__doc__)
    parser.add_argument("--analysts", type=int, default=4)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--stops", type=int, default=50)
    parser.add_argument("--videos", type=int, default=2000)
    parser.add_argument("--cap", type=Decimal, default=Decimal("0.50"), help="US dollars a day")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--outage", type=float, default=20.0, help="seconds in which Claude answers nobody")
    parser.add_argument("--fault", choices=FAULTS, help="plant this fault in the analysts")
    asked = parser.parse_args()
    return Plan(
        asked.analysts,
        asked.kills,
        asked.stops,
        asked.videos,
        asked.cap,
        asked.seed,
        asked.fault,
        asked.outage,
    )


async def _prove(plan: Plan, connection: Connection, home: Path) -> Judgement:
    admin = connection.admin()
    await admin.start()
    try:
        await apply(admin, connection.prefix)
    finally:
        await admin.close()
    return judge(await run(plan, connection, home, LIMIT_S))


if __name__ == "__main__":
    main()

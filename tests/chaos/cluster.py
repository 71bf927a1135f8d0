"""Three brokers under violence: `python -m tests.chaos.cluster --kills 6`.

Three replicas, a loopback Claude as the witness, and kill -9 of brokers in mid-work, the ledger's leader first, then each
in turn: under analysts at the cap, and under `earmark up` as a whole. Exit code 1, and a line each, where a promise was broken.
"""

import argparse
import asyncio
import logging
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from streams.budget.entries import Claim, Settlement, read_entry
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import ends_of
from streams.log.layout import administrator, apply
from streams.log.topics import LEDGER
from tests.builders.kafka_cluster import NODES, Cluster, cluster
from tests.chaos.cluster_walk import walk
from tests.chaos.judge import Evidence, Judgement, judge
from tests.chaos.plan import Plan
from tests.chaos.violence import now_ms, run

LIMIT_S = 3600.0
GOES_ON_WITHIN_S = 30.0
REPLICAS = 3
AWAY_S = 15.0
RECORDS_BETWEEN = 60
EVERY_S = 0.05


@dataclass(frozen=True)
class Kill:
    """A broker that was killed at `at_ms`."""

    node: int
    at_ms: int
    led_the_ledger: bool


@dataclass(frozen=True)
class Outcome:
    """What the judge found, and how long after each kill the first claim was made, granted, called and settled (s)."""

    judgement: Judgement
    kills: Sequence[Kill]
    silences_s: Sequence[float]


async def prove(plan: Plan, brokers: Cluster, home: Path, limit_s: float = LIMIT_S) -> Outcome:
    """Carry `plan` out while brokers are killed, and judge it."""
    connection = brokers.connection(f"{home.name}.")
    async with administrator(connection) as admin:
        await apply(admin, connection.prefix, REPLICAS)
    working = asyncio.create_task(run(plan, connection, home, limit_s))
    killing = asyncio.create_task(_kill(plan, brokers, connection))
    try:
        await asyncio.wait({working, killing}, return_when=asyncio.FIRST_COMPLETED)
        if killing.done():
            killing.result()
        evidence = await working
        killed = await killing if killing.done() else []
    finally:
        for task in (working, killing):
            task.cancel()
        await asyncio.gather(working, killing, return_exceptions=True)
    judgement = judge(evidence)
    if len(killed) < plan.broker_kills:
        judgement.faults.append("the work was done before every broker was killed")
    silences_s = [_silence_s(evidence, kill.at_ms) for kill in killed]
    judgement.faults.extend(
        f"after node {kill.node} was killed, work went on only after {silence:.1f} s"
        for kill, silence in zip(killed, silences_s, strict=True)
        if silence > GOES_ON_WITHIN_S
    )
    return Outcome(judgement, killed, silences_s)


async def _kill(plan: Plan, brokers: Cluster, connection: Connection) -> list[Kill]:
    done: list[Kill] = []
    while len(done) < plan.broker_kills:
        if done:
            await asyncio.sleep(AWAY_S)
            await brokers.bring_back(done[-1].node, connection)
        await _grown(connection, RECORDS_BETWEEN + (0 if done else plan.requests_at_once))
        leader = await brokers.leader(connection, LEDGER)
        # The ledger's leader first, then each in turn, whatever it leads.
        node = (done[-1].node % NODES + 1) if done else leader
        done.append(Kill(node, now_ms(), node == leader))
        await asyncio.to_thread(brokers.kill, node)
    return done


async def _grown(connection: Connection, records: int) -> None:
    """Wait until the ledger has so many records more."""
    [start] = await ends_of(connection, LEDGER)
    while (await ends_of(connection, LEDGER))[0] < start + records:  # noqa: ASYNC110  analysts are other processes
        await asyncio.sleep(EVERY_S)


def _silence_s(evidence: Evidence, at_ms: int) -> float:
    """Seconds until a claim that was made after `at_ms` was settled: everything between them works again."""
    claimed = set()
    for record in _after(evidence.ledger, at_ms):
        match read_entry(record):
            case Claim(attempt_id=attempt_id):
                claimed.add(attempt_id)
            case Settlement(attempt_id=attempt_id) if attempt_id in claimed:
                return (record.timestamp_ms - at_ms) / 1000
    return float("inf")


def _after(records: Sequence[Record], at_ms: int) -> list[Record]:
    return [record for record in records if record.timestamp_ms > at_ms]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.cluster", description=__doc__)
    parser.add_argument("--kills", type=int, default=6, help="of brokers, in each of the two runs")
    parser.add_argument("--analysts", type=int, default=4)
    parser.add_argument("--videos", type=int, default=4000)
    parser.add_argument("--cap", type=Decimal, default=Decimal("1.00"), help="US dollars a day")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    asked = parser.parse_args()
    plan = Plan(asked.analysts, 0, 0, asked.videos, asked.cap, asked.seed, broker_kills=asked.kills)
    print(plan)
    # A broker that is away makes it shout.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="earmark-cluster-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        with cluster(Path(folder) / "kafka") as brokers:
            faults = [
                *asyncio.run(_cap(plan, brokers, home)),
                *asyncio.run(_walk(brokers, home, asked.kills)),
            ]
    for fault in faults:
        print("BROKEN:", fault)
    if not faults:
        print(f"Nothing lost or doubled and the cap held: {asked.kills} kills of brokers, twice.")
    sys.exit(bool(faults))


async def _cap(plan: Plan, brokers: Cluster, home: Path) -> list[str]:
    """Analysts at the cap."""
    began = time.monotonic()
    outcome = await prove(plan, brokers, home)
    print(f"{'analysts at the cap, seconds':45}{time.monotonic() - began:.0f}")
    for name, number in outcome.judgement.numbers.items():
        print(f"{name:45}{number}")
    for kill, silence_s in zip(outcome.kills, outcome.silences_s, strict=True):
        what = f"node {kill.node} killed{', the leader of the ledger' if kill.led_the_ledger else ''}"
        print(f"{what:45}a new claim is settled after {silence_s:.1f} s")
    if outcome.kills:
        await brokers.bring_back(outcome.kills[-1].node, brokers.connection(f"{home.name}."))
    return outcome.judgement.faults


async def _walk(brokers: Cluster, home: Path, kills: int) -> list[str]:
    """Everything that `earmark up` runs."""
    faults, silences_s = await walk(brokers, home / "walk", kills)
    for number, silence_s in enumerate(silences_s, 1):
        print(
            f"{f'kill {number} under `earmark up`':45}a new video is in the read model after {silence_s:.1f} s"
        )
    return faults + [
        f"a new video took {silence_s:.1f} s" for silence_s in silences_s if silence_s > GOES_ON_WITHIN_S
    ]


if __name__ == "__main__":
    main()

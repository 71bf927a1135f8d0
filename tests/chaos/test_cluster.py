"""Three brokers, one of them killed; `python -m tests.chaos.cluster` is the long run."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from streams.log.layout import administrator, existing_layouts, plan
from streams.log.topics import LEDGER
from tests.builders.kafka_cluster import Cluster, cluster
from tests.chaos.cluster import GOES_ON_WITHIN_S, REPLICAS, prove
from tests.chaos.plan import Plan

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("kafka")) as found:
        yield found


async def test_the_ledgers_leader_is_killed_in_mid_work_and_nothing_is_lost_or_doubled(
    brokers: Cluster, tmp_path: Path
) -> None:
    """The cap holds, and work goes on within 30 s while that broker stays away."""
    proof = Plan(analysts=2, kills=0, stops=0, videos=120, cap_usd=Decimal("0.030"), seed=1, broker_kills=1)
    outcome = await prove(proof, brokers, tmp_path, limit_s=120)
    assert outcome.judgement.faults == []
    assert outcome.kills[0].led_the_ledger
    assert outcome.silences_s[0] < GOES_ON_WITHIN_S
    async with administrator(brokers.connection(f"{tmp_path.name}.")) as admin:
        layouts = await existing_layouts(admin, f"{tmp_path.name}.")
    assert plan(layouts, f"{tmp_path.name}.", replication_factor=REPLICAS).is_empty
    ledger = layouts[f"{tmp_path.name}.{LEDGER.name}"]
    assert ledger.replicas == REPLICAS
    assert ledger.config["min.insync.replicas"] == "2"
    assert ledger.config["unclean.leader.election.enable"] == "false"
    await brokers.bring_back(outcome.kills[0].node, brokers.connection(f"{tmp_path.name}."))

"""Three nodes on loopback, each a broker and a controller, with Kafka's own defaults."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.log.connection import Connection
from streams.log.layout import administrator
from streams.log.topics import Topic
from tests.builders.kafka_nodes import CLUSTER_ID, START_LIMIT_S, Node, ports, running, serving

NODES = 3
NAMES = {
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
}


@dataclass(frozen=True)
class Cluster:
    """`nodes` by their number less one."""

    nodes: tuple[Node, ...]
    bootstrap: str

    def connection(self, prefix: str) -> Connection:
        """To all three."""
        return Connection(self.bootstrap, prefix)

    async def leader(self, connection: Connection, topic: Topic) -> int:
        """The number of the node that leads the topic's first partition."""
        async with administrator(connection) as admin:
            [found] = await admin.describe_topics([connection.name(topic)])
            [leader] = [part["leader"] for part in found["partitions"] if part["partition"] == 0]
            return int(leader)

    def kill(self, number: int) -> None:
        """Kill -9."""
        self.nodes[number - 1].kill()

    async def bring_back(self, number: int, connection: Connection) -> None:
        """Start a node again, and wait until it has caught up with every topic of `connection`."""
        self.nodes[number - 1].start()
        async with asyncio.timeout(START_LIMIT_S), administrator(connection) as admin:
            while True:
                found = [
                    partition
                    for topic in await admin.describe_topics()
                    if topic["topic"].startswith(connection.prefix)
                    for partition in topic["partitions"]
                ]
                if all(len(partition["isr"]) == len(partition["replicas"]) for partition in found):
                    return
                await asyncio.sleep(0.2)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """The cluster, for as long as the block lasts."""
    folder.mkdir(exist_ok=True)
    free = ports(2 * NODES)
    brokers, controllers = free[:NODES], free[NODES:]
    voters = ",".join(f"{number}@127.0.0.1:{port}" for number, port in enumerate(controllers, 1))
    nodes = tuple(
        Node(
            folder / f"node-{number}",
            {
                **NAMES,
                "process.roles": "broker,controller",
                "node.id": f"{number}",
                "controller.quorum.voters": voters,
                "listeners": f"PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}",
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker}",
            },
        )
        for number, (broker, controller) in enumerate(zip(brokers, controllers, strict=True), 1)
    )
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: node.format(f"--cluster-id={CLUSTER_ID}"), nodes))
    found = Cluster(nodes, ",".join(f"127.0.0.1:{port}" for port in brokers))
    with running(nodes):
        asyncio.run(serving(Connection(found.bootstrap), NODES))
        yield found

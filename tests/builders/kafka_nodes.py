"""Kafka as other people run it: nodes of the product's own jars, with settings of their own."""

import asyncio
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.errors import KafkaError

from streams.broker.jars import find_java, installed_javas, kafka_jars
from streams.broker.server import FORMATTER_CLASS, JVM_OPTIONS, SERVER_CLASS, free_ports
from streams.log.access import AwayError, check_access
from streams.log.connection import Connection

START_LIMIT_S = 90.0
CLUSTER_ID = "EarmarkTestsNodesAbcdA"
# What Kafka's own server.properties says, for its defaults want three brokers.
ONE_NODE = {
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}


@dataclass
class Node:
    """One process that is a broker and a controller; its data outlives it. `settings`: its server.properties."""

    folder: Path
    settings: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    @property
    def said(self) -> str:
        """What it wrote on its output."""
        return (self.folder / "kafka.log").read_text(errors="replace")

    def format(self, *options: str) -> None:
        """Make its folder."""
        self.folder.mkdir(parents=True)
        settings = {**self.settings, "log.dirs": str(self.folder / "data")}
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        ran = self._java(FORMATTER_CLASS, "format", f"--config={self._properties}", *options)
        assert ran.wait() == 0, self.said

    def start(self) -> None:
        """Start it, or start it again."""
        self.process = self._java(SERVER_CLASS, str(self._properties))

    def kill(self) -> None:
        """Kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _java(self, *words: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "CLASSPATH": os.pathsep.join(map(str, kafka_jars())),
            "LC_ALL": "C.UTF-8",
        }
        command = [str(find_java(installed_javas())), *JVM_OPTIONS, *words]
        with (self.folder / "kafka.log").open("ab") as log:
            return subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )


def ports(count: int) -> list[int]:
    """So many free ports of loopback, all different."""
    found: list[int] = []
    while len(found) < count:
        found += [port for port in free_ports(0) if port not in found]
    return found[:count]


async def serving(connection: Connection, brokers: int) -> None:
    """Wait until so many brokers are in the cluster."""
    async with asyncio.timeout(START_LIMIT_S):
        while await _brokers(connection) < brokers:  # noqa: ASYNC110 - a broker gives no sign
            await asyncio.sleep(0.1)


async def _brokers(connection: Connection) -> int:
    try:
        await check_access(connection, 0)
    except AwayError:
        return 0
    admin = connection.admin()
    try:
        await admin.start()
        return len((await admin.describe_cluster())["brokers"])
    except KafkaError:
        return 0
    finally:
        await admin.close()


@contextmanager
def running(nodes: Sequence[Node]) -> Iterator[None]:
    """The nodes from their start to their end."""
    try:
        for node in nodes:
            node.start()
        yield
    finally:
        for node in nodes:
            node.kill()

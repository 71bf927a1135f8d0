"""Kafka's server as the local broker runs it: settings, the properties file, the data folder, free ports."""

import base64
import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from streams.errors import EarmarkError
from streams.log.topics import MAX_MESSAGE_BYTES

SERVER_CLASS = "kafka.Kafka"
FORMATTER_CLASS = "kafka.tools.StorageTool"
_META = "meta.properties"
# What a cluster of one node needs, wherever it runs; docker-compose.yml says the same.
SERVER_SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Else a worker that was away for a week would begin anew, and ask YouTube for every video there is.
    "offsets.retention.minutes": "5256000",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    "message.max.bytes": str(MAX_MESSAGE_BYTES),
}
# 300 MB resident; the simple compiler is enough and starts in half the time.
JVM_OPTIONS = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ssXXX",
)


def properties(data: Path, port: int, controller_port: int) -> str:
    """The text of server.properties for a broker on loopback that keeps its log in `data`."""
    listener = f"PLAINTEXT://127.0.0.1:{port}"
    settings = {
        **SERVER_SETTINGS,
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller_port}",
        "listeners": f"{listener},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": listener,
        "log.dirs": str(data),
    }
    # Java reads such a file as Latin-1 with JSON's escapes.
    return "".join(f"{name}={json.dumps(value)[1:-1]}\n" for name, value in settings.items())


def port_in(text: str) -> int:
    """The broker's port in a properties file's text, 0 where it names none."""
    found = re.search(r"^advertised\.listeners=.*:(\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else 0


def free_ports(wanted: int) -> tuple[int, int]:
    """Two free ports of loopback, the first one `wanted` if that is free; 0: any."""
    with socket.socket() as first, socket.socket() as second:
        for listener, port in ((first, wanted), (second, 0)):
            # As the server does it: a connection that lingers from the last run does not take the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                listener.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def is_formatted(data: Path) -> bool:
    """Whether `data` was formatted whole."""
    meta = data / _META
    return meta.exists() and "cluster.id=" in meta.read_text()


def cluster_id(data: Path) -> str:
    """The id of the folder's cluster, as its clients see it."""
    return next(
        line.removeprefix("cluster.id=")
        for line in (data / _META).read_text().splitlines()
        if line.startswith("cluster.id=")
    )


def format_data(data: Path, java: Path, environment: Mapping[str, str]) -> None:
    """Make the data folder, whole or not at all: formatted beside its place, then renamed.

    Raises EarmarkError where there is a log already, subprocess.CalledProcessError with the formatter's words.
    """
    if any(data.glob("*/*.log")):
        raise EarmarkError(
            f"{data} holds a log, but its {_META} is gone or damaged: put that file back, or move the folder away to"
            " begin a new log"
        )
    for leftover in data.parent.glob("formatting-*"):
        shutil.rmtree(leftover)
    if data.exists():
        # Not Earmark's doing: what is in it is for its owner to say.
        data.rename(data.with_name(f"{data.name}-unformatted-{time.time_ns()}"))
    with tempfile.TemporaryDirectory(prefix="formatting-", dir=data.parent) as folder:
        made = Path(folder) / data.name
        config = Path(folder) / "server.properties"
        config.write_text(properties(made, *free_ports(0)))
        ran = subprocess.run(  # noqa: S603 - our own command, no shell
            [
                java,
                *JVM_OPTIONS,
                FORMATTER_CLASS,
                "format",
                "--standalone",
                f"--cluster-id={_new_cluster_id()}",
                f"--config={config}",
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        if not is_formatted(made):  # on a full disk the formatter is content with an empty file
            raise subprocess.CalledProcessError(ran.returncode, ran.args, ran.stdout)
        made.rename(data)


def _new_cluster_id() -> str:
    """A random Kafka uuid; it begins with a letter, for a dash would look like an option."""
    return "E" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]

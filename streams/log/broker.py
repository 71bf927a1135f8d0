"""The local broker: a real Apache Kafka, KRaft mode, as a process of its own that outlives its starter.

There is no pid file to go stale: the broker is the process whose command line ends in `kafka.Kafka` and this home's
properties file, and its address stands on that command line too.
"""

import asyncio
import base64
import errno
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError

from streams.errors import EarmarkError
from streams.log.connection import Connection
from streams.log.jars import find_java, installed_javas, kafka_jars
from streams.log.topics import MAX_MESSAGE_BYTES

# What a broker of one node needs, wherever it runs; docker-compose.yml says the same.
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
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    "message.max.bytes": str(MAX_MESSAGE_BYTES),
}
JVM_OPTIONS = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ssXXX",
)
SERVER_CLASS = "kafka.Kafka"
_ADDRESS = "-Dearmark.bootstrap="
START_LIMIT_S = 120.0
STOP_LIMIT_S = 30.0
_PAUSE_S = 0.05


@dataclass(frozen=True)
class Status:
    """The local broker of a home: `bootstrap` and `pid` are None while none runs."""

    bootstrap: str | None
    pid: int | None
    data: Path
    log: Path

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.pid is not None


@dataclass(frozen=True)
class _Place:
    """Where a home keeps its broker."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "kafka"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def properties(self) -> Path:
        return self.folder / "server.properties"

    @property
    def log(self) -> Path:
        return self.home / "logs" / "kafka.log"


def start(home: Path) -> str:
    """Start the broker of `home`, or find the one that runs, wait until it serves and return its bootstrap servers.

    Blocks; must not be called on a thread that runs an event loop. Raises EarmarkError, with what to do, where there
    is no Java, no download, no space, or a broker that ends or does not come to serve.
    """
    place = _Place(home.resolve())
    try:
        with _alone(place):
            process = _process(place) or _spawn(place)
            return _await_serving(place, process)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _disk_full(place) from error
        raise EarmarkError(f"the local broker cannot use {place.home}: {error}") from error


def stop(home: Path) -> bool:
    """End the broker of `home` and wait until it is gone; False when none ran."""
    place = _Place(home.resolve())
    if not place.folder.is_dir():
        return False
    with _alone(place):
        if (process := _process(place)) is None:
            return False
        for sign in (signal.SIGTERM, signal.SIGKILL):
            _signal(process.pid, sign)
            deadline = time.monotonic() + STOP_LIMIT_S
            while time.monotonic() < deadline:
                if _process(place) is None:
                    return True
                time.sleep(_PAUSE_S)
    raise EarmarkError(f"the local broker (process {process.pid}) does not end: see {place.log}")


def find(home: Path) -> str | None:
    """The bootstrap servers of the broker of `home`, or None when none runs."""
    return status(home).bootstrap


def status(home: Path) -> Status:
    """What there is of the broker of `home`."""
    place = _Place(home.resolve())
    process = _process(place)
    return Status(
        bootstrap=_bootstrap(process) if process else None,
        pid=process.pid if process else None,
        data=place.data,
        log=place.log,
    )


@contextmanager
def _alone(place: _Place) -> Iterator[None]:
    place.folder.mkdir(parents=True, exist_ok=True)
    place.log.parent.mkdir(parents=True, exist_ok=True)
    with (place.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class _Process:
    pid: int
    command: tuple[str, ...]


def _process(place: _Place) -> _Process | None:
    """The broker's process. A zombie has no command line, so it is none."""
    tail = (SERVER_CLASS, str(place.properties))
    for process in psutil.process_iter(["cmdline"]):
        command = tuple(process.info["cmdline"] or ())
        if command[-2:] == tail:
            return _Process(process.pid, command)
    return None


def _bootstrap(process: _Process) -> str:
    return next(part.removeprefix(_ADDRESS) for part in process.command if part.startswith(_ADDRESS))


def _signal(pid: int, sign: signal.Signals) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return


def _spawn(place: _Place) -> _Process:
    java = find_java(installed_javas())
    environment = {**os.environ, "CLASSPATH": os.pathsep.join(str(jar) for jar in kafka_jars())}
    port, controller_port = _free_ports(_written_port(place))
    bootstrap = f"127.0.0.1:{port}"
    place.properties.write_text(_properties(place.data, port, controller_port))
    if not (place.data / "meta.properties").exists():
        _format(place, java, environment)
    command = (
        str(java),
        *JVM_OPTIONS,
        f"-XX:ErrorFile={place.log.with_name('kafka-crash.log')}",
        f"{_ADDRESS}{bootstrap}",
        SERVER_CLASS,
        str(place.properties),
    )
    # A session of its own: Ctrl-C in the starter's terminal does not reach it. Not Popen, which would warn that its
    # child is still there when the starter goes.
    pid = os.posix_spawn(
        command[0],
        command,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(place.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    return _Process(pid, command)


def _properties(data: Path, port: int, controller_port: int) -> str:
    listener = f"PLAINTEXT://127.0.0.1:{port}"
    settings = {
        **SERVER_SETTINGS,
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller_port}",
        "listeners": f"{listener},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": listener,
        "log.dirs": str(data),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _written_port(place: _Place) -> int:
    """The port of the last start, or 0 where there was none."""
    if not place.properties.exists():
        return 0
    found = re.search(r"^advertised\.listeners=.*:(\d+)$", place.properties.read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


def _free_ports(wanted: int) -> tuple[int, int]:
    """Two free ports, the first one `wanted` if that is free."""
    with socket.socket() as first, socket.socket() as second:
        for listener, port in ((first, wanted), (second, 0)):
            # As the server does it: a connection that lingers from the last run does not take the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                listener.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def _format(place: _Place, java: Path, environment: Mapping[str, str]) -> None:
    """Make the data folder, whole or not at all."""
    for leftover in place.folder.glob("formatting-*"):
        shutil.rmtree(leftover)
    if place.data.exists():
        # Nothing that was formatted whole looks like this, but what it is, is for its owner to say.
        place.data.rename(place.data.with_name(f"data-without-meta-{time.time_ns()}"))
    with tempfile.TemporaryDirectory(prefix="formatting-", dir=place.folder) as folder:
        data = Path(folder) / "data"
        properties = Path(folder) / "server.properties"
        properties.write_text(_properties(data, *_free_ports(0)))
        told = subprocess.run(  # noqa: S603 - our own command, no shell
            [
                java,
                *JVM_OPTIONS,
                "kafka.tools.StorageTool",
                "format",
                "--standalone",
                f"--cluster-id={_cluster_id()}",
                f"--config={properties}",
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if told.returncode != 0:
            raise _ended(place, told.stdout + told.stderr)
        data.rename(place.data)


def _cluster_id() -> str:
    """A random Kafka uuid; it begins with a letter, for a dash would look like an option."""
    return "E" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]


def _await_serving(place: _Place, process: _Process) -> str:
    bootstrap = _bootstrap(process)
    host, port = bootstrap.split(":")
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        with socket.socket() as knock:
            answers = knock.connect_ex((host, int(port))) == 0
        if answers and asyncio.run(_serves(bootstrap)):
            return bootstrap
        if _process(place) is None:
            raise _ended(place, _last_words(place.log))
        time.sleep(_PAUSE_S)
    raise EarmarkError(
        f"the local broker does not serve after {START_LIMIT_S:.0f} s: see {place.log}; `earmark broker stop` ends it"
    )


async def _serves(bootstrap: str) -> bool:
    """Whether a topic could be created now and every partition there is has a leader."""
    admin = Connection(bootstrap).admin()
    try:
        await admin.start()
        probe = await admin.create_topics([NewTopic("probe", 1, 1)], validate_only=True)
        topics = await admin.describe_topics()
    except KafkaError:
        return False
    finally:
        await admin.close()
    created = all(code == 0 for _name, code, *_message in probe.topic_errors)
    return created and all(part["leader"] >= 0 for topic in topics for part in topic["partitions"])


def _last_words(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        return file.read().decode(errors="replace")


def _ended(place: _Place, words: str) -> EarmarkError:
    if "No space left on device" in words:
        return _disk_full(place)
    lines = [line for line in words.splitlines() if "ERROR" in line or "Exception" in line]
    return EarmarkError(f"the local broker ended at its start: see {place.log}; {' … '.join(lines[-1:])}")


def _disk_full(place: _Place) -> EarmarkError:
    return EarmarkError(
        f"the disk is full: the local broker keeps its data in {place.folder}; free some space and start again"
    )

"""The local broker: a real Apache Kafka in KRaft mode, a process of its own that outlives its starter."""

import asyncio
import errno
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError

from streams.broker.jars import find_java, installed_javas, kafka_jars
from streams.broker.place import ADDRESS, KEPT, Place, Process, lives, place_of, process_of
from streams.broker.server import (
    JVM_OPTIONS,
    SERVER_CLASS,
    cluster_id,
    format_data,
    free_ports,
    is_formatted,
    port_in,
    properties,
)
from streams.errors import EarmarkError
from streams.log.connection import Connection
from streams.parent import PARENT

START_LIMIT_S = 120.0
STOP_LIMIT_S = 30.0
_ANSWER_LIMIT_S = 5.0
_RELEASE_LIMIT_S = 2.0
_PAUSE_S = 0.05
_WANTED_LIMIT_S = 15.0
_TOPIC_EXISTS = 36


@dataclass(frozen=True)
class Status:
    """The local broker of a home: `bootstrap` and `pid` are None while none runs; `kept`: its starter stops it."""

    bootstrap: str | None
    pid: int | None
    data: Path
    log: Path
    kept: bool = False

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self.pid is not None


class _PortTakenError(EarmarkError):
    """Somebody took the port between our look at it and the broker's."""


def start(home: Path, *, kept: bool = False, port: int | None = None) -> str:
    """Start the broker of `home`, or find the one that runs, wait until it serves and return its bootstrap servers.

    `kept`: whoever starts it will stop it. `port`: its clients know no other. Blocks; not for a thread that runs an event loop. Raises EarmarkError, with what to do, where there is no Java, no
    download, no space, or a broker that ends or does not come to serve.
    """
    place = place_of(home)
    try:
        with _alone(place):
            try:
                return _await_serving(place, process_of(place) or _spawn(place, port, kept=kept))
            except _PortTakenError:
                return _await_serving(place, _spawn(place, port, kept=kept))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _disk_full(place) from error
        raise EarmarkError(f"the local broker cannot use {place.home}: {error}") from error


def stop(home: Path) -> bool:
    """End the broker of `home` and wait until it is gone; False when none ran."""
    place = place_of(home)
    if not place.folder.is_dir():
        return False
    with _alone(place):
        process = process_of(place)
        if process is None:
            return False
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(process.pid, sign)
            deadline = time.monotonic() + STOP_LIMIT_S
            while time.monotonic() < deadline:
                if process_of(place) is None:
                    return True
                time.sleep(_PAUSE_S)
    raise EarmarkError(f"the local broker (process {process.pid}) does not end: see {place.log}")


def find(home: Path) -> str | None:
    """The bootstrap servers of the broker of `home`, or None when none runs."""
    return status(home).bootstrap


def status(home: Path) -> Status:
    """What there is of the broker of `home`."""
    place = place_of(home)
    process = process_of(place)
    return Status(
        bootstrap=process.bootstrap if process else None,
        pid=process.pid if process else None,
        data=place.data,
        log=place.log,
        kept=process is not None and KEPT in process.command,
    )


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    place.folder.mkdir(parents=True, exist_ok=True)
    place.log.parent.mkdir(parents=True, exist_ok=True)
    with (place.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _spawn(place: Place, wanted: int | None, *, kept: bool) -> Process:
    java = find_java(installed_javas())
    environment = {
        # It ends when it is told to, whoever started it.
        **{name: value for name, value in os.environ.items() if name != PARENT},
        "CLASSPATH": os.pathsep.join(str(jar) for jar in kafka_jars()),
        "LC_ALL": "C.UTF-8",  # else Java cannot open a path beyond ASCII
    }
    if not is_formatted(place.data):
        try:
            format_data(place.data, java, environment)
        except subprocess.CalledProcessError as error:
            raise _ended(place, error.output) from error
    port, controller_port = _ports(place, wanted)
    place.properties.write_text(properties(place.data, port, controller_port))
    if place.log.exists():
        place.log.replace(place.log.with_name("kafka-before.log"))
    command = (
        str(java),
        *JVM_OPTIONS,
        f"-XX:ErrorFile={place.log.with_name('kafka-crash.log')}",
        f"{ADDRESS}127.0.0.1:{port}",
        *([KEPT] if kept else []),
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
            (
                os.POSIX_SPAWN_OPEN,
                1,
                str(place.log),
                os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND,
                0o644,
            ),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    return Process(pid, command)


def _ports(place: Place, wanted: int | None) -> tuple[int, int]:
    """The broker's port and the controller's: the one of the last start, which its clients know, if it can be had.

    Raises EarmarkError where another program has the port that is `wanted`.
    """
    last = wanted or port_in(place.properties.read_text()) if place.properties.exists() else 0
    deadline = time.monotonic() + (_RELEASE_LIMIT_S if wanted is None else _WANTED_LIMIT_S)
    while True:
        # A broker that was just killed may hold its port a moment longer than its name.
        ports = free_ports(last)
        if last in {0, ports[0]}:
            return ports
        if time.monotonic() > deadline:
            if wanted is None:
                return ports
            raise EarmarkError(
                f"another program has port {wanted}, which was the local broker's: end that one"
            )
        time.sleep(_PAUSE_S)


def _await_serving(place: Place, process: Process) -> str:
    host, port = process.bootstrap.split(":")
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        with socket.socket() as knock:
            answers = knock.connect_ex((host, int(port))) == 0
        if answers and asyncio.run(_serves(process.bootstrap, cluster_id(place.data))):
            return process.bootstrap
        # By its number: for an instant after its start it has no command line yet.
        if not lives(process.pid):
            raise _ended(place, place.log.read_text(errors="replace"))
        time.sleep(_PAUSE_S)
    raise EarmarkError(
        f"the local broker does not serve after {START_LIMIT_S:.0f} s: see {place.log}; `earmark broker stop` ends it"
    )


async def _serves(bootstrap: str, cluster: str) -> bool:
    """Whether this very cluster answers, could create a topic now, and has a leader for every partition it has."""
    admin = Connection(bootstrap).admin()
    try:
        async with asyncio.timeout(_ANSWER_LIMIT_S):
            await admin.start()
            if (await admin.describe_cluster())["cluster_id"] != cluster:
                return False
            trial = await admin.create_topics([NewTopic("trial", 1, 1)], validate_only=True)
            topics = await admin.describe_topics()
    except (KafkaError, TimeoutError):
        return False
    finally:
        await admin.close()
    possible = all(code in (0, _TOPIC_EXISTS) for _name, code, *_message in trial.topic_errors)
    return possible and all(partition["leader"] >= 0 for topic in topics for partition in topic["partitions"])


def _ended(place: Place, words: str) -> EarmarkError:
    # A full disk may leave no room for the very words that say so.
    if "No space left on device" in words or shutil.disk_usage(place.home).free < 2**20:
        return _disk_full(place)
    if "Address already in use" in words:
        return _PortTakenError(
            f"another program took the local broker's port: start it again; see {place.log}"
        )
    return EarmarkError(f"the local broker ended at its start: see {place.log} {complaint(words)}")


def complaint(words: str) -> str:
    """The first line of a server's words that complains, if there is one."""
    return next((line for line in words.splitlines() if "ERROR" in line or "Exception" in line), "")


def _disk_full(place: Place) -> EarmarkError:
    return EarmarkError(
        f"the disk is full: the local broker keeps its data in {place.folder}; free some space and start again"
    )

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import NewTopic

from streams.broker import local as broker
from streams.broker.server import free_ports, properties
from streams.log.connection import Connection

pytestmark = pytest.mark.kafka

STARTER = (
    "import sys, pathlib; from streams.broker import local; print(local.start(pathlib.Path(sys.argv[1])))"
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    broker.stop(tmp_path)


def starter(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", STARTER, str(home)], stdout=subprocess.PIPE, text=True)


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


@contextmanager
def bound_to(port: int) -> Iterator[socket.socket]:
    """Another program's socket."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        yield other


def port_of(bootstrap: str) -> int:
    return int(bootstrap.split(":")[1])


async def write_one(bootstrap: str) -> None:
    admin = Connection(bootstrap).admin()
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    await producer.send_and_wait("kept", b"a record")
    await producer.stop()


async def read_one(bootstrap: str) -> bytes | None:
    consumer = AIOKafkaConsumer("kept", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    message = await consumer.getone()
    await consumer.stop()
    return message.value


def test_a_second_start_finds_the_first_and_stop_ends_it(home: Path) -> None:
    bootstrap = broker.start(home)
    status = broker.status(home)
    assert status.running
    assert status.pid
    assert broker.find(home) == bootstrap
    assert os.getsid(status.pid) == status.pid, "Ctrl-C in the starter's terminal does not reach it"

    assert broker.start(home) == bootstrap
    assert broker.status(home) == status

    assert broker.stop(home) is True
    assert broker.find(home) is None
    assert broker.stop(home) is False


def test_killed_it_starts_again_with_its_data_and_if_need_be_on_another_port(home: Path) -> None:
    first = broker.start(home)
    asyncio.run(write_one(first))
    pid = broker.status(home).pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: free_ports(port_of(first))[0] == port_of(first))
    with bound_to(port_of(first)) as other:
        other.listen()
        second = broker.start(home)

    assert second != first
    assert broker.find(home) == second
    assert asyncio.run(read_one(second)) == b"a record"


def test_a_port_that_is_taken_while_it_starts_is_left_for_another(home: Path) -> None:
    with bound_to(0) as other:
        # Bound, the port does not show as taken; the server meets it when the other listens.
        port = other.getsockname()[1]
        status = broker.status(home)
        status.data.parent.mkdir()
        (status.data.parent / "server.properties").write_text(properties(status.data, port, port))
        with starter(home) as start:
            wait_until(lambda: broker.find(home) == f"127.0.0.1:{port}")
            other.listen()
            told, _ = start.communicate()

    assert told.strip() == broker.find(home)
    assert port_of(told.strip()) != port


def test_starts_at_once_and_after_a_killed_one_end_in_one_broker(home: Path) -> None:
    with starter(home) as killed:
        wait_until(lambda: broker.find(home))
        pid = broker.status(home).pid
        killed.kill()
    with starter(home) as one, starter(home) as two:
        told = {one.communicate()[0].strip(), two.communicate()[0].strip()}

    assert told == {broker.find(home)}
    assert broker.status(home).pid == pid


def test_a_start_killed_while_it_formats_is_made_good_by_the_next_and_nothing_is_deleted(home: Path) -> None:
    data = broker.status(home).data
    data.mkdir(parents=True)
    (data / "found").touch()
    with starter(home) as killed:
        wait_until(lambda: list(data.parent.glob("formatting-*/data/*")))
        killed.kill()

    broker.start(home)

    assert not list(data.parent.glob("formatting-*"))
    (aside,) = data.parent.glob("data-unformatted-*")
    assert (aside / "found").exists()

import os
import re
import socket
import subprocess
import sys
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from jgo.maven import MavenContext, PythonResolver

from streams.broker import local as broker
from streams.broker.jars import KAFKA_VERSION, OLDEST_JAVA, _whole, find_java, installed_javas, kafka_jars
from streams.broker.place import place_of
from streams.broker.server import SERVER_SETTINGS, format_data, free_ports, is_formatted, port_in, properties
from streams.errors import EarmarkError


def fake_java(folder: Path, told: str) -> Path:
    java = folder / "java"
    java.write_text(f"#!/bin/sh\necho '{told}' >&2\n")
    java.chmod(0o755)
    return java


def test_this_machine_has_a_java_that_is_new_enough() -> None:
    assert find_java(installed_javas()).exists()


def test_without_any_java_the_sentence_names_it_and_the_fix(tmp_path: Path) -> None:
    with pytest.raises(EarmarkError, match=r"needs Java 17 or newer.*install one, or set EARMARK_KAFKA"):
        find_java([tmp_path / "absent"])


def test_a_java_that_is_too_old_is_passed_over_for_the_next(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    old = fake_java(tmp_path / "old", 'openjdk version "1.8.0_412"')
    new = fake_java(tmp_path / "new", f'openjdk version "{OLDEST_JAVA}"')
    assert find_java([old, new]) == new


def test_every_kafka_jar_has_one_version() -> None:
    names = [jar.name for jar in kafka_jars()]
    kafka = [name for name in names if name.startswith(("kafka", "connect", "trogdor"))]
    assert f"kafka-clients-{KAFKA_VERSION}.jar" in kafka
    assert f"kafka_2.13-{KAFKA_VERSION}.jar" in kafka
    assert [name for name in kafka if not name.endswith(f"-{KAFKA_VERSION}.jar")] == []


def test_a_failed_download_is_one_sentence(tmp_path: Path) -> None:
    code = "import streams.broker.jars as jars; jars.kafka_jars()"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        door = f"http://127.0.0.1:{closed.getsockname()[1]}"
        environment = {**os.environ, "M2_REPO": str(tmp_path), "HTTPS_PROXY": door, "https_proxy": door}
        ended = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
    sentence = ended.stderr.splitlines()[-1]
    assert sentence.startswith(
        f"streams.errors.EarmarkError: Kafka {KAFKA_VERSION} could not be downloaded from Maven Central"
    )
    assert sentence.endswith("or set EARMARK_KAFKA to a Kafka that runs elsewhere")


class Repository(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        """A test prints nothing."""


def test_a_jar_that_was_cut_off_is_fetched_again(tmp_path: Path) -> None:
    served = tmp_path / "served" / "org" / "example" / "thing" / "1.0" / "thing-1.0.jar"
    served.parent.mkdir(parents=True)
    with zipfile.ZipFile(served, "w") as jar:
        jar.writestr("a", b"a" * 1000)
    handler = partial(Repository, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever).start()
        context = MavenContext(
            repo_cache=tmp_path / "cache",
            remote_repos={"central": f"http://127.0.0.1:{server.server_port}"},
            resolver=PythonResolver(),
        )
        artifact = context.project("org.example", "thing").at_version("1.0").artifact()
        cached = artifact.resolve()
        cached.write_bytes(served.read_bytes()[:500])

        assert _whole(artifact) == cached

        server.shutdown()
    assert cached.read_bytes() == served.read_bytes()


def test_the_wanted_port_is_taken_if_free_and_left_if_not() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        wanted = other.getsockname()[1]
        assert wanted not in free_ports(wanted)
    port, controller_port = free_ports(wanted)
    assert port == wanted
    assert controller_port != wanted


def test_the_properties_file_says_every_setting_and_gives_its_port_back() -> None:
    text = properties(Path("/home/zoë/kafka/data"), 9092, 9093)
    assert port_in(text) == 9092
    assert r"log.dirs=/home/zo\u00eb/kafka/data" in text
    for name, value in SERVER_SETTINGS.items():
        assert re.search(rf"^{re.escape(f'{name}={value}')}$", text, re.MULTILINE)


def test_a_properties_file_that_was_cut_off_names_no_port() -> None:
    assert port_in("process.roles=broker,controller\nadvertised.listeners=PLAINTEXT://127.0") == 0


def test_a_home_without_a_broker_has_none_to_find_or_stop(tmp_path: Path) -> None:
    assert broker.find(tmp_path) is None
    assert not broker.status(tmp_path).running
    assert broker.stop(tmp_path) is False
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_only_names_the_properties_file_is_not_the_broker(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    code = "import sys; print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path / "kafka" / "server.properties")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout
        reader.stdout.readline()
        assert broker.find(tmp_path) is None
        assert broker.stop(tmp_path) is False
        assert reader.poll() is None
        reader.communicate()


def test_a_home_with_a_comma_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EarmarkError, match="no comma"):
        broker.start(tmp_path / "a,b")


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EarmarkError, match=r"the local broker cannot use .*file: .*Not a directory"):
        broker.start(tmp_path / "file")


def test_a_log_whose_meta_properties_is_gone_is_left_alone(tmp_path: Path) -> None:
    segment = tmp_path / "data" / "videos-0" / "00000000000000000000.log"
    segment.parent.mkdir(parents=True)
    segment.touch()
    (tmp_path / "data" / "meta.properties").touch()
    assert not is_formatted(tmp_path / "data")
    with pytest.raises(EarmarkError, match=r"holds a log, but its meta\.properties is gone or damaged"):
        format_data(tmp_path / "data", java=Path("unused"), environment={})
    assert segment.exists()


def test_a_full_disk_is_known_by_what_the_server_says(tmp_path: Path) -> None:
    error = broker._ended(place_of(tmp_path), "java.io.IOException: No space left on device")
    assert str(error).startswith("the disk is full: the local broker keeps its data in")

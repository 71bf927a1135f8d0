"""The containers say what the code knows; no engine runs here, so the files are held to it one by one."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from streams.app.connections import pages_at
from streams.app.health import OFFSETS, address_of, answering
from streams.app.log_file import FILES, MAX_BYTES
from streams.app.machine import parts_of
from streams.app.pulse import Pulse
from streams.broker.jars import KAFKA_VERSION, find_java, kafka_jars
from streams.broker.local import installed_javas
from streams.broker.server import SERVER_SETTINGS
from streams.cli.main import earmark
from streams.clock import utc_now
from streams.settings import Settings, variable
from tests.builders.dashboard_process import dashboard
from tests.builders.examples import EXAMPLES
from tests.builders.snapshot import publish

PROCESSES = tuple(part.name for part in parts_of(Settings(), "kafka:9092"))
PAGES = "dashboard"
ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if name != "kafka"}
KAFKA = SERVICES["kafka"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
# Where the image lets a broker listen and write is the image's; who votes, it must be told to format its folder.
OF_THE_IMAGE = {"listeners", "advertised.listeners", "log.dirs", "controller.quorum.voters"}


def test_the_file_is_what_compose_reads() -> None:
    check = Path(sys.executable).with_name("check-jsonschema")
    checked = subprocess.run(
        [check, "--builtin-schema", "vendor.compose-spec", COMPOSE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_process_of_up_has_a_container() -> None:
    assert set(OURS) == {*PROCESSES, "prepare"}


@pytest.mark.parametrize("name", OURS)
def test_a_container_runs_a_verb(name: str) -> None:
    (verb,) = OURS[name]["command"]
    assert verb == name
    assert earmark.get_command(click.Context(earmark), verb) is not None


@pytest.mark.parametrize("name", OURS)
def test_an_environment_names_settings_only(name: str) -> None:
    assert set(OURS[name]["environment"]) <= {variable(field) for field in Settings.model_fields}


@pytest.mark.parametrize("name", OURS)
def test_a_container_writes_where_its_volume_is_and_the_pages_only_read_there(name: str) -> None:
    home = OURS[name]["environment"]["EARMARK_HOME"]
    assert OURS[name]["volumes"] == [f"earmark:{home}:ro" if name == PAGES else f"earmark:{home}"]
    assert f"EARMARK_HOME={home}" in DOCKERFILE
    assert f"VOLUME {home}" in DOCKERFILE


@pytest.mark.parametrize("name", OURS)
def test_a_container_finds_kafka(name: str) -> None:
    assert OURS[name]["environment"]["EARMARK_KAFKA"] == "kafka:9092"
    assert "PLAINTEXT://kafka:9092" in KAFKA["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")


@pytest.mark.parametrize("name", OURS)
def test_a_container_is_x86_64_linux(name: str) -> None:
    """Faust has no wheel for arm64 Linux, and the image no compiler."""
    assert OURS[name]["platform"] == "linux/amd64"


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_waits_for_the_topics_and_is_kept_alive(name: str) -> None:
    """`up --wait` takes the end of `prepare` for success only because every process depends on it."""
    assert OURS[name]["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}
    assert OURS[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_the_lines_of_a_container_are_bounded_as_those_of_up(name: str) -> None:
    options = SERVICES[name]["logging"]["options"]
    assert options == {"max-size": f"{MAX_BYTES // 10**6}m", "max-file": str(FILES)}


def test_every_process_has_a_port_for_its_health() -> None:
    """The pages have one anyway."""
    assert set(OFFSETS) == {*PROCESSES} - {PAGES}


@pytest.mark.parametrize("name", OFFSETS)
def test_a_process_is_healthy_once_it_is_ready(name: str, tmp_path: Path) -> None:
    """What the container runs, run against the server of that process."""
    address = OURS[name]["environment"]["EARMARK_METRICS_PORT"]
    host, port = address_of(address, name)
    assert host == "0.0.0.0"  # noqa: S104  another container asks for the metrics
    kind, python, *script = OURS[name]["healthcheck"]["test"]
    assert (kind, python) == ("CMD", "python")
    assert f"http://127.0.0.1:{port}/ready" in script[-1]
    pulse = Pulse(tmp_path, name, utc_now, 0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        here = free.getsockname()[1]
    script[-1] = script[-1].replace(str(port), str(here))
    with answering(f"127.0.0.1:{here - OFFSETS[name]}", name, pulse):
        pulse.kafka.set()
        for pulse.ready in (False, True):
            asked = subprocess.run([sys.executable, *script], capture_output=True, check=False)
            assert (asked.returncode == 0) == pulse.ready, asked.stderr


def test_the_pages_are_reached_from_this_machine_alone_and_healthy_once_there_is_something_to_show(
    tmp_path: Path,
) -> None:
    """What the container runs, run against that process."""
    [published] = OURS[PAGES]["ports"]
    listens = OURS[PAGES]["environment"]["EARMARK_DASHBOARD_PORT"]
    host, _, port = listens.rpartition(":")
    assert (host, published) == ("0.0.0.0", f"127.0.0.1:{port}:{port}")  # noqa: S104  inside the container
    kind, python, *script = OURS[PAGES]["healthcheck"]["test"]
    assert (kind, python) == ("CMD", "python")
    home, asked = tmp_path / "home", f"http://127.0.0.1:{port}"
    assert asked in script[-1]
    assert f"the dashboard at {pages_at(listens)}, " in COMPOSE.read_text()
    with dashboard(home, tmp_path, {"EARMARK_KAFKA": "127.0.0.1:9"}) as address:
        script[-1] = script[-1].replace(asked, address)
        for is_there in (False, True):
            if is_there:
                publish(home, EXAMPLES["VideoDiscovered"])
            checked = subprocess.run([sys.executable, *script], capture_output=True, check=False)
            assert (checked.returncode == 0) == is_there, checked.stderr


def test_the_topics_wait_for_a_broker_that_serves() -> None:
    assert OURS["prepare"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert OURS["prepare"]["restart"] == "no"
    assert "healthcheck" in KAFKA


def test_the_analyst_may_finish_its_calls() -> None:
    grace_s = int(OURS["analyst"]["stop_grace_period"].removesuffix("s"))
    assert grace_s > Settings.model_fields["call_timeout"].default


def test_the_broker_is_the_version_of_the_local_one() -> None:
    assert KAFKA["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_subscribers_on_this_machine_reach_the_broker() -> None:
    assert KAFKA["ports"] == ["127.0.0.1:19092:19092"]
    assert "HOST://127.0.0.1:19092" in KAFKA["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")


def test_what_the_broker_writes_is_on_its_volume() -> None:
    assert KAFKA["volumes"] == [f"kafka:{KAFKA['environment']['KAFKA_LOG_DIRS']}"]


def image_properties(tmp_path: Path) -> dict[str, str]:
    """The server.properties that the image's own start-up makes of our environment; it formats the folder, too."""
    for folder in ("defaults", "mounted", "final", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "final" / "server.properties").touch()
    command: list[str | Path] = [
        find_java(installed_javas()),
        "-XX:TieredStopAtLevel=1",
        "-cp",
        os.pathsep.join(map(str, kafka_jars())),
        "kafka.docker.KafkaDockerWrapper",
        "setup",
        "--default-configs-dir",
        tmp_path / "defaults",
        "--mounted-configs-dir",
        tmp_path / "mounted",
        "--final-configs-dir",
        tmp_path / "final",
    ]
    environment = {**KAFKA["environment"], "KAFKA_LOG_DIRS": str(tmp_path / "data")}
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    assert (tmp_path / "data" / "meta.properties").exists()
    lines = (tmp_path / "final" / "server.properties").read_text().split()
    return dict(line.split("=", 1) for line in lines)


def test_the_broker_has_the_settings_of_the_local_one(tmp_path: Path) -> None:
    """Asked of Kafka itself: the class that turns the image's environment into settings is in its jars."""
    settings = image_properties(tmp_path)
    protocols = "listener.security.protocol.map"
    assert settings.pop(protocols) == SERVER_SETTINGS[protocols] + ",HOST:PLAINTEXT"
    same = {name: value for name, value in settings.items() if name not in OF_THE_IMAGE}
    assert same == {name: value for name, value in SERVER_SETTINGS.items() if name != protocols}


def test_the_image_is_built_from_files_that_are_there_and_let_through() -> None:
    let_through = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    copied = {
        source
        for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == let_through
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_the_image_installs_the_lock_and_nothing_beside_it() -> None:
    assert "--require-hashes -r requirements.lock" in DOCKERFILE
    assert "pip install --no-deps ." in DOCKERFILE
    assert re.search(r"^FROM python:3\.11-slim-\w+$", DOCKERFILE, re.MULTILINE)


def test_the_image_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE) == ["earmark"]


def test_the_image_is_named_after_the_version() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert {service["image"] for service in OURS.values()} == {f"earmark:{version[1]}"}

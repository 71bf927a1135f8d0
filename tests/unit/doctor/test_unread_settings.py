"""Settings that nobody reads are named, with what to set instead."""

from pathlib import Path

import pytest

from streams.doctor.finding import Finding
from streams.doctor.unread import unread
from streams.settings import Settings, shadowed, sources

CLIENTS = {"visionos": False, "web": True}


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("EARMARK_HOME", "EARMARK_KAFKA", "EARMARK_COOKIES"):
        monkeypatch.delenv(name, raising=False)


def found(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[Finding]:
    for name, value in variables.items():
        monkeypatch.setenv(f"EARMARK_{name}", value)
    return unread(Settings(), sources(), shadowed(), CLIENTS)


WAYS: dict[str, tuple[dict[str, str], list[tuple[str, str]]]] = {
    "none": ({}, [("ok", "every setting that is set is read")]),
    "a password where nobody logs in": (
        {"KAFKA": "a:1", "KAFKA_PASSWORD": "x", "KAFKA_USERNAME": "me", "KAFKA_SASL_MECHANISM": "PLAIN"},
        [
            ("look", f"EARMARK_KAFKA_{name} is not read")
            for name in ("USERNAME", "PASSWORD", "SASL_MECHANISM")
        ],
    ),
    "a login without a name": (
        {"KAFKA": "a:1", "KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_PASSWORD": "x"},
        [("broken", "EARMARK_KAFKA_USERNAME is not set, and SASL_SSL logs in")],
    ),
    "a login that is whole": (
        {
            "KAFKA": "a:1",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_PASSWORD": "x",
            "KAFKA_USERNAME": "me",
        },
        [("ok", "every setting that is set is read")],
    ),
    "a protocol that the local broker does not speak": (
        {"KAFKA_SECURITY_PROTOCOL": "SSL"},
        [("broken", "EARMARK_KAFKA_SECURITY_PROTOCOL is SSL, which the local broker does not speak")],
    ),
    "more replicas than there are brokers": (
        {"KAFKA_REPLICATION_FACTOR": "3"},
        [("broken", "EARMARK_KAFKA_REPLICATION_FACTOR is 3, and the local broker is one")],
    ),
    "a certificate where nothing is encrypted": (
        {"KAFKA": "a:1", "KAFKA_CA_FILE": "file"},
        [("look", "EARMARK_KAFKA_CA_FILE is not read")],
    ),
    "cookies for clients that cannot log in": (
        {"COOKIES": "file"},
        [("look", "EARMARK_COOKIES is not read: no client of EARMARK_YTDLP_CLIENTS (visionos) can log in")],
    ),
    "cookies for a client that can": (
        {"COOKIES": "file", "YTDLP_CLIENTS": "visionos,web"},
        [("ok", "every setting that is set is read")],
    ),
    "a client that there is none of": (
        {"YTDLP_CLIENTS": "vision,web"},
        [("look", "EARMARK_YTDLP_CLIENTS: this yt-dlp knows no vision")],
    ),
    "no client that there is": (
        {"YTDLP_CLIENTS": "vision"},
        [("broken", "EARMARK_YTDLP_CLIENTS: this yt-dlp knows no vision")],
    ),
    "no money": (
        {"DAILY_CAP_USD": "0"},
        [("look", "EARMARK_DAILY_CAP_USD is 0: nothing is ever analysed")],
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_nobody_reads_is_named(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").write_text("")
    variables, expected = WAYS[way]
    findings = found(monkeypatch, **variables)
    assert len(findings) == len(expected)
    for finding, (verdict, start) in zip(findings, expected, strict=True):
        assert finding.verdict == verdict
        assert finding.found.startswith(start)
        assert bool(finding.fix) == (verdict != "ok")


def test_a_value_in_the_file_that_the_environment_overrides_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("EARMARK_DAILY_CAP_USD=1\nEARMARK_HOME=here\nEARMARK_LANGUAGES=\nOTHER=x\n")
    monkeypatch.setenv("OTHER", "y")
    [finding] = found(monkeypatch, DAILY_CAP_USD="20", HOME="here", LANGUAGES="de")
    assert finding == Finding(
        "settings",
        "look",
        "EARMARK_DAILY_CAP_USD in .env is not read: the environment has another value",
        "remove one of them",
    )

"""What a process says of itself over HTTP."""

import asyncio
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams import metrics
from streams.app.health import address_of, answering
from streams.app.pulse import Pulse, lags
from streams.bulletin import Trouble

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def ask(port: int, path: str) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def samples(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Name → values of the labels, in the order of their names → value; by Prometheus' own parser."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


@pytest.fixture
def pulse(tmp_path: Path) -> Pulse:
    return Pulse(tmp_path, "projector", lambda: NOW, 0)


def test_every_process_has_a_port_of_its_own() -> None:
    ports = [
        address_of("127.0.0.1:9464", process) for process in ("projector", "worker-w0", "analyst", "watch")
    ]
    assert ports == [("127.0.0.1", port) for port in range(9464, 9468)]


def test_it_is_ready_once_it_has_caught_up_and_while_kafka_answers(pulse: Pulse) -> None:
    port = free_port()
    with answering(f"127.0.0.1:{port}", "projector", pulse):
        assert ask(port, "/ready") == (503, "it has not caught up yet\n")
        pulse.ready = True
        assert ask(port, "/ready") == (503, "Kafka does not answer\n")
        pulse.kafka.set()
        assert ask(port, "/ready") == (200, "ready\n")
        assert ask(port, "/other")[0] == 404
    with pytest.raises(OSError, match="refused"):
        ask(port, "/ready")


async def test_a_loop_that_hangs_is_not_live_and_says_so_itself(
    pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes while the loop hangs, so no loop gives it."""
    monkeypatch.setattr("streams.app.health.LIVE_S", 0.5)
    monkeypatch.setattr("streams.app.pulse.EVERY_S", 0.05)
    port = free_port()
    with answering(f"127.0.0.1:{port}", "projector", pulse):
        beating = asyncio.create_task(pulse.beat())
        await asyncio.sleep(0.2)
        assert await asyncio.to_thread(ask, port, "/live") == (200, "live\n")
        asked = asyncio.create_task(asyncio.to_thread(_after, 0.8, port))
        await asyncio.sleep(0)
        time.sleep(1.5)  # noqa: ASYNC251  the hanging loop
        status, said = await asked
        beating.cancel()
    assert status == 503
    assert said.startswith("the loop has not turned for ")


def _after(seconds: float, port: int) -> tuple[int, str]:
    time.sleep(seconds)
    return ask(port, "/live")


def test_troubles_and_lags_stand_on_the_pulse(pulse: Pulse) -> None:
    pulse.show("youtube", [Trouble("youtube-refuses", NOW, "YouTube refuses every request")])
    pulse.positions = lambda: {"projector": {"videos": {0: 7, 1: 5}, "analyses": {3: 2}}}
    pulse._ends = {("videos", 0): 10, ("videos", 1): 5, ("analyses", 3): 1}
    port = free_port()
    with answering(f"127.0.0.1:{port}", "projector", pulse):
        status, text = ask(port, "/metrics")
    assert status == 200
    found = samples(text)
    assert {kind for kind, value in found["earmark_trouble"].items() if value} == {("youtube-refuses",)}
    assert found["earmark_lag"] == {
        ("0", "projector", "videos"): 3,
        ("1", "projector", "videos"): 0,
        ("3", "projector", "analyses"): 0,
    }
    assert found["earmark_ready"] == {(): 0}
    assert found[metrics.MEMORY][()] > 1e6


def test_the_names_are_those_that_are_declared(pulse: Pulse) -> None:
    """A family without a sample yet is there, too, with its help."""
    port = free_port()
    for metric in metrics.OF_THE_PROJECTOR:
        metrics.REGISTRY.register(metric)
    with answering(f"127.0.0.1:{port}", "projector", pulse):
        families = list(text_string_to_metric_families(ask(port, "/metrics")[1]))
    for metric in metrics.OF_THE_PROJECTOR:
        metrics.REGISTRY.unregister(metric)
    ours = {family.name: family for family in families if family.name.startswith("earmark_")}
    declared = {metric.name.removesuffix("_total"): metric for metric in metrics.DECLARED}
    assert ours.keys() == declared.keys()
    for name, said in declared.items():
        assert (ours[name].type, ours[name].documentation) == (said.kind, said.meaning)
        assert said.name.endswith("_total") == (said.kind == "counter")


def test_a_port_that_is_taken_ends_nobody(pulse: Pulse, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with answering(f"127.0.0.1:{port}", "projector", pulse):
            pass
    assert "set another EARMARK_METRICS_PORT" in caplog.text


def test_what_has_no_known_end_has_no_lag() -> None:
    positions: Any = {"worker": {"videos": {0: 3, 1: 4}}}
    assert lags({("videos", 0): 5}, positions) == {("worker", "videos", 0): 2}

"""What a process says of itself to a machine that asks over HTTP: its metrics, whether it lives, whether it is ready.

A thread of its own answers, so a loop that hangs is told from one that turns.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import get_args

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from streams import metrics
from streams.app.pulse import Pulse
from streams.bulletin import Kind
from streams.metrics import Declared

OFFSETS = {"projector": 0, "worker": 1, "analyst": 2, "watch": 3}
"""Which port a process takes, counted from EARMARK_METRICS_PORT."""
LIVE_S = 30.0
CLIENT_LIMIT_S = 10.0

log = logging.getLogger(__name__)


class OfPulse(Collector):
    """The metrics that stand on the pulse, as it is when somebody asks."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse

    def describe(self) -> list[Metric]:
        """Nothing: what it collects needs a pulse."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Readiness, silence of the loop, troubles and lags."""
        pulse = self._pulse
        yield _gauge(metrics.READY, [((), pulse.serves)])
        yield _gauge(metrics.TURNED, [((), pulse.silence_s())])
        kinds = {trouble.kind for trouble in pulse.board().troubles}
        yield _gauge(metrics.TROUBLE, [((kind,), kind in kinds) for kind in get_args(Kind)])
        lags = pulse.lags()
        yield _gauge(
            metrics.LAG, [((reader, topic, str(n)), lag) for (reader, topic, n), lag in lags.items()]
        )


def _gauge(declared: Declared, samples: list[tuple[tuple[str, ...], float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(declared.name, declared.meaning, labels=declared.labels)
    for labels, value in samples:
        family.add_metric(labels, float(value))
    return family


class _Answer(BaseHTTPRequestHandler):
    """`/metrics`, `/live` and `/ready`; the last two with 200 or 503."""

    timeout = CLIENT_LIMIT_S
    server: "_Server"

    def do_GET(self) -> None:
        """Answer."""
        pulse = self.server.pulse
        match self.path.partition("?")[0]:
            case "/metrics":
                self._say(200, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(metrics.REGISTRY))
            case "/live":
                silence_s = pulse.silence_s()
                is_live = silence_s < LIVE_S
                self._say_whether(
                    is_live, "live" if is_live else f"the loop has not turned for {silence_s:.0f} s"
                )
            case "/ready":
                why = "Kafka does not answer" if pulse.ready else "it has not caught up yet"
                self._say_whether(pulse.serves, "ready" if pulse.serves else why)
            case _:
                self._say(404, "text/plain", b"there are /metrics, /live and /ready\n")

    def _say_whether(self, is_so: bool, why: str) -> None:  # noqa: FBT001  an answer
        self._say(200 if is_so else 503, "text/plain", f"{why}\n".encode())

    def _say(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as http.server has it
        """Say nothing: it is asked every few seconds."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], pulse: Pulse) -> None:
        self.pulse = pulse
        super().__init__(address, _Answer)

    def server_bind(self) -> None:
        """Bind without asking a name server who we are, which may take long."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002  as socketserver has it
        """A client that goes away in the middle is no news."""
        log.debug("a client of the metrics went away")


def address_of(listens: str, process: str) -> tuple[str, int]:
    """Where `process` listens, by EARMARK_METRICS_PORT: each verb has a port of its own."""
    host, _, port = listens.rpartition(":")
    return host, int(port) + OFFSETS[process.partition("-")[0]]


@contextmanager
def answering(listens: str | None, process: str, pulse: Pulse) -> Iterator[None]:
    """Answer for as long as the block lasts; not at all where nothing is set, or somebody else has the port."""
    if listens is None:
        yield
        return
    host, port = address_of(listens, process)
    try:
        server = _Server((host, port), pulse)
    except OSError as error:
        log.warning("no metrics at %s:%d: %s; set another EARMARK_METRICS_PORT", host, port, error)
        yield
        return
    collector = OfPulse(pulse)
    metrics.REGISTRY.register(collector)
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    log.info("metrics at http://%s:%d/metrics, health at /live and /ready", host, port)
    try:
        yield
    finally:
        metrics.REGISTRY.unregister(collector)
        server.shutdown()
        server.server_close()

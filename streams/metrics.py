"""Every metric of Earmark, by name: what a process counts is here, and nowhere else.

Edges count; what computes does not. What stands on the pulse of a process is collected from there when somebody asks
(`streams/app/health.py`), and only declared here.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import psutil
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

REGISTRY = CollectorRegistry()
"""Earmark's own: the library's default one would be shared with whatever else counts in the process."""

Kind = Literal["counter", "gauge", "histogram"]


class Declared(NamedTuple):
    """A metric as its page says it; a counter's name ends in `_total`, a histogram has `_bucket`, `_sum` and `_count`."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str


DECLARED: list[Declared] = []
SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120)
# A second series for each counter, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]


def _declare(kind: Kind, name: str, meaning: str, labels: Iterable[str]) -> Declared:
    declared = Declared(f"earmark_{name}", kind, tuple(labels), meaning)
    DECLARED.append(declared)
    return declared


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    declared = _declare("counter", f"{name}_total", meaning, labels)
    return Counter(declared.name, meaning, labels, registry=REGISTRY)


def _gauge(name: str, meaning: str, *labels: str, registry: CollectorRegistry | None = REGISTRY) -> Gauge:
    return Gauge(_declare("gauge", name, meaning, labels).name, meaning, labels, registry=registry)


def _histogram(
    name: str, meaning: str, *labels: str, registry: CollectorRegistry | None = REGISTRY
) -> Histogram:
    declared = _declare("histogram", name, meaning, labels)
    return Histogram(declared.name, meaning, labels, registry=registry, buckets=SECONDS)


EVENTS = _counter(
    "events",
    "Events that this process appended; `outcome` where the event has one: of a call, a settlement, failed captions",
    *("topic", "event", "outcome"),
)
HANDLED = _counter(
    "handled",
    "Tries at events by an agent of the worker: Done, PassedOver, Retry, DeadLetter, or Stop of the process",
    *("agent", "outcome"),
)
HANDLER_SECONDS = _histogram("handler_seconds", "Time that a try of an agent takes", "agent")
HANDLING = _gauge("handling", "Events that an agent has under way", "agent")
DEAD_LETTERS = _counter("dead_letters", "Messages that nobody could handle", "handler")

CALLS = _counter("calls", "Calls to Claude that ended, by what became of them", *("model", "outcome"))
CALL_SECONDS = _histogram("call_seconds", "Time that a call to Claude takes", "model")
CALLS_IN_FLIGHT = _gauge("calls_in_flight", "Calls to Claude under way", "model")
TOKENS = _counter(
    "tokens", "Tokens that Claude billed; `of`: input, output, cache_creation, cache_read", *("model", "of")
)
CLAIMS = _counter(
    "claims", "Verdicts of the ledger on this analyst's claims: granted, or why not", *("lane", "verdict")
)
SETTLED_USD = _counter("settled_usd", "US dollars that this analyst's settlements charged", "outcome")
CHARGED_USD = _gauge(
    "charged_usd", "US dollars that a lane is charged on this UTC day, open claims among them", "lane"
)
LEFT_USD = _gauge("left_usd", "US dollars that a lane may still be charged on this UTC day", "lane")
CAP_USD = _gauge(
    "cap_usd", "US dollars that a lane may be charged on a UTC day; the live lane's is the whole cap", "lane"
)
WAITING = _gauge("waiting", "Requests that wait for a call", "lane")

REFUSALS = _counter(
    "refusals",
    "Requests that got no answer: of `youtube` captions (soon, unknown) and looks, of `claude` refused, unreachable, exhausted, failed, promptfault, misconfigured",
    *("by", "kind"),
)
THROTTLED_SECONDS = _counter(
    "throttled_seconds", "Time in which `youtube` or `claude` had asked us to wait", "by"
)
RETRIES = _gauge("retries", "Captions and analyses that failed and are tried again, now or later", "of")
RETRIES_DUE = _gauge(
    "retries_due", "Those of them whose time has come: captions that wait for their turn", "of"
)

SNAPSHOT_AGE = _gauge(
    "snapshot_age_seconds",
    "How old the newest snapshot of the read model is; it grows while nothing new is in the log",
    registry=None,
)
SNAPSHOT_BYTES = _gauge("snapshot_bytes", "Size of the newest snapshot of the read model", registry=None)
SNAPSHOT_SECONDS = _histogram("snapshot_seconds", "Time that publishing a snapshot takes", registry=None)
OF_THE_PROJECTOR = (SNAPSHOT_AGE, SNAPSHOT_BYTES, SNAPSHOT_SECONDS)
"""The projector registers these: every other process would show noughts."""

READY = _declare("gauge", "ready", "1 while the process has caught up with its work and Kafka answers", ())
TURNED = _declare("gauge", "loop_silence_seconds", "How long ago the event loop turned last", ())
TROUBLE = _declare(
    "gauge", "trouble", "1 while this kind of trouble keeps the process from its work", ["kind"]
)
LAG = _declare(
    "gauge",
    "lag",
    "Records between what a reader has done with and the end of a partition, some seconds ago",
    ["reader", "topic", "partition"],
)
MEMORY = "process_resident_memory_bytes"

ProcessCollector(registry=REGISTRY)
if not Path("/proc/stat").exists():
    # What the library's collector reads there; elsewhere it has nothing.
    Gauge(MEMORY, "Resident memory size in bytes.", registry=REGISTRY).set_function(
        lambda: psutil.Process().memory_info().rss
    )


class Stopwatch:
    """Adds up the time in which somebody had asked us to wait, between the times at which it is told whether that is so."""

    def __init__(self, by: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self._seconds = THROTTLED_SECONDS.labels(by)
        self._now_s = now_s
        self._since: float | None = None

    def note(self, *, is_on: bool) -> None:
        """Take whether we are asked to wait now; until the next time that counts as so."""
        now_s = self._now_s()
        if self._since is not None:
            self._seconds.inc(max(0.0, now_s - self._since))
        self._since = now_s if is_on else None

"""What a whole installation writes into its logs, answers to a machine that asks, and never says."""

import json
import random
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.app.health import OFFSETS
from streams.broker import local
from streams.clock import utc_now
from streams.events.event import LANES
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import follow
from streams.log.publish import publisher
from streams.log.topics import CAPTIONS, TOPICS
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import RATE_LIMITED, Step
from streams.loopback.youtube import LoopbackYoutube, serve
from tests.pipeline.harbour_notes import EMPTY, HANDLE, answer, video
from tests.pipeline.installation import Installation

pytestmark = pytest.mark.kafka

SECRETS = ("key-of-this-test", "AFmmF2sw-cookie-of-this-test", "password-of-this-test")
KEY, COOKIE, PASSWORD = SECRETS


def four_free_ports() -> int:
    """The first of as many ports in a row as there are processes."""
    while True:
        first = random.randrange(20_000, 30_000)
        with suppress(OSError):
            for port in range(first, first + len(OFFSETS)):
                socket.create_server(("127.0.0.1", port)).close()
            return first


def lines(home: Path) -> Iterator[dict[str, Any]]:
    """Every line of every process, each of which is JSON."""
    for process in OFFSETS:
        yield from map(json.loads, (home / "logs" / f"{process}.log").read_text().splitlines())


def loud(home: Path) -> list[dict[str, Any]]:
    return [line for line in lines(home) if line["level"] in {"WARNING", "ERROR", "CRITICAL"}]


def page(port: int, path: str) -> str | None:
    """What a process answers, None where it does not or says no."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
            return str(reply.read().decode())
    except URLError:
        return None


def samples(text: str) -> dict[str, float]:
    """Name and labels as a page writes them → value, by Prometheus' own parser."""
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@asynccontextmanager
async def installed(folder: Path, port: int) -> AsyncIterator[tuple[Installation, LoopbackYoutube]]:
    """A folder whose settings hold three secrets; Claude refuses the first call and quotes one."""
    calls = count()

    def refusing(body: Mapping[str, Any]) -> Step:
        return answer(body) if next(calls) else replace(RATE_LIMITED, message=f"too often by {KEY}")

    cookies = folder / "cookies.txt"
    cookies.write_text(
        f"# Netscape HTTP Cookie File\n.youtube.com\tTRUE\t/\tTRUE\t1900000000\tLOGIN_INFO\t{COOKIE}\n"
    )
    async with serve(LoopbackYoutube(EMPTY)) as youtube, LoopbackClaude({}, improvise=refusing) as claude:
        variables = {
            "EARMARK_LOG": "json",
            "EARMARK_LOG_LEVEL": "debug",
            "EARMARK_METRICS_PORT": str(port),
            "EARMARK_KAFKA_PASSWORD": PASSWORD,
            "EARMARK_COOKIES": str(cookies),
            "EARMARK_YOUTUBE_URL": youtube.origin,
            "EARMARK_YOUTUBE_PER_MINUTE": "600",
            "EARMARK_POLL_INTERVAL": "1s",
            "ANTHROPIC_BASE_URL": claude.base_url,
            "ANTHROPIC_API_KEY": KEY,
        }
        yield Installation(folder, variables), youtube


async def records(home: Path) -> list[Record]:
    """All that is in the log."""
    bootstrap = local.find(home)
    assert bootstrap is not None
    found: list[Record] = []
    async with follow(Connection(bootstrap, prefix="earmark."), TOPICS, found.append):
        return found


async def test_what_happens_is_in_the_logs_and_the_metrics_and_no_secret_is_anywhere(tmp_path: Path) -> None:
    port = four_free_ports()
    async with installed(tmp_path, port) as (earmark, youtube), earmark.up():
        ports = {process: port + offset for process, offset in OFFSETS.items()}
        await earmark.until(lambda: all(page(each, "/ready") for each in ports.values()))
        assert loud(earmark.home) == []

        youtube.show(
            replace(
                EMPTY,
                videos=(
                    video("HarbrAfter1", utc_now(), "salt"),
                    video("HarbrSilent", utc_now()),
                ),
            )
        )
        code, said = await earmark.run("follow", HANDLE, "--since", "7d", "--yes")
        assert code == 0, said
        await unreadable(earmark.home)
        await earmark.until_rows("SELECT count(*) FROM signals", [(2,)])
        await earmark.until_rows("SELECT sum(open_usd) FROM daily_costs", [(0,)])
        await earmark.until_rows("SELECT count(*) FROM open_dead_letters", [(1,)])
        await earmark.until(lambda: set(lags(ports)) == {0.0})
        pages = {process: page(each, "/metrics") or "" for process, each in ports.items()}
        found = {name: value for text in pages.values() for name, value in samples(text).items()}
        in_log = await records(earmark.home)
        charged = earmark.rows("SELECT charged_usd FROM daily_costs WHERE lane = 'backfill'")[0][0]
        in_model = [str(earmark.rows(f"FROM {name}")) for (name,) in earmark.rows(RELATIONS)]
    assert_told(list(lines(earmark.home)))
    assert_counted(found, float(charged))
    written = [
        *(file.read_text(errors="replace") for file in earmark.home.glob("*.json")),
        *(
            file.read_text(errors="replace")
            for folder in ("logs", "state")
            for file in (earmark.home / folder).iterdir()
        ),
        *pages.values(),
        *in_model,
        *(repr((record.key, record.headers, record.value)) for record in in_log),
        earmark.printed.read_text(),
    ]
    assert len(in_log) > 20
    assert len(in_model) > 30
    assert [secret for secret in SECRETS if any(secret in text for text in written)] == []


def assert_told(told: list[dict[str, Any]]) -> None:
    """What happened to each video has its line, with what a person asks next."""

    def one(**facts: Any) -> dict[str, Any]:
        [found] = [line for line in told if facts.items() <= line.items()]
        return found

    spoken = {"video": "HarbrAfter1", "lane": "backfill", "attempt": 1}
    assert one(event="claim", verdict="granted", **spoken)["usd"] > 0
    refused = one(event="refused", by="claude", kind="refused", **spoken)
    assert refused["reason"] == "429 rate_limit_error: too often by (hidden)"
    assert one(event="AnalysisCompleted", process="analyst", **spoken)["usd"] > 0
    assert one(event="BudgetSettled", outcome="completed", **spoken)["usd"] > 0
    silent = one(event="CaptionsUnavailable", video="HarbrSilent", attempt=1, process="worker-w0")
    assert (silent["failure"], silent["reason"]) == ("later", "no captions yet")
    assert silent["next_try_at"] > silent["time"]
    letter = one(event="DeadLettered", level="ERROR", process="worker-w0")
    assert (letter["topic"], letter["handler"]) == ("captions", "request_analysis")
    snapshots = [line for line in told if line["event"] == "snapshot"]
    assert snapshots
    assert all(line["seconds"] > 0 and line["bytes"] > 0 for line in snapshots)
    assert any(line["level"] == "DEBUG" and line["logger"].startswith("anthropic") for line in told)


def assert_counted(found: Mapping[str, float], charged: float) -> None:
    """Every family of the issue has the value that this run comes to."""
    assert found["earmark_events_total CaptionsUnavailable later captions.unavailable"] == 1
    assert found["earmark_events_total BudgetSettled completed analysis.ledger"] == 1
    assert found["earmark_handler_seconds_count extract_captions"] == 2
    assert found["earmark_calls_total claude-haiku-5-5 answered"] == 1
    assert found["earmark_calls_in_flight claude-haiku-5-5"] == 0
    assert found["earmark_tokens_total claude-haiku-5-5 output"] > 0
    assert found["earmark_charged_usd backfill"] == found["earmark_settled_usd_total completed"] == charged
    assert found["earmark_left_usd live"] == pytest.approx(5 - charged)
    assert sum(found[f"earmark_waiting {lane}"] for lane in LANES) == 0
    assert found["earmark_refusals_total claude refused"] == 1
    assert found["earmark_throttled_seconds_total claude"] == pytest.approx(1, abs=0.5)
    assert found["earmark_retries captions"] == 1
    assert found["earmark_retries_due captions"] == 0
    assert found["earmark_dead_letters_total request_analysis"] == 1
    assert 0 <= found["earmark_snapshot_age_seconds"] < 60
    assert found["earmark_snapshot_bytes"] > 100_000
    assert found["earmark_ready"] == 1
    assert found["process_resident_memory_bytes"] > 10_000_000
    readers = {name.split()[2] for name in found if name.startswith("earmark_lag")}
    assert readers == {
        "projector",
        "analyst",
        "extract_captions",
        "request_analysis",
        "publish_signals",
        "place_markers",
    }


RELATIONS = (
    "SELECT table_name FROM duckdb_tables() UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal"
)


def lags(ports: Mapping[str, int]) -> Iterator[float]:
    for each in ports.values():
        for name, value in samples(page(each, "/metrics") or "").items():
            if name.startswith("earmark_lag"):
                yield value


async def unreadable(home: Path) -> None:
    """Put a message into `captions` that nobody can read."""
    bootstrap = local.find(home)
    assert bootstrap is not None
    async with publisher(Connection(bootstrap, prefix="earmark.")) as log:
        await log.append_bytes(CAPTIONS, 0, b"key", b"{}", [("ce_type", b"NoSuchEvent")])

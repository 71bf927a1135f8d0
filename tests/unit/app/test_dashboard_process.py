"""The process of the pages: what it looks at and for how long, where it listens, and how it ends."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from projections.web.page import Outside
from streams.app import dashboard as process
from streams.app.dashboard import Looks
from streams.app.machine import parts_of
from streams.settings import Settings
from tests.builders.dashboard_process import dashboard, get
from tests.builders.examples import EXAMPLES
from tests.builders.snapshot import publish

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOWHERE = {"EARMARK_KAFKA": "127.0.0.1:9"}


def looks(look: Callable[[], Awaitable[Outside]]) -> Looks:
    return Looks(look, lambda: NOON)


async def test_many_pages_look_once_and_again_only_when_that_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [Outside.not_known(NOON, str(number)) for number in range(3)]
    left = iter(seen)

    async def look() -> Outside:
        await asyncio.sleep(0)
        return next(left)

    one = looks(look)
    assert await asyncio.gather(one.newest(), one.newest(), one.newest()) == [seen[0]] * 3
    assert await one.newest() == seen[0]
    monkeypatch.setattr(process, "LOOK_EVERY_S", 0.0)
    one._again = 0.0
    assert [await one.newest(), await one.newest()] == seen[1:]


async def test_a_page_does_not_wait_for_a_look_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one after it gets what that has seen meanwhile."""
    monkeypatch.setattr(process, "PAGE_WAIT_S", 0.05)
    answers, seen = asyncio.Event(), Outside.not_known(NOON, "Kafka does not answer")

    async def look() -> Outside:
        await answers.wait()
        return seen

    one = looks(look)
    [why] = (await one.newest()).unknown
    assert "load the page again" in why
    answers.set()
    assert await one.newest() == seen
    await one.close()


async def test_a_look_that_fails_is_said_on_the_page_without_its_reason() -> None:
    async def look() -> Outside:
        raise ValueError("/home/somebody")

    [why] = (await looks(look).newest()).unknown
    assert why == "what runs here cannot be looked at: the dashboard's log says why"


async def test_a_look_under_way_ends_with_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PAGE_WAIT_S", 0.01)

    async def look() -> Outside:
        await asyncio.Event().wait()
        raise AssertionError

    one = looks(look)
    await one.newest()
    began = time.monotonic()
    await one.close()
    assert one._looking is None
    assert time.monotonic() - began < 10


def test_alone_it_reads_and_changes_nothing_and_needs_no_kafka(tmp_path: Path) -> None:
    home = tmp_path / "home"
    publish(home, EXAMPLES["VideoDiscovered"])

    def files() -> set[tuple[Path, int]]:
        return {(path, path.lstat().st_mtime_ns) for path in home.rglob("*")}

    before = files()
    with dashboard(home, tmp_path, NOWHERE) as address:
        assert get(f"{address}/")[0] == 200
        assert get(f"{address}/video/none")[0] == 404
    assert files() == before


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "streams", "dashboard", "--port", str(port)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"earmark: the dashboard cannot listen at 127.0.0.1:{port} (Address already in use): choose another with --port or"
        " EARMARK_DASHBOARD_PORT\n"
    )


def test_up_keeps_one_running_unless_it_is_turned_off() -> None:
    """It is told where the log is by nobody: it finds the local broker itself, wherever that comes to serve."""
    on = parts_of(Settings(dashboard_port="8399"), "kafka:9092")
    off = parts_of(Settings(dashboard="off"), "kafka:9092")
    assert [part.name for part in on if part not in off] == ["dashboard"]
    assert on[-1].says == "look at http://127.0.0.1:8399/"
    assert on[-1].environment == {}

"""An overview of a home: what is there is told, and what is not is said to be missing."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

from streams.budget.limits import Limits
from streams.bulletin import Board, show
from streams.errors import EarmarkError
from streams.events.videos import VideoDiscovered
from streams.log.connection import Connection
from streams.overview.gather import Gatherer, gathering, usage
from tests.builders.read_model_world import at, video
from tests.builders.snapshot import publish

LIMITS = Limits(Decimal(5), Decimal("0.4"), Decimal("0.5"), 600, 120.0)


class Now:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time


def no_broker() -> Connection:
    raise EarmarkError("no broker runs in .earmark: start one")


def board(process: str, pid: int, seen_s: float) -> Board:
    now = datetime.now(UTC)
    return Board(process, pid, now - timedelta(hours=1), now - timedelta(seconds=seen_s), ready=True)


async def test_an_empty_home_is_an_overview_that_says_what_is_missing(tmp_path: Path) -> None:
    async with gathering(tmp_path / "none", LIMITS, 0, no_broker, Now()) as gatherer:
        seen = await gatherer.look()
    assert (seen.processes, seen.stages, seen.money, seen.snapshot, seen.disk) == ((), (), None, None, None)
    model, *others = seen.unknown
    assert model.startswith(f"there is no read model in {tmp_path}/none yet: ")
    assert others == [
        "no broker runs: how far the log is read is not known",
        "the disk cannot be measured",
    ]


async def test_a_torn_snapshot_costs_its_own_part_only(tmp_path: Path) -> None:
    (tmp_path / "earmark.duckdb").write_bytes(b"no database")
    show(tmp_path, board("watch", os.getpid(), 0))
    async with gathering(tmp_path, LIMITS, 0, no_broker, Now()) as gatherer:
        seen = await gatherer.look()
    assert [process.state for process in seen.processes] == ["works"]
    assert seen.unknown[0].startswith("the read model cannot be asked")


async def test_the_read_model_is_asked_again_only_when_it_is_another(tmp_path: Path) -> None:
    publish(tmp_path, VideoDiscovered(at=at(0), video=video(1)))
    now = Now()
    async with gathering(tmp_path, LIMITS, 0, no_broker, now) as gatherer:
        assert (await gatherer.look()).stage("captions").waiting == 1
        first = gatherer._picture
        await gatherer.look()
        assert gatherer._picture is first
        publish(tmp_path / "other", *(VideoDiscovered(at=at(0), video=video(each)) for each in (1, 2)))
        (tmp_path / "earmark.duckdb").unlink()
        (tmp_path / "earmark.duckdb").symlink_to((tmp_path / "other" / "earmark.duckdb").resolve())
        gatherer._ask_again = 0
        assert (await gatherer.look()).stage("captions").waiting == 2


async def test_what_falls_due_does_so_without_a_new_snapshot(tmp_path: Path) -> None:
    publish(tmp_path, VideoDiscovered(at=at(0), video=video(1)))
    now = Now()
    async with gathering(tmp_path, LIMITS, 0, no_broker, now) as gatherer:
        await gatherer.look()
        first = gatherer._picture
        now.time += timedelta(minutes=1)
        gatherer._ask_again = 0
        await gatherer.look()
        assert gatherer._picture is not first


async def states(gatherer: Gatherer) -> dict[str, str]:
    return {process.name: process.state for process in (await gatherer.look()).processes}


async def test_a_number_that_is_anothers_by_now_is_no_process_of_ours(tmp_path: Path) -> None:
    ended = await asyncio.create_subprocess_exec("true")
    await ended.wait()
    young = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        began = psutil.Process(young.pid).create_time()
        show(tmp_path, board("analyst", ended.pid, 10))
        show(tmp_path, board("watch", young.pid, datetime.now(UTC).timestamp() - began + 40))
        show(tmp_path, board("projector", os.getppid(), 0))
        async with gathering(tmp_path, LIMITS, 0, no_broker, Now()) as gatherer:
            assert await states(gatherer) == {"analyst": "ended", "projector": "works", "watch": "ended"}
    finally:
        young.kill()
        await young.wait()


def test_a_home_takes_what_its_files_take_and_not_what_they_claim(tmp_path: Path) -> None:
    (tmp_path / "kafka" / "data").mkdir(parents=True)
    with (tmp_path / "kafka" / "data" / "index").open("wb") as file:
        file.truncate(10_000_000)
    (tmp_path / "kafka" / "data" / "log").write_bytes(b"x" * 50_000)
    (tmp_path / "model").write_bytes(b"x" * 200_000)
    taken = usage(tmp_path)
    assert taken is not None
    assert taken.kafka == pytest.approx(50_000, abs=9_000)
    assert taken.used == pytest.approx(250_000, abs=18_000)
    assert 0 < taken.free < taken.total
    assert usage(tmp_path / "none") is None

"""When `earmark up` gives its broker up, and when it waits for the next one."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from streams.app import machine
from streams.app.supervisor import Life, Supervisor
from streams.broker.keeper import NAME
from streams.clock import utc_now
from streams.errors import EarmarkError

ADDRESS = "127.0.0.1:19092"
OTHER = "127.0.0.1:19093"


def starting(monkeypatch: pytest.MonkeyPatch, folder: Path, found: str | None, failures: int) -> Supervisor:
    """A supervisor whose broker has ended so often, where one was found at the beginning or not."""
    monkeypatch.setattr(machine.local, "find", lambda _home: found)
    supervisor = Supervisor(folder, lambda _line: None, utc_now)
    life = supervisor.lives[NAME] = Life(machine._broker(), failures=failures)
    life.child = SimpleNamespace(words="the disk is full")  # type: ignore[assignment]
    return supervisor


@pytest.mark.parametrize(("found", "failures"), [(None, 1), (ADDRESS, 2)])
async def test_a_broker_that_does_not_start_ends_up_with_its_own_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: str | None, failures: int
) -> None:
    supervisor = starting(monkeypatch, tmp_path, found, failures)
    with pytest.raises(EarmarkError, match="the disk is full"):
        await machine._serves(tmp_path, supervisor, lambda _address: None, was_found=found is not None)


async def test_one_that_was_found_and_had_been_told_to_stop_is_started_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As when `up` is killed, and the next one begins while what it left is ending."""
    supervisor = starting(monkeypatch, tmp_path, ADDRESS, 1)
    begun: list[str] = []
    serving = asyncio.create_task(machine._serves(tmp_path, supervisor, begun.append, was_found=True))
    await asyncio.sleep(0.2)
    assert not serving.done()
    supervisor.lives[NAME].ready_since = utc_now()
    assert await serving == ADDRESS
    assert begun == [ADDRESS]
    assert supervisor.lives[NAME].part.again == ("--port", "19092")


async def test_the_others_begin_beside_a_broker_and_again_where_it_serves_at_another_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As when another program takes the port between our look at it and the broker's."""
    supervisor = starting(monkeypatch, tmp_path, ADDRESS, 0)
    begun: list[str] = []
    serving = asyncio.create_task(machine._serves(tmp_path, supervisor, begun.append, was_found=False))
    await asyncio.sleep(0.2)
    assert begun == [ADDRESS]
    monkeypatch.setattr(machine.local, "find", lambda _home: OTHER)
    supervisor.lives[NAME].ready_since = utc_now()
    assert await serving == OTHER
    assert begun == [ADDRESS, OTHER]

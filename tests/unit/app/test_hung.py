"""A process whose event loop hangs."""

import asyncio
import subprocess
import sys
import time

import pytest

from streams.app import running

HANGS = """
import asyncio, time
from streams.app import running

running.HUNG_S = 1.0
running.HUNG_LOOK_S = 0.1

def stuck_here():
    time.sleep(60)

async def main(stops):
    stop = asyncio.Event()
    watching = asyncio.create_task(running._end_if_hung(stop))
    await asyncio.sleep(1.5)  # a loop that turns is left alone
    if stops:
        stop.set()
        await asyncio.sleep(0.1)
        time.sleep(1.5)
        return
    stuck_here()

asyncio.run(main({stops}))
"""


async def test_who_waits_for_work_or_the_stop_can_be_cancelled_while_the_work_ends() -> None:
    """It was taken for the end of the work, and whoever cancelled waited for ever."""
    stop, ends = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.set()
            await asyncio.sleep(0.05)

    waiting = asyncio.create_task(running._or_stopped(work(), stop))
    await asyncio.sleep(0)
    stop.set()
    await ends.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def run(*, stops: bool) -> tuple[int, str, float]:
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", HANGS.replace("{stops}", str(stops))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stderr, time.monotonic() - began


def test_it_ends_and_shows_where_it_hung() -> None:
    code, said, took_s = run(stops=False)
    assert code == 1
    assert "in stuck_here" in said
    assert took_s < 40


def test_one_that_was_told_to_stop_is_left_to_who_told_it() -> None:
    """Its last snapshot, say, may take longer than that."""
    code, said, _ = run(stops=True)
    assert (code, said) == (0, "")

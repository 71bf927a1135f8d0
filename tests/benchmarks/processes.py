"""The processes that a benchmark measures, each with a pipe to ask it for its numbers."""

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from typing import Any

# A new process is forked from one that has imported everything.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(
    [
        "tests.benchmarks.analyst_process",
        "tests.benchmarks.provider_process",
        "tests.benchmarks.rebuild_process",
    ]
)


@contextmanager
def process(main: Callable[..., None], job: object) -> Iterator[Pipe]:
    """`main(job, pipe)` in a process of its own, which is killed at the block's end."""
    mine, its = processes.Pipe()
    child = processes.Process(target=main, args=(job, its), daemon=True)
    child.start()
    its.close()
    try:
        yield mine
    finally:
        child.kill()
        child.join()
        mine.close()


async def told(pipe: Pipe) -> Any:
    """The next thing that a process says. Raises EOFError where it has ended."""
    return await asyncio.to_thread(pipe.recv)


async def ask(pipe: Pipe) -> Any:
    """What a process has to tell by now."""
    pipe.send("tell")
    return await told(pipe)

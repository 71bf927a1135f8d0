"""`earmark` in many processes at once, each forked from one that has imported everything: a start costs milliseconds."""

import multiprocessing
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from streams.cli.main import VERBS, main

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(
    [
        __name__,
        *(verb.place.partition(":")[0] for verb in VERBS.values()),
        "streams.worker.worker",
        "streams.analysis.analyse",
        "streams.claude.client",
    ]
)


@dataclass
class Typed:
    """A command that was started: its process, and the file with what it prints."""

    words: str
    process: BaseProcess
    output: Path
    began: float

    @property
    def printed(self) -> str:
        return self.output.read_text()

    def ended(self, limit_s: float) -> int:
        """Its exit code. It must end within `limit_s` seconds of its start."""
        self.process.join(max(self.began + limit_s - time.monotonic(), 0))
        assert self.process.exitcode is not None, f"`{self.words}` still runs: {self.printed}"
        return self.process.exitcode

    def stop(self, limit_s: float) -> int:
        """Its exit code after SIGTERM."""
        self.process.terminate()
        self.began = time.monotonic()
        return self.ended(limit_s)


def type_all(commands: Iterable[str], environment: Mapping[str, str], folder: Path) -> list[Typed]:
    """Start `earmark COMMAND` for each, all at once, each in a folder of its own below `folder`."""
    return [_type(words, environment, folder / f"{number}") for number, words in enumerate(commands)]


def _type(words: str, environment: Mapping[str, str], folder: Path) -> Typed:
    folder.mkdir(parents=True)
    process = processes.Process(
        target=_run, args=(shlex.split(words), dict(environment), folder), daemon=True
    )
    process.start()
    return Typed(words, process, folder / "printed", time.monotonic())


def end_all(commands: Iterable[Typed]) -> None:
    """Whatever happened, leave no process behind."""
    for command in commands:
        command.process.kill()
        command.process.join()


def _run(words: list[str], environment: Mapping[str, str], folder: Path) -> None:
    with (folder / "printed").open("wb") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    os.chdir(folder)
    os.environ |= environment
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
    sys.argv[:] = ["earmark", *words]
    main()

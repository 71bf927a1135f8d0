"""The analysts of a run as real processes: killed, stopped, woken, started again."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from random import Random
from typing import Literal

from tests.chaos import analyst_process, claude_process

END_LIMIT_S = 30.0
Act = Literal["kill", "stop"]

# A new process is forked from one that has imported everything: a restart costs milliseconds.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload([analyst_process.__name__, claude_process.__name__])


@dataclass
class Crowd:
    """The analysts, each in its slot. `crashed`: what ended otherwise than it was made to."""

    job: analyst_process.Job
    calls_in_flight: Sequence[int]
    random: Random
    slots: list[BaseProcess] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    _stopped: set[int] = field(default_factory=set)
    _wakers: list[asyncio.Task[None]] = field(default_factory=list)

    def begin(self) -> None:
        """Start one for each number of calls in flight."""
        self.slots = [self._start(slot) for slot in range(len(self.calls_in_flight))]

    def _start(self, slot: int) -> BaseProcess:
        limits = replace(self.job.limits, calls_in_flight=self.calls_in_flight[slot])
        job = replace(self.job, limits=limits)
        process = processes.Process(target=analyst_process.main, args=(job,), daemon=True)
        process.start()
        return process

    def fix(self) -> None:
        """Start again whoever is gone."""
        for slot, process in enumerate(self.slots):
            if not process.is_alive():
                if process.exitcode != -signal.SIGKILL:
                    self.crashed.append(f"an analyst ended by itself with exit code {process.exitcode}")
                process.close()
                self.slots[slot] = self._start(slot)

    async def act(self, act: Act) -> None:
        """Kill one that runs, or stop it until every claim that it holds has expired."""
        while len(self._stopped) == len(self.slots):  # noqa: ASYNC110  a second is no matter here
            await asyncio.sleep(0.1)
        self.fix()
        slot = self.random.choice([slot for slot in range(len(self.slots)) if slot not in self._stopped])
        match act:
            case "kill":
                self.slots[slot].kill()
                await asyncio.to_thread(self.slots[slot].join)
                await asyncio.sleep(self.random.uniform(0, 0.2))
                self.fix()
            case "stop":
                self._send(slot, signal.SIGSTOP)
                self._stopped.add(slot)
                for_s = self.job.limits.hold_s + self.random.uniform(0.1, 1.5)
                self._wakers.append(asyncio.create_task(self._wake(slot, for_s)))

    async def _wake(self, slot: int, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self._send(slot, signal.SIGCONT)
        self._stopped.discard(slot)

    def _send(self, slot: int, number: signal.Signals) -> None:
        pid = self.slots[slot].pid
        assert pid is not None
        os.kill(pid, number)

    async def end(self) -> None:
        """End all in good order, which must be possible; those that are stopped are woken first."""
        await asyncio.gather(*self._wakers)
        self._wakers.clear()
        self.fix()
        for process in self.slots:
            process.terminate()
        for process in self.slots:
            await asyncio.to_thread(process.join, END_LIMIT_S)
            if process.exitcode not in {0, -signal.SIGTERM}:  # told before it could listen
                self.crashed.append(f"an analyst told to end did so with exit code {process.exitcode}")

    def clear(self) -> None:
        """Whatever happened, leave no process behind."""
        for waker in self._wakers:
            waker.cancel()
        for process in self.slots:
            process.kill()
            process.join()

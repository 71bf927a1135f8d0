"""The processes of one machine as children of this one: started, started again when they end, stopped in good order."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from streams.settings import Settings

PROCESSES = ("projector", "worker", "analyst", "watch")
GRACE_S = 30.0
PATIENCE_S = 2.0
# A terminal and a wrapper round this process may both hand on the same Ctrl-C.
TWICE_S = 1.0
BACKOFF_S = (1.0, 2.0, 5.0, 15.0, 30.0)
STEADY_S = 60.0

Say = Callable[[str], None]
"""Shows a person one line."""


async def supervise(settings: Settings, say: Say, complain: Say) -> None:
    """Run PROCESSES until SIGINT or SIGTERM, then stop them in good order; a second signal kills what still runs.

    `complain` takes what went wrong, `say` everything else.
    """
    logs = settings.home / "logs"
    logs.mkdir(exist_ok=True)
    supervisor = _Supervisor(logs, say, complain)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, supervisor.signalled)
    # The analyst's calls are paid for, so they are finished.
    grace_s = {"analyst": settings.call_timeout + GRACE_S}
    children = [
        asyncio.create_task(supervisor.keep_running(name, grace_s.get(name, GRACE_S))) for name in PROCESSES
    ]
    say(f"running: {', '.join(PROCESSES)}; logs in {logs}; Ctrl-C stops")
    await asyncio.gather(*children)


@dataclass
class _Supervisor:
    logs: Path
    say: Say
    complain: Say
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _may_hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _hurrying: asyncio.Event = field(default_factory=asyncio.Event)

    def signalled(self) -> None:
        """Stop; at the second signal hurry."""
        if not self._stopping.is_set():
            asyncio.get_running_loop().call_later(TWICE_S, self._may_hurry.set)
            self._stopping.set()
        elif self._may_hurry.is_set():
            self._hurrying.set()

    async def keep_running(self, name: str, grace_s: float) -> None:
        """Start a process, and again when it ends by itself, later each time that it ends soon."""
        failures, said = 0, ""
        while not self._stopping.is_set():
            began = asyncio.get_running_loop().time()
            steady = asyncio.create_task(self._tell_steady(name, said))
            code = await self._run(name, grace_s)
            if steady.done():
                said = ""
            steady.cancel()
            if self._stopping.is_set():
                return
            failures = 0 if asyncio.get_running_loop().time() - began > STEADY_S else failures + 1
            wait_s = BACKOFF_S[min(failures, len(BACKOFF_S)) - 1]
            end = f"{name} ended with {code}: {_last_line(self._log(name))}"
            if end != said:
                # One line when trouble begins, and none while it stays the same.
                self.complain(end)
                self.complain(f"{name} starts again in {wait_s:g} s, and again until it stays")
                said = end
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait_s)

    async def _tell_steady(self, name: str, said: str) -> None:
        """Say that a process works again that had ended, once it has stayed for a while."""
        await asyncio.sleep(STEADY_S)
        if said:
            self.say(f"{name} runs again")

    async def _run(self, name: str, grace_s: float) -> int:
        with self._log(name).open("ab") as stderr:
            # A session of its own: Ctrl-C in the terminal is for `up`, which then stops its children in good order.
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "streams", name, stdout=stderr, stderr=stderr, start_new_session=True
            )
        ended = asyncio.create_task(child.wait())
        await _first(ended, self._stopping)
        if not ended.done():
            child.terminate()
            if name == "analyst" and not await _first(ended, self._hurrying, PATIENCE_S):
                self.say(f"finishing calls that are paid for, {grace_s:g} s at most; Ctrl-C again drops them")
            await _first(ended, self._hurrying, grace_s)
        if not ended.done():
            self.complain(f"{name} was killed before it had stopped")
            os.killpg(child.pid, signal.SIGKILL)
        return await ended

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"


async def _first(ended: asyncio.Task[int], event: asyncio.Event, limit_s: float | None = None) -> bool:
    """Wait for an end or an event, whichever comes first; whether one came within `limit_s` seconds."""
    came = asyncio.create_task(event.wait())
    done, _ = await asyncio.wait({ended, came}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    came.cancel()
    return bool(done)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else "it said nothing"

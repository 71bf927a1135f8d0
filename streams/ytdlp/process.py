"""yt-dlp in a process of its own, so that a time limit really is one.

yt-dlp's own time-outs are per read: a server that drips holds a thread for ever. A process group can be killed.
The child reads one JSON object from stdin and writes one to stdout; `streams.ytdlp.session.serve` is its side.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from streams.errors import EarmarkError
from streams.events.text import whole_json
from streams.secrets import Secrets, of_cookies

STDERR_TAIL = 1000


class YtdlpError(EarmarkError):
    """yt-dlp returned nothing; base of the three ways to fail."""


class ExtractionError(YtdlpError):
    """yt-dlp gave up: `text` is what YouTube or yt-dlp said, `status` HTTP's, where there was one.

    `kind` is yt-dlp's name for it; every failure of the network itself is a TransportError.
    """

    def __init__(self, kind: str, text: str, status: int | None) -> None:
        super().__init__(f"yt-dlp: {text}")
        self.kind = kind
        self.text = text
        self.status = status


class TimeLimitError(YtdlpError):
    """The child did not end in time and was killed."""


class CrashError(YtdlpError):
    """The child ended without an answer: YouTube changed, or the machine killed it."""


@dataclass(frozen=True)
class Options:
    """How to ask YouTube.

    `youtube_url`: an origin instead of every *.youtube.com; requests to other hosts are then refused.
    `clients`: yt-dlp's player clients. `cookies`: a cookies.txt, only ever read.
    """

    youtube_url: str | None = None
    clients: tuple[str, ...] = ("visionos",)
    cookies: Path | None = None


async def run_child(
    module: str, task: str, payload: Mapping[str, Any], *, options: Options, time_limit_s: float
) -> dict[str, Any]:
    """The answer of `task`, run with the arguments `payload` by `python -m module` in a process group of its own.

    The group is killed at the time limit (seconds) and when the caller is cancelled.
    Raises ExtractionError, TimeLimitError or CrashError.
    """
    request = {
        "task": task,
        "payload": dict(payload),
        "options": asdict(options),
        "time_limit_s": time_limit_s,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(time_limit_s):
            stdout, stderr = await child.communicate(json.dumps(request, default=str).encode())
    except BaseException as error:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
        if isinstance(error, TimeoutError):
            raise TimeLimitError(f"yt-dlp: {task} took more than {time_limit_s:g} s and was ended") from None
        raise
    # What fails becomes an event, and a cookie that cannot be read is quoted by whoever reads it.
    hide = Secrets(() if options.cookies is None else of_cookies(options.cookies)).hide
    if child.returncode != 0:
        tail = hide(stderr.decode(errors="replace")).strip()[-STDERR_TAIL:]
        raise CrashError(f"yt-dlp: {task} ended with exit code {child.returncode}: {tail}")
    # Titles may hold half a surrogate pair: nobody could write such an event down.
    answer: dict[str, Any] = whole_json(json.loads(stdout))
    if "error" in answer:
        raise ExtractionError(**(answer["error"] | {"text": hide(answer["error"]["text"])}))
    result: dict[str, Any] = answer["result"]
    return result

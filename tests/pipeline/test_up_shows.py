"""What `earmark up` shows on a terminal while it works."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import termios
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from streams.clock import utc_now
from streams.loopback.claude import LoopbackClaude
from streams.loopback.youtube import LoopbackYoutube, serve
from tests.pipeline.harbour_notes import EMPTY, answer, video
from tests.pipeline.installation import LIMIT_S, Installation

pytestmark = pytest.mark.kafka

ROWS, COLUMNS = 50, 80
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A pseudo-terminal of 50 lines and 80 columns, and all that was written to it."""

    def __init__(self) -> None:
        self._main, self.end = pty.openpty()
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.set_blocking(self._main, False)
        self._written = b""

    def text(self) -> str:
        """What was written so far, with a line for each move of the cursor."""
        try:
            while piece := os.read(self._main, 65536):
                self._written += piece
        except OSError:  # nothing more, or nobody writes any more
            pass
        return CONTROL.sub("\n", self._written.decode(errors="replace")).replace("\r", "")

    def close(self) -> None:
        """Give both ends back."""
        os.close(self._main)
        os.close(self.end)


async def test_a_terminal_shows_what_waits_what_it_costs_and_what_happened_in_one_block(
    bootstrap: str, tmp_path: Path
) -> None:
    old = utc_now() - timedelta(days=1)
    channel = replace(EMPTY, videos=(video("HarbourRope", old, "rope"),))
    terminal = Terminal()
    async with (
        serve(LoopbackYoutube(channel)) as youtube,
        LoopbackClaude({}, improvise=answer) as claude,
    ):
        variables = {
            "EARMARK_KAFKA": bootstrap,
            "EARMARK_TOPIC_PREFIX": "shows.",
            "EARMARK_YOUTUBE_URL": youtube.origin,
            "ANTHROPIC_BASE_URL": claude.base_url,
            "ANTHROPIC_API_KEY": "a key",
            "TERM": "xterm",
            "COLUMNS": "",
            "LINES": "",
        }
        earmark = Installation(tmp_path, variables)
        up = await earmark.start("up", stdin=terminal.end, stdout=terminal.end, stderr=terminal.end)
        try:
            earmark.printed.touch()
            await earmark.until(lambda: "running: " in terminal.text())
            assert (await earmark.run("add", "HarbourRope"))[0] == 0
            await earmark.until(lambda: "published buy ROPE" in terminal.text())
            up.send_signal(signal.SIGINT)
            async with asyncio.timeout(LIMIT_S):
                while up.returncode is None:
                    terminal.text()  # a full terminal would hold it up
                    await asyncio.sleep(0.05)
        finally:
            if up.returncode is None:
                up.kill()
        shown = terminal.text()
        terminal.close()
    assert up.returncode == 0
    lines = shown.split("\n")
    assert max(map(len, lines)) <= COLUMNS
    assert [line for line in lines if re.match(r"\d\d:\d\d:\d\d running: ", line)]
    for part in ("waits", "money ", "of $5.00 charged today", "snapshot ", "worker-w0 ", "records behind"):
        assert part in shown, part

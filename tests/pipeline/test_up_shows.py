"""What `earmark up` shows on a terminal while it works."""

import asyncio
import re
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from streams.clock import utc_now
from streams.loopback.claude import LoopbackClaude
from streams.loopback.youtube import LoopbackYoutube, serve
from tests.builders.pseudo_terminal import Terminal
from tests.pipeline.harbour_notes import EMPTY, answer, video
from tests.pipeline.installation import LIMIT_S, Installation

pytestmark = pytest.mark.kafka

ROWS, COLUMNS = 50, 80


async def test_a_terminal_shows_what_waits_what_it_costs_and_what_happened_in_one_block(
    bootstrap: str, tmp_path: Path
) -> None:
    old = utc_now() - timedelta(days=1)
    channel = replace(EMPTY, videos=(video("HarbourRope", old, "rope"),))
    terminal = Terminal(ROWS, COLUMNS)
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

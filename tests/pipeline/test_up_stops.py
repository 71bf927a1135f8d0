"""`earmark up` is stopped while calls are in flight: they are paid for."""

import asyncio
import signal
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.clock import utc_now
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Reply
from streams.loopback.youtube import LoopbackYoutube, serve
from tests.pipeline.harbour_notes import EMPTY, answer, video
from tests.pipeline.installation import LIMIT_S, Installation

pytestmark = pytest.mark.kafka

SLOW, HANGING = "HarbourSlow", "HarbourHang"
LATENCY_S = 5.0


def hanging(body: Mapping[str, Any]) -> Reply:
    """An answer that never comes where the tar is bought."""
    delivery = "hang" if "tar" in body["messages"][0]["content"] else "whole"
    return replace(answer(body), delivery=delivery)


ANSWERED = "SELECT video_id FROM outlooks"


@pytest.fixture
def taken_port() -> Iterator[str]:
    """A port that another program has."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield str(taken.getsockname()[1])


async def stopped_in_mid_call(
    earmark: Installation, claude: LoopbackClaude, calls: int, *, twice: bool
) -> str:
    """What `up` printed, which Ctrl-C met with that many calls made; and a second one, if `twice`."""
    async with earmark.starting() as up:
        await earmark.until(lambda: len(claude.calls) == calls)
        await earmark.until(lambda: "TROUBLE dashboard" in earmark.printed.read_text())
        if twice:
            # The projector stops with the others, however far it has come.
            await earmark.until_rows(ANSWERED, [(SLOW,)])
        up.send_signal(signal.SIGINT)
        await earmark.until(lambda: "finishing calls that are paid for" in earmark.printed.read_text())
        if twice:
            up.send_signal(signal.SIGINT)
        async with asyncio.timeout(LIMIT_S):
            assert await up.wait() == 0
    return earmark.printed.read_text()


async def test_ctrl_c_waits_for_the_answers_that_are_paid_for_and_a_second_one_does_not(
    bootstrap: str, taken_port: str, tmp_path: Path
) -> None:
    """The answer that was waited for is in the log: nobody asks for it again.

    Meanwhile another program has the dashboard's port, which is said, and keeps nobody from the rest.
    """
    old = utc_now() - timedelta(days=1)
    channel = replace(EMPTY, videos=(video(SLOW, old, "rope"), video(HANGING, old, "tar")))
    async with (
        serve(LoopbackYoutube(channel)) as youtube,
        LoopbackClaude({}, improvise=hanging, latency_s=LATENCY_S) as claude,
    ):
        variables = {
            "EARMARK_KAFKA": bootstrap,
            "EARMARK_TOPIC_PREFIX": "stops.",
            "EARMARK_YOUTUBE_URL": youtube.origin,
            "ANTHROPIC_BASE_URL": claude.base_url,
            "ANTHROPIC_API_KEY": "a key",
            "EARMARK_DASHBOARD": "on",
            "EARMARK_DASHBOARD_PORT": taken_port,
        }
        earmark = Installation(tmp_path, variables)
        assert (await earmark.run("topics", "apply"))[0] == 0
        assert (await earmark.run("add", SLOW))[0] == 0
        printed = await stopped_in_mid_call(earmark, claude, 1, twice=False)
        assert "was killed" not in printed
        assert "TROUBLE dashboard ended: the dashboard cannot listen at 127.0.0.1:" in printed

        assert (await earmark.run("add", HANGING))[0] == 0
        printed = await stopped_in_mid_call(earmark, claude, 2, twice=True)
        assert "analyst was killed before it had stopped" in printed
        assert earmark.rows(ANSWERED) == [(SLOW,)]

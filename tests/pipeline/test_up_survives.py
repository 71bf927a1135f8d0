"""`earmark up` through the death and the silence of its broker, and through its own death by kill -9."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from streams.broker import local
from streams.clock import utc_now
from streams.loopback.claude import LoopbackClaude
from streams.loopback.youtube import LoopbackYoutube, serve
from tests.pipeline.harbour_notes import EMPTY, answer, video
from tests.pipeline.installation import Installation

pytestmark = pytest.mark.kafka

BEFORE, AFTER = "HarbourOne1", "HarbourTwo2"
CHILDREN = ("projector", "worker", "analyst", "watch")
GONE_WITHIN_S = 15.0


def broker_of(earmark: Installation) -> psutil.Process:
    pid = local.status(earmark.home).pid
    assert pid is not None
    return psutil.Process(pid)


def heard(earmark: Installation) -> Callable[[str], bool]:
    return lambda video_id: bool(
        earmark.rows(f"SELECT 1 FROM outlooks WHERE video_id = '{video_id}'")  # noqa: S608  our own ids
    )


async def test_the_broker_comes_back_at_its_port_the_others_wait_and_a_killed_up_leaves_nothing(
    tmp_path: Path,
) -> None:
    old = utc_now() - timedelta(days=1)
    videos = tuple(video(video_id, old, "rope") for video_id in (BEFORE, AFTER))
    async with (
        serve(LoopbackYoutube(replace(EMPTY, videos=videos))) as youtube,
        LoopbackClaude({}, improvise=answer) as claude,
    ):
        earmark = Installation(
            tmp_path,
            {
                "EARMARK_YOUTUBE_URL": youtube.origin,
                "ANTHROPIC_BASE_URL": claude.base_url,
                "ANTHROPIC_API_KEY": "a key",
            },
        )
        is_heard = heard(earmark)

        def said(words: str) -> Callable[[], bool]:
            return lambda: words in earmark.printed.read_text()

        async with earmark.starting() as up:
            await earmark.until(said("running: "))
            assert (await earmark.run("add", BEFORE))[0] == 0
            await earmark.until(lambda: is_heard(BEFORE))

            address, before = local.find(earmark.home), [earmark.child(name) for name in CHILDREN]
            broker_of(earmark).kill()
            await earmark.until(said("TROUBLE broker ended"))
            await earmark.until(said(" s: broker ended"))
            assert local.find(earmark.home) == address
            assert (await earmark.run("add", AFTER))[0] == 0
            await earmark.until(lambda: is_heard(AFTER))
            assert [earmark.child(name) for name in CHILDREN] == before, "nobody ended for it"

            hung = broker_of(earmark)
            hung.suspend()
            await earmark.until(said(f"TROUBLE Kafka at {address} does not answer"))
            hung.resume()
            await earmark.until(said(f": Kafka at {address} does not answer"))
            up.kill()
            await up.wait()
            async with asyncio.timeout(GONE_WITHIN_S):
                while earmark.processes():  # noqa: ASYNC110
                    await asyncio.sleep(0.1)

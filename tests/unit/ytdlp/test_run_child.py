"""The process that is killed, with the real yt-dlp in it and the loopback YouTube to ask."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from streams.loopback.channel import Channel, ChannelVideo
from streams.loopback.youtube import LoopbackYoutube, serve
from streams.ytdlp.process import CrashError, ExtractionError, Options, TimeLimitError, run_child
from streams.ytdlp.session import ORPHAN_GRACE_S

DRIPS = ChannelVideo(
    "drips000000",
    "Drips",
    datetime(2026, 10, 5, tzinfo=UTC),
    60,
    auto=b"{}",
    behaviour="timedtext_drips",
)
CHANNEL = Channel("UC" + "e" * 22, "@evening", "Evening & Co", (DRIPS,))


@pytest.fixture
async def youtube() -> AsyncIterator[LoopbackYoutube]:
    async with serve(LoopbackYoutube(CHANNEL)) as server:
        yield server


async def resolve(youtube: LoopbackYoutube, channel: str) -> dict[str, Any]:
    options = Options(youtube_url=youtube.origin)
    return await run_child(
        "streams.ytdlp.channels", "resolve", {"channel": channel}, options=options, time_limit_s=60
    )


async def ask_the_dripping_one(youtube: LoopbackYoutube, time_limit_s: float) -> dict[str, Any]:
    return await run_child(
        "streams.captions.download",
        "captions",
        {"video_id": DRIPS.video_id, "languages": []},
        options=Options(youtube_url=youtube.origin),
        time_limit_s=time_limit_s,
    )


def processes() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


async def test_a_childs_answer_comes_back_as_it_is(youtube: LoopbackYoutube) -> None:
    assert await resolve(youtube, "@evening") == {
        "channel_id": CHANNEL.channel_id,
        "handle": "@evening",
        "title": "Evening & Co",
    }


async def test_a_childs_error_keeps_its_parts(youtube: LoopbackYoutube) -> None:
    with pytest.raises(ExtractionError, match="yt-dlp: HTTP Error 404: Not Found") as raised:
        await resolve(youtube, "@nobody")
    assert (raised.value.kind, raised.value.status) == ("HTTPError", 404)


async def test_the_time_limit_holds_against_a_server_that_drips(youtube: LoopbackYoutube) -> None:
    before = processes()
    async with asyncio.timeout(60):
        with pytest.raises(TimeLimitError, match="captions took more than 3 s"):
            await ask_the_dripping_one(youtube, time_limit_s=3)
    assert processes() <= before, "the child must be gone, and no zombie"


async def test_cancelling_the_caller_ends_the_child(youtube: LoopbackYoutube) -> None:
    before = processes()
    asking = asyncio.create_task(ask_the_dripping_one(youtube, time_limit_s=600))
    async with asyncio.timeout(60):
        while not any(path.startswith("/api/timedtext") for path in youtube.requests):  # noqa: ASYNC110  a list is all the server keeps
            await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert processes() <= before


async def test_a_child_whose_parent_is_gone_ends_itself(youtube: LoopbackYoutube) -> None:
    request = {
        "task": "captions",
        "payload": {"video_id": DRIPS.video_id, "languages": []},
        "options": {"youtube_url": youtube.origin},
        "time_limit_s": 1 - ORPHAN_GRACE_S,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "streams.captions.download"),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    async with asyncio.timeout(60):
        await child.communicate(json.dumps(request).encode())
    assert child.returncode == -signal.SIGALRM


async def test_a_child_that_crashes_is_named_with_what_it_said_last() -> None:
    with pytest.raises(CrashError, match=r"ended with exit code 1: .*No module named"):
        await run_child("streams.ytdlp.nowhere", "task", {}, options=Options(), time_limit_s=60)


@pytest.mark.parametrize("gap", ["\t", " "], ids=["as it should be", "that cannot be read"])
async def test_a_cookie_that_a_crashing_child_quotes_is_not_shown(tmp_path: Path, gap: str) -> None:
    """What it said last becomes an event."""
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(
        gap.join([".youtube.com", "TRUE", "/", "TRUE", "1900000000", "LOGIN_INFO", "AFmmF2sw-session"])
    )
    with pytest.raises(CrashError, match=r"cannot read .*\(hidden\)") as raised:
        await run_child(
            "tests.builders.quoting_child", "task", {}, options=Options(cookies=cookies), time_limit_s=60
        )
    assert "AFmmF2sw" not in str(raised.value)

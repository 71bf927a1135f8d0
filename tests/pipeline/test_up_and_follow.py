"""`earmark up` and `earmark follow` on an ordinary installation, whose YouTube and Claude are not the demo's."""

import asyncio
import json
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from projections.web.routes import PAGES
from streams.clock import utc_now
from streams.loopback.claude import LoopbackClaude
from streams.loopback.youtube import LoopbackYoutube, serve
from tests.builders.dashboard_process import get
from tests.pipeline.harbour_notes import EMPTY, HANDLE, answer, video
from tests.pipeline.installation import LIMIT_S, Installation

pytestmark = pytest.mark.kafka


@asynccontextmanager
async def installed(folder: Path) -> AsyncIterator[tuple[Installation, LoopbackYoutube, LoopbackClaude]]:
    """A folder without a broker yet, and the two servers that its environment names."""
    async with serve(LoopbackYoutube(EMPTY)) as youtube, LoopbackClaude({}, improvise=answer) as claude:
        variables = {
            "EARMARK_YOUTUBE_URL": youtube.origin,
            "EARMARK_YOUTUBE_PER_MINUTE": "600",
            "EARMARK_POLL_INTERVAL": "1s",
            "ANTHROPIC_BASE_URL": claude.base_url,
            "ANTHROPIC_API_KEY": "a key",
        }
        yield Installation(folder, variables), youtube, claude


async def test_a_followed_channel_fills_every_table_and_up_leaves_nothing_behind(tmp_path: Path) -> None:
    """Videos from before the follow are history, those from after it are live, and each is billed once."""
    now = utc_now()
    async with installed(tmp_path) as (earmark, youtube, claude):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        earmark.variables |= {"EARMARK_DASHBOARD": "on", "EARMARK_DASHBOARD_PORT": str(port)}
        youtube.show(
            replace(
                EMPTY,
                videos=(
                    video("HarbrTooOld", now - timedelta(days=40), "kelp"),
                    video("HarbrBefore", now - timedelta(days=3), "rope", "tar"),
                ),
            )
        )
        async with earmark.up():
            code, said = await earmark.run("follow", HANDLE, "--since", "7d", "--yes")
            assert code == 0, said
            assert "Harbour Notes (@HarbourNotes) has 1 new videos" in said
            # Its first look is over: what comes out from here on is met by a poll, not by the walk back.
            await earmark.until_rows("SELECT count(*) FROM _channel_scans WHERE complete", [(2,)])
            youtube.show(
                replace(
                    youtube.channel,
                    videos=(
                        *youtube.channel.videos,
                        video("HarbrAfter1", utc_now(), "salt", by_hand=True),
                        video("HarbrAfter2", utc_now(), "pitch", "hemp"),
                        video("HarbrSilent", utc_now()),
                    ),
                )
            )
            await earmark.until_rows("SELECT count(*) FROM signals", [(3 + 5,)])
            await earmark.until_rows("SELECT sum(open_usd) FROM daily_costs", [(0,)])
            await earmark.until_rows(
                "SELECT video_id, status, next_try_at IS NOT NULL FROM video_status ORDER BY ALL",
                [
                    ("HarbrAfter1", "analysed", False),
                    ("HarbrAfter2", "analysed", False),
                    ("HarbrBefore", "analysed", False),
                    ("HarbrSilent", "discovered", True),
                ],
            )
            assert earmark.rows(
                "SELECT video_id, symbol, action, time_horizon, start_ms FROM mentions ORDER BY video_id, start_ms"
            ) == [
                ("HarbrAfter1", "SALT", "buy", "years", 10_000),
                ("HarbrAfter2", "PITCH", "buy", "years", 10_000),
                ("HarbrAfter2", "HEMP", "sell", "years", 20_000),
                ("HarbrBefore", "ROPE", "buy", "years", 10_000),
                ("HarbrBefore", "TAR", "sell", "years", 20_000),
            ]
            assert earmark.rows(
                "SELECT video_id, direction, channel_title FROM outlooks ORDER BY video_id"
            ) == [
                (video_id, "mixed", "Harbour Notes")
                for video_id in ("HarbrAfter1", "HarbrAfter2", "HarbrBefore")
            ]
            assert earmark.rows(
                "SELECT video_id, cause, count(*) FROM signals GROUP BY ALL ORDER BY ALL"
            ) == [
                ("HarbrAfter1", "live", 2),
                ("HarbrAfter2", "live", 3),
                ("HarbrBefore", "backfill", 3),
            ]
            assert earmark.rows(
                "SELECT lane, attempts, completed, unknown FROM daily_costs ORDER BY lane"
            ) == [("backfill", 1, 1, 0), ("live", 2, 2, 0)]
            [(billed, charged)] = earmark.rows("SELECT sum(billed_usd), sum(charged_usd) FROM daily_costs")
            assert billed == charged == claude.bill() > 0
            await assert_status_tells_it(earmark, charged)
            await assert_pages_show_it(earmark)

            code, said = await earmark.run("up")
            assert code == 1
            assert f"already runs in {earmark.home}" in said


async def assert_status_tells_it(earmark: Installation, charged: Decimal) -> None:
    """Every reader has read all of the log, soon after; nothing needs a person, and nothing is not known."""
    behind: set[int | None] = {None}
    async with asyncio.timeout(LIMIT_S):
        while behind != {0}:
            code, said = await earmark.run("status", "--json")
            told = json.loads(said)
            behind = {lag["behind"] for lag in told["lags"]} | {told["snapshot"]["behind"]}
    assert (code, told["needs_person"], told["unknown"]) == (0, [], [])
    assert {process["name"] for process in told["processes"]} >= {
        "analyst",
        "dashboard",
        "projector",
        "watch",
        "worker-w0",
    }
    assert {process["state"] for process in told["processes"]} == {"works"}
    stages = {
        stage["name"]: (stage["waiting"], stage["later"], stage["done_today"]) for stage in told["stages"]
    }
    assert stages["discover"] == (0, 0, 4)
    assert stages["captions"] == (1, 1, 3), "the silent one is tried again later"
    assert stages["analysis"] == (0, 0, 3)
    assert stages["signals"] == (0, 0, 8)
    assert Decimal(told["money"]["billed_usd"]) == charged


async def assert_pages_show_it(earmark: Installation) -> None:
    """At the address that `up` has said; one that is killed comes back there, and nobody else ends for it."""
    found = re.search(r"look at (http://127\.0\.0\.1:\d+)/$", earmark.printed.read_text(), re.MULTILINE)
    assert found is not None
    for page in PAGES:
        if "{" not in page.pattern:
            status, shown = await asyncio.to_thread(get, found[1] + page.pattern)
            assert status == 200, shown
    assert (
        "https://www.youtube.com/watch?v=HarbrAfter2&amp;t=10s" in (await asyncio.to_thread(get, found[1]))[1]
    )
    others = ("projector", "worker", "analyst", "watch")
    before = [earmark.child(name) for name in others]
    killed = earmark.child("dashboard")
    assert killed is not None
    killed.kill()
    await earmark.until(lambda: "TROUBLE dashboard ended: it was killed" in earmark.printed.read_text())
    await earmark.until(lambda: " s: dashboard ended: it was killed" in earmark.printed.read_text())
    assert (await asyncio.to_thread(get, found[1]))[0] == 200
    assert [earmark.child(name) for name in others] == before


async def test_up_without_a_key_says_what_is_missing_and_starts_nothing(tmp_path: Path) -> None:
    """An empty variable is an unset one."""
    earmark = Installation(tmp_path, {"ANTHROPIC_API_KEY": ""})
    code, said = await earmark.run("up")
    assert code == 1
    assert said.strip() == (
        "earmark: ANTHROPIC_API_KEY is not set: put it into the environment or a .env file"
    )
    assert not earmark.home.exists()


async def test_up_that_is_stopped_while_kafka_starts_takes_it_down_again(tmp_path: Path) -> None:
    """A broker left behind would be taken for somebody else's by the next `up`, and never be stopped."""
    earmark = Installation(tmp_path, {"ANTHROPIC_API_KEY": "a key"})
    async with earmark.starting() as up:
        await earmark.until(
            lambda: any("kafka.Kafka" in found.info["cmdline"] for found in earmark.processes())
        )
        up.send_signal(signal.SIGTERM)
        async with asyncio.timeout(LIMIT_S):
            await up.wait()
        assert earmark.processes() == []

"""`earmark doctor` as a person types it: on a log, and where nothing and nobody answers."""

import asyncio
import os
import socket
import sys
import time
from asyncio.subprocess import PIPE, STDOUT
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.clock import utc_now
from streams.events.channels import ChannelFollowed
from streams.log.connection import Connection
from streams.log.publish import publisher
from streams.log.topics import CAPTIONS, KEPT_FOR_EVER, TOPICS
from streams.loopback.channel import Channel
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Reply
from streams.loopback.youtube import LoopbackYoutube, serve

pytestmark = pytest.mark.kafka

NOBODY = Channel(channel_id="UCNobody", handle="@nobody", title="Nobody", videos=())


async def doctor(folder: Path, **variables: str) -> tuple[int | None, list[str], float]:
    """Its exit code, its lines, and how long it took."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("EARMARK_", "ANTHROPIC_"))
    }
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams", "doctor"),
        env={**inherited, "EARMARK_HOME": str(folder), **variables},
        cwd=folder,
        stdout=PIPE,
        stderr=STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode().splitlines(), time.monotonic() - began


async def test_a_healthy_log_is_healthy_and_one_that_is_deleted_is_broken(
    connection: Connection, tmp_path: Path
) -> None:
    async with publisher(connection) as appender:
        followed = ChannelFollowed(
            at=utc_now(), channel_id="UC1", handle="@one", title="One", since=utc_now()
        )
        await appender.append_all([followed])
    async with (
        serve(LoopbackYoutube(NOBODY)) as youtube,
        LoopbackClaude({}, improvise=lambda _: Reply(text="")) as claude,
    ):
        variables = {
            "EARMARK_KAFKA": connection.bootstrap,
            "EARMARK_TOPIC_PREFIX": connection.prefix,
            "EARMARK_YOUTUBE_URL": youtube.origin,
            "ANTHROPIC_BASE_URL": claude.base_url,
            "ANTHROPIC_API_KEY": "a key",
        }
        code, lines, _ = await doctor(tmp_path, **variables)
        told = {" ".join(line.split()[:3]) for line in lines}
        assert code == 0, lines
        assert not any(line.startswith("broken") for line in lines)
        assert told >= {
            f"ok kafka {connection.bootstrap}",
            "ok topics all",
            f"ok retention {len(TOPICS)}",
            "ok records every",
        }
        assert any(line.startswith("ok      clock (Kafka)   the newest record, of ") for line in lines)
        assert "ok      key             Claude takes it" in lines

        admin = connection.admin()
        await admin.start()
        try:
            short = {**KEPT_FOR_EVER, "retention.ms": "604800000"}
            await admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, connection.name(CAPTIONS), configs=short)]
            )
        finally:
            await admin.close()
        code, lines, _ = await doctor(tmp_path, **variables)
        assert code == 1
        [broken] = [line for line in lines if line.startswith("broken")]
        assert broken == (
            f"broken  retention       Kafka deletes the log: {connection.prefix}captions has retention.ms=604800000 where -1"
            " belongs → `earmark topics apply`"
        )


async def test_where_nobody_answers_it_ends_within_twenty_seconds(tmp_path: Path) -> None:
    """Every address takes a connection and says nothing: worse than one that is closed."""
    with ExitStack() as open_ones:
        ports = []
        for _ in range(3):
            silent = open_ones.enter_context(socket.socket())
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            ports.append(silent.getsockname()[1])
        code, lines, took = await doctor(
            tmp_path,
            EARMARK_KAFKA=f"127.0.0.1:{ports[0]}",
            EARMARK_YOUTUBE_URL=f"http://127.0.0.1:{ports[1]}",
            ANTHROPIC_BASE_URL=f"http://127.0.0.1:{ports[2]}",
            ANTHROPIC_API_KEY="a key",
        )
    assert code == 1
    assert took < 20
    broken = {line.split()[1] for line in lines if line.startswith("broken")}
    assert broken == {"kafka", "claude", "youtube"}
    assert len(lines) == 11, "no line but those of the checks"


async def test_wrong_settings_are_said_and_the_machine_is_looked_at(tmp_path: Path) -> None:
    code, lines, _ = await doctor(tmp_path, EARMARK_DAYLY_CAP_USD="1")
    assert code == 1
    assert lines[0].startswith("broken  settings        EARMARK_DAYLY_CAP_USD: there is no such setting")
    assert [line.split()[1] for line in lines] == ["settings", "settings", "versions", "yt-dlp", "java"]

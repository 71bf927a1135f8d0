"""README.md's bot, run as it stands there: what it takes for a call, for a retraction, for history."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.clock import utc_now
from streams.events.event import Event
from streams.events.videos import Origin, Video
from streams.log.connection import Connection
from streams.log.topics import MENTION_SIGNALS
from tests.builders.histories import completed, mention, video
from tests.builders.promised import sent
from tests.builders.publishing import activated, published, written
from tests.docs.pages import README

LIMIT_S = 60.0
EXPECTED = [
    "call buy",  # live and fresh
    "call buy",  # likewise, in the video that the next prompt hears no call in
    "history buy",  # a backfill
    "history buy",  # two days old
    "history buy",  # of an unknown age
    "history buy",  # with a condition
    "history buy",  # of somebody else
    "history sell",  # changed by another prompt
    "retracted buy",
    "call hold",
]


def of_age(hours: float | None, name: str, origin: Origin = "poll") -> Video:
    at = None if hours is None else utc_now() - timedelta(hours=hours)
    return video(name, origin).model_copy(update={"published_at": at})


def analysis(of: Video, prompt: str, *actions: str, **beside: Any) -> Event:
    """What is said of one symbol, so that all signals keep their order."""
    own = {"speaker": "host", "paid": False} | beside
    calls = [mention(of.video_id, "NVDA").model_copy(update={"action": action} | own) for action in actions]
    return completed(prompt, of=of, mentions=calls)


async def history() -> list[Event]:
    fresh, other = of_age(1, "fresh"), of_age(1, "other")
    old, undated = of_age(48, "old"), of_age(None, "undated")
    return [
        *await activated(1, "p1"),
        analysis(fresh, "p1", "buy"),
        analysis(other, "p1", "buy"),
        analysis(of_age(1, "backfill", "backfill"), "p1", "buy"),
        analysis(old, "p1", "buy"),
        analysis(undated, "p1", "buy"),
        analysis(of_age(1, "waits"), "p1", "buy", condition="if it falls"),
        analysis(of_age(1, "relays"), "p1", "buy", speaker="relayed"),
        analysis(fresh, "p2", "sell"),
        analysis(other, "p2"),
        *await activated(7, "p2"),
    ]


@pytest.mark.kafka
async def test_the_bot_acts_on_fresh_live_calls_and_once(connection: Connection, tmp_path: Path) -> None:
    """A retraction is no call, and what is published again changes nothing."""
    [program] = [block.text for block in README.box("For a bot", "python")]
    (tmp_path / "bot.py").write_text(program)
    placed = await written(connection, await history())
    await published(connection, placed)
    once = len(await sent(connection))
    await published(connection, placed)
    assert len(await sent(connection)) == 2 * once
    await published(connection, await written(connection, [analysis(of_age(1, "last"), "p2", "hold")]))
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", tmp_path / "bot.py"),
        *(connection.bootstrap, connection.name(MENTION_SIGNALS)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert bot.stdout is not None
    try:
        async with asyncio.timeout(LIMIT_S):
            printed = [(await bot.stdout.readline()).decode().split() for _ in EXPECTED]
    finally:
        bot.kill()
        await bot.wait()
    assert [f"{word} {action}" for word, _, action, *_ in printed] == EXPECTED
    assert {symbol for _, symbol, *_ in printed} == {"NVDA"}

"""A bot that keeps the rule for clients and one written against the first contract, by two client libraries, as they stand."""

import ast
import asyncio
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.clock import utc_now
from streams.events.analyses import Dropped, Mention
from streams.events.event import Event
from streams.events.videos import Origin, Video
from streams.log.connection import Connection
from streams.log.topics import MENTION_SIGNALS
from tests.builders.histories import completed, mention, video
from tests.builders.promised import sent
from tests.builders.publishing import activated, published, written

BOTS = ("aiokafka_bot.py", "confluent_bot.py")
NVDA = [
    "act=True NVDA MentionAdded buy",
    "act=False NVDA MentionAdded buy",  # a backfill
    "act=False NVDA MentionAdded buy",  # two days old
    "act=False NVDA MentionChanged sell",  # another prompt
    "act=True NVDA MentionAdded hold",
]
T = [
    "act=True T MentionAdded buy",
    "act=False T MentionAdded buy",  # of an unknown age
    "act=False T MentionAdded buy",  # of today, at an unknown hour
    "act=False T MentionRetracted buy",
    "act=True T MentionAdded hold",
]
HEARSAY = [
    "act=False AMD MentionAdded buy",  # if it falls
    "act=False AMD MentionAdded buy",  # hangs on something that nobody said
    "act=False AMD MentionAdded buy",  # of somebody who does not speak
    "act=False AMD MentionAdded buy",  # under a prompt that does not ask
    "act=True AMD MentionAdded sell",  # a guest's
]
"""What the first contract did not know: a subscriber written against it acts on all of these, as it did."""


def path(bot: str) -> Path:
    return Path(__file__).with_name(bot)


def published_ago(hours: float | None, name: str, origin: Origin = "poll") -> Video:
    at = None if hours is None else utc_now() - timedelta(hours=hours)
    return video(name, origin).model_copy(update={"published_at": at})


def by_the_day(name: str) -> Video:
    """Of today, but nobody knows the hour."""
    return published_ago(1, name).model_copy(update={"published_precision": "day"})


def said(name: str, symbol: str, **beside: Any) -> Mention:
    """A call of the host that hangs on nothing, but for what is said otherwise."""
    own = {"speaker": "host", "paid": False} | beside
    return mention(name, symbol, start_ms=9000 if symbol == "T" else 1000).model_copy(update=own)


def hearsay() -> list[Event]:
    """Fresh live calls on one symbol, and what stands beside each."""
    dropped = Dropped(part="condition", reason="not_near_the_quote", words="if pigs fly")
    beside: list[dict[str, Any]] = [
        {"condition": "if it falls"},
        {"dropped": (dropped,)},
        {"speaker": "relayed"},
        {"speaker": "unknown", "paid": None},
        {"speaker": "guest", "action": "sell"},
    ]
    return [
        completed("p1", of=published_ago(1, f"said{n}"), mentions=[said(f"said{n}", "AMD", **one)])
        for n, one in enumerate(beside)
    ]


async def history() -> list[Event]:
    """Fresh, old and undated calls, then a prompt that thinks otherwise."""
    fresh, old = published_ago(1, "fresh"), published_ago(48, "old")
    backfill, undated = published_ago(1, "backfill", "backfill"), published_ago(None, "undated")
    nvda, t = said("fresh", "NVDA"), said("fresh", "T")
    return [
        *await activated(1, "p1"),
        completed("p1", of=fresh, mentions=[nvda, t]),
        completed("p1", of=backfill, mentions=[said("backfill", "NVDA")]),
        completed("p1", of=old, mentions=[said("old", "NVDA")]),
        completed("p1", of=undated, mentions=[said("undated", "T")]),
        completed("p1", of=by_the_day("dayonly"), mentions=[said("dayonly", "T")]),
        *hearsay(),
        completed("p2", of=fresh, mentions=[nvda.model_copy(update={"action": "sell"})]),
        *await activated(7, "p2"),
    ]


def last() -> Event:
    calls = [said("last", symbol, action="hold") for symbol in ("NVDA", "T")]
    return completed("p2", of=published_ago(1, "last"), mentions=calls)


@contextmanager
def running(bot: str, connection: Connection) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-u", path(bot), connection.bootstrap, connection.name(MENTION_SIGNALS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def lines_of(process: subprocess.Popen[str]) -> dict[str, list[str]]:
    """What a bot prints, by symbol, until it has printed the last call on both."""
    assert process.stdout is not None
    printed = defaultdict(list)
    while not {NVDA[-1], T[-1], HEARSAY[-1]} <= {lines[-1] for lines in printed.values()}:
        line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), 60)
        assert line, "the bot has ended"
        printed[line.split()[1]].append(line.rstrip())
    return printed


@pytest.mark.kafka
async def test_the_bots_act_on_fresh_live_calls_and_once(connection: Connection) -> None:
    """The publisher says everything twice; each bot reads it while it is said."""
    with running(BOTS[0], connection) as one, running(BOTS[1], connection) as other:
        placed = await written(connection, await history())
        await published(connection, placed)
        await published(connection, placed)
        await published(connection, await written(connection, [last()]))
        for bot in (one, other):
            printed = await lines_of(bot)
            acted = HEARSAY if bot is one else [line.replace("act=False", "act=True") for line in HEARSAY]
            assert printed == {"NVDA": NVDA, "T": T, "AMD": acted}
    assert len(await sent(connection)) > len([*NVDA, *T]), "everything was told twice"


def test_the_first_bot_is_fifteen_lines_one_for_the_precision_and_four_for_what_stands_beside_a_call() -> (
    None
):
    module = ast.parse(path(BOTS[0]).read_text())
    lines = {
        number
        for statement in module.body[1:]  # after the docstring
        for number in range(statement.lineno, (statement.end_lineno or 0) + 1)
    }
    source = path(BOTS[0]).read_text().splitlines()
    assert len([number for number in lines if source[number - 1].strip()]) <= 20

"""A subscriber that applied every signal from offset 0 holds the read model's rows, whatever happened on the way."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from projections.rebuild import rebuild
from projections.snapshots import LINK
from streams.events.analyses import AnalysisCompleted, Mention
from streams.events.event import Event
from streams.events.prompts import PromptActivated
from streams.events.record import Record
from streams.events.signals import MentionState, OutlookState, outlook_id
from streams.events.videos import Origin
from streams.log.connection import Connection
from streams.log.follow import follow
from streams.log.publish import publisher
from streams.log.topics import ANALYSES, MENTION_SIGNALS, OUTLOOK_SIGNALS, PROMPTS
from tests.builders.client import Client
from tests.builders.histories import completed, mention, moment, video
from tests.builders.promised import sent

pytestmark = pytest.mark.kafka

SIGNALS = (MENTION_SIGNALS, OUTLOOK_SIGNALS)
LIVE, IN_FLIGHT, FOLLOWED, CUT = range(120), range(120, 140), range(140, 150), range(150, 160)
LIMIT_S = 90.0


def analysis(n: int, prompt: str, revision: int = 1) -> AnalysisCompleted:
    """What a prompt makes of the n-th video; p2 thinks otherwise of two in three, and corrected captions of them all."""
    origins: Sequence[Origin] = ("poll", "backfill", "asked")
    name = f"video{n:06}"
    nvda, ticker = mention(name, "NVDA"), mention(name, "T", start_ms=5000)
    mentions: list[Mention] = [nvda, ticker, mention(name, "NVDA", 1, start_ms=9000)]
    if prompt == "p2" and n % 3 == 0:
        mentions = [
            nvda.model_copy(update={"action": "sell"}),
            mention(name, "ON", rejected="quote_too_short"),
        ]
    if prompt == "p2" and n % 3 == 1:
        mentions[1] = mention(name, "TMUS", start_ms=5000)  # its symbol, corrected
    if revision == 2:
        mentions[0] = mention(name, "AMD", conviction=0.15)
    return completed(
        prompt,
        of=video(name, origins[n % 3]),
        revision=revision,
        mentions=mentions,
        direction="bearish" if prompt == "p2" and n % 2 else "bullish",
        at=n,
    )


def cut(n: int, revision: int = 1) -> AnalysisCompleted:
    """What p1 makes of the n-th video, as far as its first mention."""
    whole = analysis(n, "p1", revision)
    less = {"partial": True, "mentions": whole.mentions[:1], "outlook": None, "summary": None}
    return whole.model_copy(update=less)


def activation(prompt: str, previous: int | None, at: int) -> PromptActivated:
    return PromptActivated(at=moment(at), prompt_id=prompt, previous=previous)


@contextmanager
def worker(connection: Connection, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`earmark worker` as a process of its own; killed if it still runs at the end."""
    environment = {
        **os.environ,
        "EARMARK_HOME": str(home),
        "EARMARK_KAFKA": connection.bootstrap,
        "EARMARK_TOPIC_PREFIX": connection.prefix,
    }
    process = subprocess.Popen([sys.executable, "-m", "streams", "worker"], env=environment, cwd=home)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def append(connection: Connection, events: Sequence[Event]) -> None:
    """All of them at once, in no order but that of their keys."""
    async with publisher(connection) as log:
        await asyncio.gather(*(log.append(event) for event in events))


async def committed(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, int]:
    """How far a group has committed; a broker that never had a group needs a moment for the first."""
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:
        return {}
    return {tp: at.offset for tp, at in offsets.items()}


async def settled(connection: Connection) -> None:
    """Wait until the worker has committed everything that stands in `prompts` and `analyses`."""
    admin = connection.admin()
    await admin.start()
    try:
        async with asyncio.timeout(LIMIT_S), connection.consumer() as consumer:
            while True:
                # The commits first: what an activation's commit vouches for is then in the ends.
                done = await committed(admin, f"{connection.prefix}worker")
                ends: dict[TopicPartition, int] = await consumer.end_offsets(
                    [
                        TopicPartition(connection.name(topic), partition)
                        for topic in (PROMPTS, ANALYSES)
                        for partition in range(topic.partitions)
                    ]
                )
                if all(done.get(tp) == end for tp, end in ends.items() if end):
                    return
                await asyncio.sleep(0.1)
    finally:
        await admin.close()


def held(records: Sequence[Record]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The mentions and outlooks of a subscriber that read these."""
    client = Client()
    for record in records:
        client.apply(record.headers, record.value or b"")
    return client.mentions, client.outlooks


async def modelled(connection: Connection, home: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rows of `mentions` and `outlooks` in a read model made from the log now, by the subscriber's ids."""
    await rebuild(home, connection.consumer, connection.name)
    with duckdb.connect(home / LINK, read_only=True) as database:
        mentions = rows(database, "FROM mentions")
        outlooks = rows(database, "FROM outlooks")
    by_id = {
        str(row["mention_id"]): {name: row[name] for name in MentionState.model_fields} for row in mentions
    }
    assert len(by_id) == len(mentions)
    views = {
        str(outlook_id(row["video_id"])): {name: row[name] for name in OutlookState.model_fields}
        for row in outlooks
    }
    assert len(views) == len(outlooks)
    return by_id, views


def rows(database: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = database.execute(query)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


async def killed_in_mid_diff(
    connection: Connection, process: subprocess.Popen[bytes], events: Sequence[Event]
) -> None:
    """Append events among which is an activation, and kill the worker as soon as the first of its signals is read."""

    def kill(record: Record) -> None:
        if record.header("ce_cause") == "activation":
            process.kill()

    async with asyncio.timeout(LIMIT_S), follow(connection, SIGNALS, kill) as follower:
        await append(connection, events)
        while process.poll() is None:
            await follower.moved()


def causes(records: Sequence[Record]) -> set[str | None]:
    return {record.header("ce_cause") for record in records}


def repeats(records: Sequence[Record]) -> int:
    """How many signals are told again, each to the byte; what is new about an id has a higher revision each time."""
    first: dict[str, Record] = {}
    revisions: dict[str, int] = {}
    for record in records:
        signal, body = record.header("ce_id") or "", json.loads(record.value or b"")
        before = first.setdefault(signal, record)
        if before is record:
            subject = body.get("mention_id") or body["outlook_id"]
            assert body["revision"] > revisions.get(subject, 0)
            revisions[subject] = body["revision"]
        else:
            assert (before.partition, before.key, before.value) == (
                record.partition,
                record.key,
                record.value,
            )
            assert list(before.headers) == list(record.headers)
    return len(records) - len(first)


async def test_a_subscriber_holds_what_the_read_model_shows(connection: Connection, tmp_path: Path) -> None:
    async def agreed() -> list[Record]:
        """Everything told so far, once the worker has seen everything and subscriber and model agree."""
        await settled(connection)
        records = await sent(connection)
        assert held(records) == await modelled(connection, tmp_path)
        return records

    with worker(connection, tmp_path) as process:
        await append(connection, [activation("p1", None, 1)])
        await settled(connection)
        await append(connection, [analysis(n, "p1") for n in LIVE])
        live = await agreed()
        assert causes(live) == {"live", "backfill"}
        assert len(live) == 4 * len(LIVE)

        # A candidate goes over history, all but the last twenty, and over new videos that it alone has analysed yet.
        await append(connection, [analysis(n, "p2") for n in (*LIVE[:-20], *FOLLOWED)])
        assert len(await agreed()) == len(live)

        # It becomes the active one while twenty analyses of the old one are in flight.
        switch = [activation("p2", 0, 2), *(analysis(n, "p1") for n in IN_FLIGHT)]
        await killed_in_mid_diff(connection, process, switch)

    with worker(connection, tmp_path):
        # Its last answers come after its activation, and the old one's for videos that it had first.
        late = [*(analysis(n, "p2") for n in LIVE[-20:]), *(analysis(n, "p1") for n in FOLLOWED)]
        await append(connection, late)
        activated = await agreed()
        assert repeats(activated) > 0
        assert causes(activated) == {"live", "backfill", "activation"}

        await append(connection, [analysis(n, "p2", revision=2) for n in LIVE[:20]])
        corrected = await agreed()
        assert causes(corrected) - causes(activated) == {"correction"}

        await append(connection, [activation("p1", 1, 3)])
        back = await agreed()

        # Answers that were cut: they add what they reached of new videos and take nothing back of the others.
        await append(connection, [*(cut(n) for n in CUT), *(cut(n, revision=2) for n in LIVE[:20])])
        reached = await agreed()
        assert len(reached) == len(back) + len(CUT)
        await append(connection, [analysis(n, "p1") for n in CUT])
        everything = await agreed()
        assert len(everything) == len(reached) + 3 * len(CUT)
    assert repeats(everything) == repeats(activated)
    assert {record.type for record in everything} == {
        "MentionAdded",
        "MentionChanged",
        "MentionRetracted",
        "OutlookAdded",
        "OutlookChanged",
    }

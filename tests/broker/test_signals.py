"""Signals on the real log: from analyses and markers to what a subscriber and a person read."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.errors import EarmarkError
from streams.events.envelope import Message, encode
from streams.events.event import Event, Position
from streams.events.prompts import Prompt
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.fetch import Fetcher, fetcher
from streams.log.gaps import GapError
from streams.log.publish import partition_of, publisher
from streams.log.topics import ANALYSES, MENTION_SIGNALS
from streams.prompts.registry import read_prompts, register_bundled
from streams.signals import tail as signal_tail
from streams.signals.publish_signals import PublishSignals
from tests.builders.client import Client
from tests.builders.deleted import delete_before
from tests.builders.histories import completed, expected, failed, mention, moment, video
from tests.builders.promised import sent
from tests.builders.publishing import activated, signals_of, written

pytestmark = pytest.mark.kafka

A, B = video("dQw4w9WgXcA"), video("dQw4w9WgXcB")


async def history() -> list[Event]:
    """Live work under p1, a replay under p2, its activation, new captions, and the way back."""
    nvda, t = mention(A.video_id, "NVDA"), mention(A.video_id, "T", start_ms=5000)
    return [
        *await activated(1, "p1"),
        completed("p1", of=A, mentions=[nvda, t]),
        failed(B),
        completed("p1", of=B, mentions=[mention(B.video_id, "NVDA")]),
        completed("p2", of=A, mentions=[nvda.model_copy(update={"action": "sell"})]),
        completed("p2", of=B, direction="bearish"),
        *await activated(7, "p2"),
        completed("p2", of=A, revision=2, mentions=[t], at=9),
        *await activated(9, "p1"),
    ]


async def told(handler: PublishSignals, event: Event, position: Position) -> list[Message]:
    return [encode(one) for one in await signals_of(handler, event, position)]


async def test_a_worker_that_takes_over_tells_the_same_bytes(connection: Connection) -> None:
    """Each worker handles every second event: it has a gap to fold before each, and one begins anew half way."""
    placed = await written(connection, await history())
    async with fetcher(connection) as log:
        alone = PublishSignals(log)
        first = [await told(alone, event, position) for event, position in placed]
        workers = [PublishSignals(log), PublishSignals(log)]
        for n, (event, position) in enumerate(placed):
            if n == len(placed) // 2:
                workers[0] = PublishSignals(log)
            assert await told(workers[n % 2], event, position) == first[n]
        assert [await told(alone, event, position) for event, position in placed] == first
    causes = Counter(dict(message.headers)["ce_cause"] for messages in first for message in messages)
    assert causes == {b"live": 3, b"backfill": 2, b"activation": 7, b"correction": 2}


async def test_a_subscriber_holds_the_current_mentions(connection: Connection) -> None:
    """The publisher dies twice in the middle and says again what it said."""
    placed = await written(connection, await history())
    async with fetcher(connection) as log, publisher(connection) as out:
        for start, end in [(0, 15), (12, 30), (13, len(placed))]:
            handler = PublishSignals(log)
            for event, position in placed[start:end]:
                await out.append_all(await signals_of(handler, event, position))
    client = Client()
    for record in await sent(connection):
        client.apply(record.headers, record.value or b"")
    assert (client.mentions, client.outlooks) == expected(event for event, _ in placed)
    assert len(client.mentions) == 3


async def test_a_batch_of_a_partition_is_read_from_its_start_to_before_its_end(
    connection: Connection,
) -> None:
    """A fold that was handed one record too many would know the future."""
    await written(connection, [completed(revision=n) for n in range(1, 8)])
    partition = (await written(connection, [completed(revision=8)]))[0][1].partition
    async with fetcher(connection) as log:

        async def batch(start: int, end: int) -> list[int]:
            records: list[Record] = []
            await log.read(ANALYSES, partition, start, end, records.append)
            return [record.offset for record in records]

        assert await batch(2, 5) == [2, 3, 4]
        assert await batch(0, 8) == list(range(8))
        assert await batch(3, 3) == []


async def test_what_is_left_of_a_log_is_published_as_if_nothing_had_stood_before_it(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """Also by a worker that has folded what is gone by now: its second try folds anew."""
    nvda, t = (mention(A.video_id, symbol) for symbol in ("NVDA", "T"))
    await written(connection, [*await activated(1, "p1"), completed(mentions=[nvda])])
    await written(connection, await activated(2, "p1"))
    [(first, old)] = await written(connection, [completed(revision=2, mentions=[nvda])])
    async with fetcher(connection) as log:
        knows, new = PublishSignals(log), PublishSignals(log)
        assert len(await signals_of(knows, first, old)) == 0, "the same mention, said again"
        named = await delete_before(connection, ANALYSES, old.partition, old.offset - 1)
        [(event, position)] = await written(connection, [completed(revision=3, mentions=[t])])
        kinds = [type(one).__name__ for one in await signals_of(new, event, position)]
        assert named in caplog.text
        await delete_before(connection, ANALYSES, old.partition, position.offset)
        with pytest.raises(GapError):
            await signals_of(knows, event, position)
        await signals_of(knows, event, position)
    assert sorted(kinds) == ["MentionAdded", "MentionRetracted"]


async def test_tail_says_that_the_first_signals_are_gone(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    async with fetcher(connection) as log, publisher(connection) as out:
        handler = PublishSignals(log)
        said = [
            completed(revision=n, mentions=[mention(A.video_id, "T", conviction=n / 10)]) for n in (1, 2, 3)
        ]
        for event, position in await written(connection, [*await activated(1, "p1"), *said]):
            await out.append_all(await signals_of(handler, event, position))
    partition = partition_of("T", MENTION_SIGNALS.partitions)
    named = await delete_before(connection, MENTION_SIGNALS, partition, 1)
    shown: list[Record] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await signal_tail.tail(connection, moment(0), shown.append)
    assert [r.offset for r in shown if r.topic == MENTION_SIGNALS.name] == [1, 2]
    assert f"{named} and not at 0" in caplog.text


async def test_the_bundled_prompt_is_registered_and_activated_once(connection: Connection) -> None:
    """An upgrade that brings another prompt registers it and leaves the active one active."""
    one, two, edited = (
        Prompt(name=name, model="m", max_tokens=9, effort="low", words=words, schema_version=1)
        for name, words in [("calls-1", "Listen."), ("calls-2", "Listen."), ("calls-1", "Listen well.")]
    )
    async with publisher(connection) as log:
        for prompt in [one, one, two, edited]:
            await register_bundled(connection, log, prompt, lambda: moment(0))
    prompts = await read_prompts(connection)
    assert prompts.by_name == {"calls-1": one, "calls-2": two}
    assert set(prompts.by_id) == {one.prompt_id, two.prompt_id}
    assert [activation.prompt_id for activation in prompts.activations] == [one.prompt_id]


@contextmanager
def tail(connection: Connection, home: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`earmark signals tail` as a process of its own, ended by Ctrl-C."""
    environment = {
        **os.environ,
        "EARMARK_KAFKA": connection.bootstrap,
        "EARMARK_TOPIC_PREFIX": connection.prefix,
    }
    command = [sys.executable, "-m", "streams", "signals", "tail", *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=home,
        # A shell lets its background jobs ignore Ctrl-C, and so their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  no threads in the way
    )
    try:
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


async def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), 60) for _ in range(count)]


async def test_tail_prints_what_was_said_and_goes_on(connection: Connection, tmp_path: Path) -> None:
    async def say(log: Fetcher, events: Sequence[Event]) -> None:
        handler = PublishSignals(log)
        async with publisher(connection) as out:
            for event, position in await written(connection, events):
                await out.append_all(await signals_of(handler, event, position))

    async with fetcher(connection) as log:
        await say(log, [*await activated(1, "p1"), completed(mentions=[mention(A.video_id, "NVDA")])])
        with (
            tail(connection, tmp_path, "--from", "beginning", "--json") as everything,
            tail(connection, tmp_path, "--from", "-1d", "--symbol", "t") as calls_on_t,
        ):
            printed = [json.loads(line) for line in await lines(everything, 2)]
            assert {(one["type"], one["key"]) for one in printed} == {
                ("MentionAdded", "NVDA"),
                ("OutlookAdded", A.channel_id),
            }
            await say(log, [completed(of=B, mentions=[mention(B.video_id, "T")])])
            printed = [json.loads(line) for line in await lines(everything, 2)]
            assert {one["video"]["video_id"] for one in printed} == {B.video_id}
            (line,) = await lines(calls_on_t, 1)
            assert "MentionAdded     T " in line
    assert len(await sent(connection)) == 4


async def test_tail_names_the_topics_that_are_not_there(bootstrap: str) -> None:
    with pytest.raises(
        EarmarkError, match=r"no topic bare\.signals\.mentions, bare\.signals\.outlooks: make"
    ):
        await signal_tail.tail(Connection(bootstrap, prefix="bare."), None, print)

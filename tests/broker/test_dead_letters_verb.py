"""`earmark dead-letters` on the real log: each message goes back as it was, once, and the mark survives."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from streams.cli.dead_letters import dead_letters
from streams.errors import EarmarkError, RefusedError
from streams.events.dead_letters import DeadLetterRetried
from streams.events.event import Event
from streams.events.ledger import ReplayCancelled
from streams.events.prompts import PromptActivated
from streams.events.record import Record, dead_letter
from streams.events.videos import Video, VideoDiscovered
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.publish import Publisher, publisher
from streams.log.topics import ANALYSES, DEAD_LETTERS, LEDGER, PROMPTS, VIDEOS, Topic, destination
from tests.builders.histories import completed, mention, video
from tests.builders.promised import sent
from tests.builders.publishing import activated, written

pytestmark = pytest.mark.kafka

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
NASTY = "\x1b[31mred\x1b]0;title\x07 \u202e\r[bold]"


async def run(connection: Connection, *words: str) -> Result:
    environment = {
        "EARMARK_KAFKA": connection.bootstrap,
        "EARMARK_TOPIC_PREFIX": connection.prefix,
        "COLUMNS": "400",
    }
    return await asyncio.to_thread(CliRunner().invoke, dead_letters, words, env=environment)


async def records(connection: Connection, topic: Topic) -> list[Record]:
    found: list[Record] = []
    await read(connection, [topic], found.append)
    return found


async def bury(out: Publisher, record: Record, error: str = "poison") -> int:
    """The number of the dead letter that the worker would write of `record`."""
    letter = dead_letter(record, handler="h", error=ValueError(error), attempt=3, at=AT)
    return (await out.append(letter)).offset


async def buried(connection: Connection, out: Publisher, event: Event) -> int:
    """The number of the letter of an event that stands in the log."""
    topic, _ = destination(event)
    [record] = [one for one in await records(connection, topic) if one.header("ce_id") == str(event.event_id)]
    return await bury(out, record)


@asynccontextmanager
async def raw(connection: Connection) -> AsyncIterator[tuple[Publisher, Sequence[Record]]]:
    """Messages in `videos` that are no events, as strangers send them: without key, without value, with odd headers."""
    odd: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]] = [
        (
            b"\xff\x00key",
            b"\x80 no json",
            [("ce_type", b"\xfe"), ("x", b"1"), ("x", b"2"), ("", b""), ("n", None)],
        ),
        (b"tombstone", None, []),
        (None, NASTY.encode(), [(NASTY, NASTY.encode())]),
    ]
    async with publisher(connection) as out:
        for key, value, headers in odd:
            await out.append_bytes(VIDEOS, 5, key, value, headers)
        yield out, await records(connection, VIDEOS)


async def test_the_bytes_the_key_and_the_headers_come_to_a_new_offset_once(connection: Connection) -> None:
    async with raw(connection) as (out, before):
        numbers = [str(await bury(out, record)) for record in before]
    listed = await run(connection, "list")
    assert all(f"videos[5]@{record.offset}" in listed.output for record in before), listed.output

    done = await run(connection, "retry", *numbers)
    assert done.output.splitlines() == [
        f"dead letter {number}: videos[5]@{number} is at offset {int(number) + 3} now" for number in numbers
    ]
    after = await records(connection, VIDEOS)
    assert [(one.key, one.value, list(one.headers)) for one in after[:3]] == [
        (one.key, one.value, list(one.headers)) for one in after[3:]
    ]
    assert {one.partition for one in after} == {5}

    for again in (["retry", "1"], ["retry", "1", "2"]):
        refused = await run(connection, *again)
        assert isinstance(refused.exception, RefusedError)
        assert "it was retried at " in str(refused.exception)
        assert "as videos[5]@4" in str(refused.exception)
    assert len(await records(connection, VIDEOS)) == len(after)
    assert (await run(connection, "list")).output == "no dead letter is open\n"
    assert (await run(connection, "list", "--all")).output.count("retried") == 3
    marks = [one.event() for one in await records(connection, DEAD_LETTERS)][3:]
    assert [(mark.letter, mark.offset) for mark in marks if isinstance(mark, DeadLetterRetried)] == [
        (0, 3),
        (1, 4),
        (2, 5),
    ]


async def test_what_fails_again_is_another_letter_and_can_be_retried(connection: Connection) -> None:
    found = VideoDiscovered(at=AT, video=Video(video_id="v", url="u", origin="poll"))
    async with publisher(connection) as out:
        await out.append(found)
        first = await buried(connection, out, found)
        await run(connection, "retry", str(first))
        second = await bury(out, (await records(connection, VIDEOS))[1])
    refused = await run(connection, "retry", str(first))
    assert str(refused.exception).endswith(f"and failed again as dead letter {second}")
    assert (await run(connection, "retry", str(second))).exit_code == 0
    assert len({(one.key, one.value, tuple(one.headers)) for one in await records(connection, VIDEOS)}) == 1


async def test_an_analysis_is_published_from_its_own_place_and_an_activation_gets_its_own_markers(
    connection: Connection,
) -> None:
    """Copies would be passed over, or be another activation."""
    analysis = completed(mentions=[mention(video().video_id, "NVDA")])
    activation = PromptActivated(at=AT, prompt_id="p1", previous=None)
    async with publisher(connection) as out:
        await written(connection, [*await activated(1, "p1"), analysis])
        number = await buried(connection, out, analysis)
        assert (await run(connection, "retry", str(number))).output.endswith(
            "was handled where it stands: 2 events\n"
        )
        assert {one.type for one in await sent(connection)} == {"MentionAdded", "OutlookAdded"}
        assert len(await records(connection, ANALYSES)) == ANALYSES.partitions + 1

        await out.append(activation)
        number = await buried(connection, out, activation)
        assert (await run(connection, "retry", str(number))).output.endswith(
            "was handled where it stands: 12 events\n"
        )
    assert len(await records(connection, PROMPTS)) == 1
    assert len(await records(connection, ANALYSES)) == 2 * ANALYSES.partitions + 1


async def test_all_retries_what_can_be_and_says_what_is_left(connection: Connection) -> None:
    cancelled = ReplayCancelled(at=AT, replay_id=UUID(int=1))
    async with raw(connection) as (out, before):
        await bury(out, before[1])
        await out.append(cancelled)
        ledgers = await buried(connection, out, cancelled)
        refused = await run(connection, "retry", "0", str(ledgers))
        assert isinstance(refused.exception, RefusedError)
        assert len(await records(connection, VIDEOS)) == 3, "none is, where one is refused"
        done = await run(connection, "retry", "--all")
    assert f"dead letter {ledgers} is left: it is of the ledger, whose order alone says" in done.output
    assert "dead letter 0: videos[5]@1 is at offset 3 now" in done.output
    assert len(await records(connection, LEDGER)) == 1
    assert "analysis.ledger[0]@0" in (await run(connection, "list")).output


async def test_an_analysis_that_is_still_unreadable_stays_a_letter(connection: Connection) -> None:
    async with publisher(connection) as out:
        at = await out.append_bytes(ANALYSES, 3, b"v", b"{", [("ce_type", b"Unheard")])
        [record] = await records(connection, ANALYSES)
        await bury(out, record)
    failed = await run(connection, "retry", "0")
    assert isinstance(failed.exception, EarmarkError)
    assert f"analyses[3]@{at.offset} is still unreadable: not a CloudEvent" in str(failed.exception)
    assert "analyses[3]@0" in (await run(connection, "list")).output


async def test_a_strangers_words_command_no_terminal(connection: Connection) -> None:
    async with raw(connection) as (out, before):
        for record in before:
            await bury(out, record, error=NASTY)
    shown = [(await run(connection, "show", number)).output for number in "012"]
    listed = (await run(connection, "list")).output
    for text in (*shown, listed):
        assert all(character.isprintable() for line in text.split("\n") for character in line), repr(text)
    assert "[bold]" in shown[2]
    assert "\\x80 no json" in shown[0]
    assert "value    (none)" in shown[1]
    assert "place    videos[5]@2" in shown[2]


@pytest.mark.parametrize(
    "words", [["retry"], ["retry", "1", "--all"], ["retry", "x"], ["show"], ["show", "-1"]]
)
async def test_what_is_not_said_clearly_is_refused_before_anything_is_read(words: list[str]) -> None:
    assert (await run(Connection("127.0.0.1:1"), *words)).exit_code == 2


async def test_a_letter_that_is_not_there_is_no_letter(connection: Connection) -> None:
    shown = await run(connection, "show", "7")
    assert isinstance(shown.exception, RefusedError)

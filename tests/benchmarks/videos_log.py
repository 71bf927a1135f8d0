"""The log of many videos, made fast: one video's records, with another's ids in each copy."""

from collections.abc import Collection, Iterator
from functools import cache
from typing import NamedTuple
from uuid import UUID

from confluent_kafka import Producer

from streams.events.analyses import Mention
from streams.events.envelope import encode
from streams.events.event import Event
from streams.events.ledger import Usage
from streams.events.record import Record
from streams.events.videos import VideoDiscovered
from streams.log.connection import Connection
from streams.log.topics import destination
from tests.benchmarks.material import PROMPT, answer, texts
from tests.builders import read_model_world as world

# Stands in every id of the video, and four bytes of it in front, as ids are spread in life.
MARK = "cafecafe"
RECORDS = 15
MENTIONS = 10
GROUNDED = 8
SYMBOLS = 200
LIMIT_S = 600.0


class Line(NamedTuple):
    """One of a video's records, with the mark for its id."""

    topic: str
    partitions: int
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes


def _id(kind: int) -> UUID:
    return UUID(f"{MARK}-0000-5000-8000-{kind:012x}")


def _events() -> list[Event]:
    of = world.video(
        0, video_id=f"v{MARK}", url=f"https://www.youtube.com/watch?v=v{MARK}", published_at=world.at(0)
    )
    said, starts_ms = texts(), tuple(2400 * number for number in range(len(texts())))
    captions = world.extracted(of).model_copy(
        update={
            "captions_id": _id(1),
            "texts": said,
            "starts_ms": starts_ms,
            "ends_ms": tuple(start + 2400 for start in starts_ms),
            "words": 4000,
        }
    )
    request = world.requested(of).model_copy(update={"request_id": _id(2), "captions_id": _id(1)})
    claim = world.reserved(request, PROMPT, _id(3)).model_copy(update={"analysis_id": _id(4)})
    done = world.completed(of, PROMPT, _id(3), symbols=[f"SYM{number}" for number in range(GROUNDED)])
    *mentions, rejected = done.mentions
    done = done.model_copy(
        update={
            "analysis_id": _id(4),
            "captions_id": _id(1),
            "raw_answer": answer(),
            "summary": " ".join(said)[:400],
            "mentions": (
                *(_mention(each, number) for number, each in enumerate(mentions)),
                *[_mention(rejected, 99)] * (MENTIONS - GROUNDED),
            ),
        }
    )
    *calls, outlook = world.signals(done)
    usage = Usage(input_tokens=9000, output_tokens=1500)
    return [
        VideoDiscovered(at=world.at(0), video=of),
        captions,
        request,
        claim,
        done,
        world.settled(claim, "completed", "0.0045", usage, granted=True),
        *calls,
        outlook.model_copy(update={"outlook_id": _id(5)}),
    ]


def _mention(mention: Mention, number: int) -> Mention:
    update: dict[str, object] = {"quote": " ".join(texts())[200 * number : 200 * number + 90]}
    if mention.mention_id is not None:
        update["mention_id"] = _id(100 + number)
    return mention.model_copy(update=update)


@cache
def lines() -> tuple[Line, ...]:
    """A video's records in the order in which they come to be."""
    found = []
    for event in _events():
        message, topic = encode(event), destination(event)[0]
        found.append(Line(topic.name, topic.partitions, message.key, message.headers, message.value))
    assert len(found) == RECORDS
    return tuple(found)


def _marks(number: int) -> tuple[bytes, bytes]:
    return MARK.encode(), b"%08x" % (number * 2_654_435_761 % 2**32)


def records(videos: range, topics: Collection[str]) -> Iterator[Record]:
    """What `topics` have of so many videos, without a broker."""
    offsets: dict[tuple[str, int], int] = {}
    for number in videos:
        mark, own = _marks(number)
        for at, line in enumerate(lines()):
            if line.topic not in topics:
                continue
            place = line.topic, (number + at) % line.partitions
            offset = offsets.get(place, videos.start * RECORDS)
            offsets[place] = offset + 1
            headers = tuple((name, content.replace(mark, own)) for name, content in line.headers)
            yield Record(*place, offset, 1_000 * number, line.key, headers, line.value.replace(mark, own))


def write(connection: Connection, videos: int, topics: Collection[str]) -> None:
    """Put what `topics` have of so many videos into the log, each record in a batch of its own, as they came in 0.1.0."""
    producer = Producer(
        {
            "bootstrap.servers": connection.bootstrap,
            "acks": "1",
            "compression.type": "zstd",
            "batch.num.messages": 1,
            "queue.buffering.max.messages": 20_000,
        }
    )
    for record in records(range(videos), topics):
        while True:
            try:
                producer.produce(
                    connection.prefix + record.topic,
                    record.value,
                    record.key,
                    headers=list(record.headers),
                    partition=record.partition,
                )
            except BufferError:
                producer.poll(0.1)
            else:
                break
    assert producer.flush(LIMIT_S) == 0

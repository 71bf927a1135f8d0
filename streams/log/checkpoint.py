"""A fold's state beside the log, so that a start need not read all of it: read only where nothing speaks against it.

A wrong state could grant what the cap forbids, so whatever is in doubt is thrown away and the log folded from 0: a file
that is not whole, that another version of the fold wrote, or under other settings; another cluster, or a topic that was
made anew; a log that ends before it or has lost its beginning; a last record that is not the one which was folded.
"""

import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from logging import getLogger
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec
from aiokafka.errors import KafkaError

from streams.errors import EarmarkError
from streams.events.record import Record
from streams.log.fetch import Fetcher
from streams.log.follow import Ends
from streams.log.topics import Topic

MAGIC = b"earmark checkpoint 1\n"
STALE_S = 600.0
# What decides what a state is and means. One that was folded by other code is not trusted.
CODE = ("budget/*.py", "events/*.py", "analysis/state.py", "log/checkpoint.py", "log/keeper.py")

log = getLogger(__name__)


class Mark(msgspec.Struct, frozen=True):
    """The last record of a partition that was folded, to be found in the log again."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    event_id: str | None
    body: bytes

    @classmethod
    def of(cls, record: Record) -> "Mark":
        """The mark of a record; `body` is the SHA-256 of its headers and its value."""
        headers = msgspec.msgpack.encode([*record.headers, record.value])
        return cls(
            record.topic,
            record.partition,
            record.offset,
            record.timestamp_ms,
            record.key,
            record.header("ce_id"),
            sha256(headers).digest(),
        )


class Checkpoint(msgspec.Struct, frozen=True):
    """`parts`: states as bytes, by name, each of all records up to its topics' `marks`.

    `settings`: what the states depend on besides the log, by name. `topics`: the identity of each, by its full name.
    """

    code: str
    settings: Mapping[str, str]
    topics: Mapping[str, str]
    marks: Sequence[Mark]
    parts: Mapping[str, bytes]

    @property
    def positions(self) -> Ends:
        """Where to go on reading: the offset after the last record that was folded."""
        return {(mark.topic, mark.partition): mark.offset + 1 for mark in self.marks}

    def position(self, topic: Topic, partition: int) -> int:
        """The same of one partition; 0 where nothing stood in it yet."""
        return self.positions.get((topic.name, partition), 0)


_DECODER = msgspec.msgpack.Decoder(Checkpoint)


class DoubtError(EarmarkError):
    """Why a checkpoint is not used."""


@cache
def code_version() -> str:
    """What the code of the folds, and what reads and writes their states, comes to."""
    root = Path(__file__).parents[1]
    found = sha256(f"{sys.version_info[:2]} {sys.byteorder} {msgspec.__version__}".encode())
    for pattern in CODE:
        for file in sorted(root.glob(pattern)):
            found.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Put a checkpoint in the place of the one before, whole or not at all. Raises OSError."""
    content = msgspec.msgpack.encode(checkpoint)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"{path.name}.*.tmp"):  # of a process that was killed
        if left.stat().st_mtime < time.time() - STALE_S:
            left.unlink(missing_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp", delete=False) as file:
        new = Path(file.name)
        try:
            file.write(MAGIC + sha256(content).digest())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            new.replace(path)
        except OSError:
            new.unlink(missing_ok=True)
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_file(path: Path, settings: Mapping[str, str]) -> Checkpoint:
    """The checkpoint in a file, if it was kept under these settings. Raises DoubtError, and FileNotFoundError where there is none."""
    content = path.read_bytes()
    begin = len(MAGIC) + sha256().digest_size
    if not content.startswith(MAGIC) or sha256(content[begin:]).digest() != content[len(MAGIC) : begin]:
        raise DoubtError("it is not whole")
    try:
        checkpoint = _DECODER.decode(memoryview(content)[begin:])
    except msgspec.DecodeError as error:
        raise DoubtError(f"it is none: {error}") from error
    if checkpoint.code != code_version():
        raise DoubtError("another version of Earmark wrote it")
    if not settings.items() <= checkpoint.settings.items():
        raise DoubtError("other settings are in force")
    return checkpoint


async def check(checkpoint: Checkpoint, fetch: Fetcher, topics: Iterable[Topic]) -> None:
    """Whether the log still is the one that was folded, in `topics`. Raises DoubtError, and KafkaError."""
    topics = list(topics)
    for name, found in (await fetch.identity(topics)).items():
        if checkpoint.topics.get(name) != found:
            raise DoubtError(f"{name} is another topic, or of another cluster")
    starts, ends = await fetch.bounds(topics)
    if late := [place for place, start in starts.items() if start > 0]:
        raise DoubtError("{}[{}] has lost its beginning".format(*late[0]))
    for mark in checkpoint.marks:
        place = f"{mark.topic}[{mark.partition}]"
        topic = next((topic for topic in topics if topic.name == mark.topic), None)
        if topic is None:
            continue
        if ends[mark.topic, mark.partition] <= mark.offset:
            raise DoubtError(f"{place} ends before it")
        if Mark.of(await fetch.fetch(topic, mark.partition, mark.offset)) != mark:
            raise DoubtError(f"{place} has another record at offset {mark.offset}")


async def trusted(
    path: Path, settings: Mapping[str, str], fetch: Fetcher, topics: Iterable[Topic]
) -> Checkpoint | None:
    """The checkpoint at `path` where nothing speaks against it; else None, and why is said."""
    try:
        checkpoint = read_file(path, settings)
        await check(checkpoint, fetch, topics)
    except FileNotFoundError:
        return None
    except (EarmarkError, KafkaError, OSError) as doubt:
        log.warning("the checkpoint %s is not used: %s", path.name, doubt)
        return None
    return checkpoint

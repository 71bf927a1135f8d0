"""A process that reads a whole log into DuckDB in one of several ways, and says what that took."""

import asyncio
import json
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa
from confluent_kafka import Consumer, Message, TopicPartition

from projections import ingest, model
from projections.ingest import Batch
from projections.log_reader import BATCH, BATCH_BYTES, LogReader
from projections.rebuild import rebuild, rebuild_words
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.topics import ANALYSES, TOPICS, Topic
from tests.benchmarks.version_0_1_0 import ingest as version_0_1_0


@dataclass(frozen=True)
class Job:
    """Which log, into which folder, and the way."""

    connection: Connection
    home: Path
    way: str


@dataclass(frozen=True)
class Measured:
    """Seconds by the clock and of CPU, records, and the most memory that was resident, in bytes."""

    seconds: float
    cpu_s: float
    records: int
    peak_bytes: int


def main(job: Job, pipe: Pipe) -> None:
    """Do the job, and say what it took."""
    job.home.mkdir()
    began, cpu_s = time.perf_counter(), time.process_time()
    records = WAYS[job.way](job)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_s
    pipe.send(Measured(seconds, cpu_s, records, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def _ours(job: Job) -> int:
    records = asyncio.run(rebuild(job.home, job.connection.consumer, job.connection.name))
    assert records is not None
    return records


def _ours_and_the_words(job: Job) -> int:
    records = _ours(job)
    asyncio.run(rebuild_words(job.home, job.connection.consumer, job.connection.name))
    return records


def _version_0_1_0(job: Job) -> int:
    """One step after the other: read, decode by the models, write anew, apply."""

    async def read() -> int:
        records = 0
        client = job.connection.consumer()
        await client.start()
        reader = LogReader(client, job.connection.name, TOPICS, Batch)
        topics = {job.connection.name(topic): topic.name for topic in TOPICS}
        await reader.seek({})
        while await reader.left():
            found = await client.getmany(timeout_ms=200, max_records=BATCH)
            batch = [
                Record(topics[tp.topic], m.partition, m.offset, m.timestamp, m.key, m.headers, m.value)
                for tp, messages in found.items()
                for m in messages
            ]
            await asyncio.to_thread(version_0_1_0.apply, database, batch)
            records += len(batch)
        await client.stop()
        return records

    database = model.create(job.home / "model.duckdb")
    records = asyncio.run(read())
    model.finish(database)
    return records


def _messages(connection: Connection, topics: tuple[Topic, ...]) -> Iterator[list[Message]]:
    """Every record there is, by librdkafka."""
    client = Consumer(
        {
            "bootstrap.servers": connection.bootstrap,
            "group.id": "nobody",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "queued.max.messages.kbytes": 16_384,
            "fetch.message.max.bytes": 1_048_576,
        }
    )
    places = [
        TopicPartition(connection.name(topic), partition, 0)
        for topic in topics
        for partition in range(topic.partitions)
    ]
    left = sum(client.get_watermark_offsets(place)[1] for place in places)
    client.assign(places)
    while left:
        messages = client.consume(2_000, 1.0)
        left -= len(messages)
        yield messages
    client.close()


def _by_librdkafka(job: Job) -> int:
    """As we do it, but for the client."""
    topics = {job.connection.name(topic): topic.name for topic in TOPICS}
    database = model.create(job.home / "model.duckdb")
    reached: dict[Any, Any] = {}
    batch, records = Batch(), 0

    def done() -> Batch:
        behind.wait(batch)
        reached.update(batch.progress)
        return Batch()

    with _Behind(lambda batch: ingest.write(database, batch)) as behind:
        for messages in _messages(job.connection, TOPICS):
            records += len(messages)
            for m in messages:
                batch.add(
                    Record(topics[m.topic()], m.partition(), m.offset(), m.timestamp()[1], m.key(), m.headers(), m.value()),
                    reached,
                )  # fmt: skip
            if len(batch) >= BATCH or batch.size >= BATCH_BYTES:
                batch = done()
        done()
    model.finish(database)
    return records


class _Behind:
    """Works on one thing in a thread while the next is made."""

    def __init__(self, work: Callable[[Any], None]) -> None:
        self._work = work
        self._thread = ThreadPoolExecutor(1)
        self._now: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def wait(self, thing: Any) -> None:
        """Begin with `thing` once the one before it is done."""
        if self._now is not None:
            self._now.result()
        self._now = self._thread.submit(self._work, thing)

    def __exit__(self, *_: object) -> None:
        if self._now is not None:
            self._now.result()
        self._thread.shutdown()


def _limit(job: Job, topics: tuple[Topic, ...] = TOPICS) -> int:
    """Read, parse, append: nothing is checked, no position kept, no duplicate left out."""
    names = {job.connection.name(topic): topic.name for topic in topics}
    database = model.create(job.home / "model.duckdb")
    statements = {
        table.name: "INSERT INTO {} BY NAME {}".format(
            table.name, files("projections").joinpath("inserts", f"{table.name}.sql").read_text()
        )
        for table in ingest.TABLES
    }

    def append(rows: Mapping[str, list[tuple[Any, ...]]]) -> None:
        database.begin()
        for table in ingest.TABLES:
            mine = [row for name in table.types & rows.keys() for row in rows[name]]
            ingest._insert(database, statements[table.name], mine, ingest._INCOMING)
        database.commit()

    records = waiting = 0
    rows: dict[str, list[tuple[Any, ...]]] = {}
    with _Behind(append) as behind:
        for messages in _messages(job.connection, topics):
            records += len(messages)
            waiting += len(messages)
            for m in messages:
                _, at_ms = m.timestamp()
                name = next(content.decode() for header, content in m.headers() if header == "ce_type")
                row = (
                    names[m.topic()],
                    m.partition(),
                    m.offset(),
                    at_ms * 1000,
                    name,
                    at_ms * 1000,
                    *(0, 0),
                    m.value(),
                )
                rows.setdefault(name, []).append(row)
            if waiting >= BATCH:
                behind.wait(rows)
                rows, waiting = {}, 0
        behind.wait(rows)
    model.finish(database)
    return records


def _sqlflow(job: Job) -> int:
    """As SQLFlow does it: each body a dict, a batch of them an Arrow table, inserted as it is."""
    database = duckdb.connect(str(job.home / "model.duckdb"))
    records, rows = 0, []
    statement = "CREATE TABLE analyses AS FROM batch"
    for messages in _messages(job.connection, (ANALYSES,)):
        rows += [json.loads(message.value()) for message in messages]
        records += len(messages)
        if len(rows) >= BATCH:
            database.register("batch", pa.Table.from_pylist(rows))
            database.execute(statement)
            statement, rows = "INSERT INTO analyses BY NAME FROM batch", []
    if rows:
        database.register("batch", pa.Table.from_pylist(rows))
        database.execute(statement)
    database.close()
    return records


def _only_aiokafka(job: Job) -> int:
    """Nothing but reading."""

    async def read() -> int:
        records = 0
        client = job.connection.consumer()
        await client.start()
        reader = LogReader(client, job.connection.name, TOPICS, Batch)
        await reader.seek({})
        while found := await client.getmany(timeout_ms=1000, max_records=BATCH):
            records += sum(map(len, found.values()))
        await client.stop()
        return records

    return asyncio.run(read())


def _only_librdkafka(job: Job) -> int:
    return sum(map(len, _messages(job.connection, TOPICS)))


WAYS: Mapping[str, Callable[[Job], int]] = {
    "0.1.0": _version_0_1_0,
    "SQLFlow's way": _sqlflow,
    "ours": _ours,
    "ours and the words": _ours_and_the_words,
    "ours with librdkafka": _by_librdkafka,
    "limit": _limit,
    "reading alone, aiokafka": _only_aiokafka,
    "reading alone, librdkafka": _only_librdkafka,
}

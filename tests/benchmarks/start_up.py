"""The analyst's start on a long log: how long until its first claim, and how much memory its state takes."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from uuid import UUID

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from confluent_kafka import Producer

from streams.analysis.job import Job
from streams.analysis.results import completed
from streams.analysis.symbols import Symbols
from streams.budget.account import Pending
from streams.budget.entries import Place, Request
from streams.claude.outcomes import Answered
from streams.events.analyses import AnalysisCompleted
from streams.events.envelope import encode
from streams.events.event import Event, Position
from streams.events.ledger import AnalysisRequested, BudgetReserved, BudgetSettled, Usage
from streams.log.connection import Connection
from streams.log.keeper import Shelf
from streams.log.topics import ANALYSES, KEPT_FOR_EVER, LEDGER, Topic
from tests.benchmarks import analyst_process, provider_process
from tests.benchmarks.analyst_process import Assignment, Numbers
from tests.benchmarks.material import BEGAN, PROMPT, answer, ask_many, captions_of, fresh, limits, scene
from tests.benchmarks.processes import ask, process, told
from tests.benchmarks.provider_process import Tier
from tests.benchmarks.table import Result

QUICK = (200,)
USUAL = (0, 10_000, 100_000)
FULL = (*USUAL, 1_000_000)
IDS = [UUID(int=1 << 120 | number) for number in range(4)]
LIMIT_S = 1800.0
POLL_S = 0.05


@dataclass(frozen=True)
class Template:
    """A message in which ids are written anew: much faster than making the event."""

    topic: Topic
    headers: tuple[tuple[str, bytes], ...]
    value: bytes

    def with_ids(self, ids: Mapping[bytes, bytes]) -> tuple[bytes, list[tuple[str, str | bytes | None]]]:
        """The body and the headers of another event of its kind."""
        value = self.value
        for old, new in ids.items():
            value = value.replace(old, new)
        return value, [(name, ids.get(content, content)) for name, content in self.headers]


def templates() -> list[Template]:
    """What one analysis leaves in the log."""
    captions_id, request_id, analysis_id, attempt_id = IDS
    captions = captions_of("history", "backfill").model_copy(update={"captions_id": captions_id})
    usage = Usage(input_tokens=9_000, output_tokens=1_500)
    claim = BudgetReserved(
        at=BEGAN,
        attempt_id=attempt_id,
        request_id=request_id,
        analysis_id=analysis_id,
        prompt_id=PROMPT.prompt_id,
        model=PROMPT.model,
        max_tokens=PROMPT.max_tokens,
        attempt=1,
        lane="backfill",
        replay_id=None,
        usd=Decimal("0.004"),
        cap_usd=Decimal(100_000),
        lane_cap_usd=Decimal(100_000),
        hold_s=150,
    )
    asked = Request(request_id, "history", captions_id, Place(0, 0), "backfill", None, None)
    job = Job(Pending(asked, 0), PROMPT, captions, PROMPT.max_tokens)
    done = completed(claim, job, Answered((answer(),), usage), Symbols(), BEGAN)
    assert isinstance(done, AnalysisCompleted)
    settled = BudgetSettled(
        at=BEGAN,
        attempt_id=attempt_id,
        analysis_id=analysis_id,
        outcome="completed",
        usd=done.usd,
        usage=usage,
        retry_at=None,
    )
    requested = AnalysisRequested(
        at=BEGAN,
        request_id=request_id,
        video_id="history",
        captions_id=captions_id,
        captions_at=Position(partition=0, offset=0),
        lane="backfill",
        prompt_id=None,
        replay_id=None,
    )
    return [
        _template(topic, event)
        for topic, event in ((LEDGER, requested), (LEDGER, claim), (ANALYSES, done), (LEDGER, settled))
    ]


def _template(topic: Topic, event: Event) -> Template:
    message = encode(event)
    return Template(topic, message.headers, message.value)


def write(connection: Connection, analyses: int) -> None:
    """Put so many finished analyses into the log, each record in a batch of its own, as an analyst would."""
    producer = Producer(
        {
            "bootstrap.servers": connection.bootstrap,
            "acks": "all",
            "enable.idempotence": True,  # no retry may change the order
            "compression.type": "zstd",
            "batch.num.messages": 1,
            "queue.buffering.max.messages": 50_000,
        }
    )
    kinds = templates()
    for number, ids in enumerate(_ids(analyses)):
        for kind in kinds:
            value, headers = kind.with_ids(ids)
            while True:
                try:
                    producer.produce(
                        connection.name(kind.topic),
                        value,
                        headers=headers,
                        partition=number % kind.topic.partitions,
                    )
                except BufferError:
                    producer.poll(0.1)
                else:
                    break
    assert producer.flush(LIMIT_S) == 0


def _ids(count: int) -> Iterator[dict[bytes, bytes]]:
    random = Random(1)
    for _ in range(count):
        yield {str(old).encode(): str(UUID(int=random.getrandbits(128))).encode() for old in IDS}


async def start_up(connection: Connection, sizes: tuple[int, ...]) -> Result:
    """Two analysts for each size; the first log is all but empty, and what it takes is what every start takes."""
    rows = [
        ["finished analyses", "start", "first claim after s", "memory above the base MB", "at its peak MB"]
    ]
    numbers = {}
    for size in sizes:
        for how, measured in zip(("whole log", "checkpoint"), await _measure(connection, size), strict=True):
            assert measured.first_claim_s is not None
            state = measured.bytes_at_first_claim - measured.base_bytes
            peak = measured.peak_bytes - measured.base_bytes
            rows.append(
                [
                    f"{size:,}",
                    how,
                    f"{measured.first_claim_s:.1f}",
                    f"{state / 2**20:.0f}",
                    f"{peak / 2**20:.0f}",
                ]
            )
            numbers[f"seconds_{size}" + ("" if how == "whole log" else "_kept")] = measured.first_claim_s
            numbers[f"mb_{size}" + ("" if how == "whole log" else "_kept")] = state / 2**20
    return Result(
        "Start-up of the analyst",
        "Each analysis is three records in the ledger and an answer of 5 KB (a record of"
        f" {len(templates()[2].value) // 1000} KB) in `analyses`, read from a real broker: once all of it, as 0.1.0 did at"
        " each start, which ends in a checkpoint, and once from that. The base is the process with everything imported."
        " The answers repeat each other, so they are small on the disk; what is read is not.",
        rows,
        numbers,
    )


async def unflushed(connection: Connection) -> None:
    """Let the broker take records without waiting for the disk: this history is no one's money."""
    admin = connection.admin()
    await admin.start()
    try:
        for topic in (LEDGER, ANALYSES):
            name, config = connection.name(topic), {**KEPT_FOR_EVER, "flush.messages": str(2**63 - 1)}
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=config)])
    finally:
        await admin.close()


async def _measure(connection: Connection, size: int) -> list[Numbers]:
    own = await fresh(connection)
    await unflushed(own)
    await asyncio.to_thread(write, own, size)
    with TemporaryDirectory() as folder:
        shelf = Shelf(Path(folder) / "analyst.checkpoint", at_least=1)
        return [await _start(own, shelf, name) for name in ("first", "second")]


async def _start(connection: Connection, shelf: Shelf, name: str) -> Numbers:
    async with scene(connection) as log:
        await ask_many(log.publisher, 1, "poll", name)
    with (
        process(provider_process.main, Tier(latency_s=(0, 0))) as provider,
        process(
            analyst_process.main, Assignment(connection, await told(provider), limits(8), shelf)
        ) as analyst,
    ):
        async with asyncio.timeout(LIMIT_S):
            while (measured := await ask(analyst)).first_claim_s is None:  # noqa: ASYNC110  it is another process
                await asyncio.sleep(POLL_S)
    numbers: Numbers = measured
    return numbers

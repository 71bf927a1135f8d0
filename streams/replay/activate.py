"""Activating a prompt: what it would publish, worked out as the worker will, and the event that lets it."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from streams.events.prompts import PromptActivated
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.fetch import fetcher
from streams.log.follow import ends_of, follow
from streams.log.publish import Publisher
from streams.log.topics import ANALYSES, PROMPTS
from streams.signals.current import Partition, activated, evolve, videos_by_prompt
from streams.signals.publish_signals import signal_batches


@dataclass
class Difference:
    """What an activation publishes: `signals` by type; `switched` videos, and `kept`: those of another prompt still."""

    signals: Counter[str] = field(default_factory=Counter)
    switched: int = 0
    kept: int = 0


async def difference(connection: Connection, prompt_id: str, at: datetime) -> Difference:
    """What an activation of the prompt at `at` would publish from the log as it is now; nothing is written."""
    (number,) = await ends_of(connection, PROMPTS)
    found = Difference()
    async with fetcher(connection) as log:
        starts = await log.starts(ANALYSES)
        for number_of, end in (await log.ends(ANALYSES)).items():
            partition = Partition()

            def take(record: Record, partition: Partition = partition) -> None:
                evolve(partition, record)

            await log.read(ANALYSES, number_of, starts[number_of], end, take)
            switches = activated(partition, prompt_id, number)
            found.switched += len(switches)
            by_prompt = videos_by_prompt(partition)
            found.kept += by_prompt.total() - by_prompt[prompt_id]
            async for batch in signal_batches(log, number_of, switches, at):
                found.signals.update(type(signal).__name__ for signal in batch)
    return found


async def activate(
    connection: Connection, publisher: Publisher, activation: PromptActivated, limit_s: float
) -> bool:
    """Append the activation; whether a worker placed its markers in every partition within `limit_s` seconds."""
    start = {
        (ANALYSES.name, partition): end for partition, end in enumerate(await ends_of(connection, ANALYSES))
    }
    number = str((await publisher.append(activation)).offset)
    marked: set[int] = set()

    def take(record: Record) -> None:
        if record.type == PromptActivated.__name__ and record.header("ce_activation") == number:
            marked.add(record.partition)

    try:
        async with asyncio.timeout(limit_s), follow(connection, [ANALYSES], take, start) as follower:
            while len(marked) < ANALYSES.partitions:
                await follower.moved()
    except TimeoutError:
        return False
    return True

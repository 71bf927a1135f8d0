"""What must be true of a log and a read model after any violence."""

import asyncio
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

from projections.rebuild import rebuild
from projections.snapshots import LINK
from streams.broker import local
from streams.budget.entries import read_entry
from streams.budget.ledger import Ledger
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.topics import ANALYSES, DEAD_LETTERS, LEDGER, MENTION_SIGNALS, OUTLOOK_SIGNALS
from streams.loopback.claude import LoopbackClaude
from tests.builders.snapshot import assert_equal
from tests.pipeline.installation import Installation


async def broken_promises(earmark: Installation, claude: LoopbackClaude, videos: int) -> list[str]:
    """Each promise that was broken, as a sentence; `up` still runs, and nothing moves."""
    connection = Connection(local.find(earmark.home) or "", "earmark.")
    records: dict[str, list[Record]] = {}
    for topic in (ANALYSES, LEDGER, MENTION_SIGNALS, OUTLOOK_SIGNALS, DEAD_LETTERS):
        taken: list[Record] = []
        await read(connection, [topic], taken.append)
        records[topic.name] = taken
    completed = Counter(
        record.header("ce_analysisid")
        for record in records[ANALYSES.name]
        if record.type == "AnalysisCompleted"
    )
    broken = [
        f"analysis {name} was completed {count} times" for name, count in completed.items() if count > 1
    ]
    if len(completed) != videos:
        broken.append(f"{len(completed)} analyses for {videos} videos")
    for topic in (MENTION_SIGNALS, OUTLOOK_SIGNALS):
        broken += _doubled(records[topic.name], videos)
    broken += [f"a dead letter: {record.event()}" for record in records[DEAD_LETTERS.name]]
    broken += _budget(records[LEDGER.name], claude)
    with tempfile.TemporaryDirectory() as folder:
        await rebuild(Path(folder), connection.consumer, connection.name)
        try:
            await asyncio.to_thread(assert_equal, earmark.home / LINK, Path(folder) / LINK)
        except AssertionError as error:
            broken.append(f"live and rebuilt differ: {error}")
    return broken


def _doubled(records: list[Record], videos: int) -> list[str]:
    """A subscriber drops what has an id that it has seen; what is left must be one new call a video."""
    first = {record.header("ce_id"): record for record in records}
    kinds = Counter(record.type for record in first.values())
    if set(kinds.values()) != {videos} or len(kinds) != 1:
        return [f"subscribers see {dict(kinds)} for {videos} videos"]
    return []


def _budget(records: list[Record], claude: LoopbackClaude) -> list[str]:
    ledger, most, charged = Ledger(), Decimal(0), Decimal(0)
    broken, cap = [], Decimal(0)
    for record in records:
        entry = read_entry(record)
        if entry is None:
            broken.append(f"the ledger's offset {record.offset} is no entry")
            continue
        ledger.apply(entry, record.offset, record.timestamp_ms)
        cap = max(cap, getattr(entry, "cap_usd", cap))
        most, charged = max(most, ledger.charges.total), ledger.charges.total
    if most > cap:
        broken.append(f"${most} were charged of ${cap}")
    if ledger.open:
        broken.append(f"{len(ledger.open)} claims are open")
    if claude.bill() > charged and len({record.timestamp_ms // 86_400_000 for record in records}) == 1:
        broken.append(f"Claude's bill is ${claude.bill()}, and ${charged} are charged")
    return broken

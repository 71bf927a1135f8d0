"""What the demo's tables are held to, computed from outside the pipeline."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

STATE = ("symbol", "action", "conviction", "time_horizon", "quote", "start_ms", "end_ms", "url")
SIGNAL_TOPICS = ("signals.mentions", "signals.outlooks")


@dataclass(frozen=True)
class Signal:
    """A signal as any subscriber gets it: its `ce_type` and its body."""

    type: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """What a subscriber knows of a mention: the last revision, and STATE, or None where it was retracted."""

    revision: int
    state: tuple[Any, ...] | None


async def records_in(bootstrap: str, prefix: str) -> int:
    """How many records all topics of `prefix` hold."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    topics = [topic for topic in await admin.list_topics() if topic.startswith(prefix)]
    await admin.close()
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        return sum((await consumer.end_offsets(consumer.assignment())).values())
    finally:
        await consumer.stop()


def records_read(file: Path) -> int:
    """How many records the read model was folded from."""
    with duckdb.connect(str(file), read_only=True) as database:
        [(records,)] = database.execute("SELECT sum(records)::BIGINT FROM freshness").fetchall()
    return int(records)


async def signals(bootstrap: str, prefix: str) -> list[Signal]:
    """Every signal there is, in order within a key."""
    topics = [f"{prefix}{name}" for name in SIGNAL_TOPICS]
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    heard = []
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for messages in (await consumer.getmany(timeout_ms=500)).values():
                heard += [
                    Signal(dict(message.headers)["ce_type"].decode(), json.loads(message.value))
                    for message in messages
                ]
    finally:
        await consumer.stop()
    return heard


def calls(heard: Iterable[Signal]) -> dict[str, Call]:
    """What a subscriber of the mentions knows by then, by mention id: the rule for clients, and nothing else."""
    known: dict[str, Call] = {}
    for signal in heard:
        mention_id, revision = signal.body.get("mention_id"), signal.body["revision"]
        if mention_id is not None and (mention_id not in known or revision > known[mention_id].revision):
            gone = signal.type == "MentionRetracted"
            known[mention_id] = Call(
                revision, None if gone else tuple(signal.body["mention"][name] for name in STATE)
            )
    return known


def standing(known: Mapping[str, Call]) -> dict[str, tuple[Any, ...]]:
    """The calls that are not retracted."""
    return {mention_id: call.state for mention_id, call in known.items() if call.state is not None}


def activations(heard: Iterable[Signal]) -> list[Counter[str]]:
    """How many signals of each type each activation published, the first activation first."""
    numbered: dict[int, Counter[str]] = {}
    for signal in heard:
        if signal.body["cause"] == "activation":
            numbered.setdefault(signal.body["activation"], Counter())[signal.type] += 1
    return [numbered[number] for number in sorted(numbered)]


def counted(said: str) -> Counter[str]:
    """The signals that `prompts activate` says it will publish, by type."""
    return Counter({kind: int(count) for count, kind in re.findall(r"(\d+) ([A-Z]\w+)", said)})


def mentions(file: Path) -> dict[str, tuple[Any, ...]]:
    """The read model's mentions in the same form."""
    with duckdb.connect(str(file), read_only=True) as database:
        rows = database.execute(
            "SELECT mention_id::VARCHAR, symbol, action, conviction::DOUBLE, time_horizon, quote, start_ms, end_ms, url"
            " FROM mentions"
        ).fetchall()
    return {row[0]: row[1:] for row in rows}


def rejection(file: Path, video_id: str, symbol: str) -> str | None:
    """Why what was said of `symbol` in a video is no mention, None where it is one."""
    with duckdb.connect(str(file), read_only=True) as database:
        [(rejected,)] = database.execute(
            "SELECT rejected FROM all_mentions WHERE video_id = ? AND symbol = ?", [video_id, symbol]
        ).fetchall()
    reason: str | None = rejected
    return reason


def signals_read(file: Path) -> int:
    """How many signals the read model has seen."""
    with duckdb.connect(str(file), read_only=True) as database:
        [(count,)] = database.execute("SELECT count(*) FROM signals").fetchall()
    return int(count)


def is_settled(file: Path) -> bool:
    """Whether no call is under way, and so no money reserved."""
    with duckdb.connect(str(file), read_only=True) as database:
        [(usd,)] = database.execute("SELECT coalesce(sum(open_usd), 0) FROM daily_costs").fetchall()
    return bool(usd == 0)


def charged(file: Path) -> Decimal:
    """US dollars that `daily_costs` says were charged."""
    with duckdb.connect(str(file), read_only=True) as database:
        [(usd,)] = database.execute("SELECT coalesce(sum(charged_usd), 0) FROM daily_costs").fetchall()
    return Decimal(usd)


def differences(one: Path, other: Path) -> list[str]:
    """Every table and view whose rows are not the same in both files, with the rows only one of them has."""
    with duckdb.connect() as scratch:
        scratch.execute(f"ATTACH '{one}' AS one (READ_ONLY); ATTACH '{other}' AS other (READ_ONLY)")
        names = scratch.execute(
            "SELECT DISTINCT table_name FROM information_schema.tables WHERE table_catalog = 'one'"
            " AND table_name <> '_snapshots' ORDER BY 1"
        ).fetchall()
        found = []
        for (name,) in names:
            for side in ("one", "other"):
                # A view's names are those of the database in use. How many snapshots there are is no matter of the log.
                shown = "* EXCLUDE (snapshots, snapshot_bytes)" if name == "freshness" else "*"
                scratch.execute(
                    f"USE {side}; CREATE OR REPLACE TEMP TABLE {side}_rows AS SELECT {shown} FROM {name}"  # noqa: S608  our own
                )
            counts = scratch.execute(
                "SELECT (SELECT count(*) FROM (FROM one_rows EXCEPT ALL FROM other_rows)),"
                " (SELECT count(*) FROM (FROM other_rows EXCEPT ALL FROM one_rows))"
            ).fetchall()
            if counts != [(0, 0)]:
                found.append(f"{name}: {counts[0][0]} rows only live, {counts[0][1]} only rebuilt")
        if not names:
            found.append("there is no table to compare")
        return found

"""What the demo's tables are held to, computed from outside the pipeline."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

STATE = ("symbol", "action", "conviction", "time_horizon", "quote", "start_ms", "end_ms", "url")


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


async def subscribed(bootstrap: str, topic: str) -> dict[str, tuple[Any, ...]]:
    """What a subscriber of the mention signals knows from the first signal on: STATE by mention id."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    known: dict[str, tuple[int, tuple[Any, ...] | None]] = {}
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for messages in (await consumer.getmany(timeout_ms=500)).values():
                for message in messages:
                    signal = json.loads(message.value)
                    if signal["revision"] > known.get(signal["mention_id"], (0, None))[0]:
                        gone = dict(message.headers)["ce_type"] == b"MentionRetracted"
                        state = None if gone else tuple(signal["mention"][name] for name in STATE)
                        known[signal["mention_id"]] = (signal["revision"], state)
    finally:
        await consumer.stop()
    return {mention: state for mention, (_, state) in known.items() if state is not None}


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
            "SELECT DISTINCT table_name FROM information_schema.tables WHERE table_catalog = 'one' ORDER BY 1"
        ).fetchall()
        found = []
        for (name,) in names:
            for side in ("one", "other"):
                # A view's names are those of the database in use.
                scratch.execute(f"USE {side}; CREATE OR REPLACE TEMP TABLE {side}_rows AS FROM {name}")
            counts = scratch.execute(
                "SELECT (SELECT count(*) FROM (FROM one_rows EXCEPT ALL FROM other_rows)),"
                " (SELECT count(*) FROM (FROM other_rows EXCEPT ALL FROM one_rows))"
            ).fetchall()
            if counts != [(0, 0)]:
                found.append(f"{name}: {counts[0][0]} rows only live, {counts[0][1]} only rebuilt")
        if not names:
            found.append("there is no table to compare")
        return found

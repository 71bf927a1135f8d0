"""Acts once on each fresh live call on a stock. What it has `seen` belongs where its orders are kept."""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer


async def trade(servers: str, topic: str, seen: dict[str, int]) -> None:
    async with AIOKafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest") as calls:
        async for call in calls:
            headers, body = dict(call.headers), json.loads(call.value)
            if body["revision"] > seen.get(body["mention_id"], 0):
                seen[body["mention_id"]] = body["revision"]
                published = datetime.fromisoformat(body["video"]["published_at"] or "1970-01-01T00Z")
                exact = body["video"].get("published_precision") == "second"
                act = exact and body["cause"] == "live" and datetime.now(UTC) - published < timedelta(days=1)
                print(f"{act=}", call.key.decode(), headers["ce_type"].decode(), body["mention"]["action"])


asyncio.run(trade(*sys.argv[1:], seen={}))

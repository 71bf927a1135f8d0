"""Acts once on each fresh live call that is somebody's own and hangs on nothing. What it has `seen` belongs with its orders."""

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
                new = exact and body["cause"] == "live" and datetime.now(UTC) - published < timedelta(days=1)
                said = body["mention"]
                own = said.get("speaker") in {"host", "guest"} and said.get("paid") is False
                hangs = said.get("condition") or "condition" in [it["part"] for it in said.get("dropped", [])]
                act = new and own and not hangs
                print(f"{act=}", call.key.decode(), headers["ce_type"].decode(), said["action"])


asyncio.run(trade(*sys.argv[1:], seen={}))

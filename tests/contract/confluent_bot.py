"""Acts once on each fresh live call on a stock, by the rule that contract 1 began with; it knows no later field."""

import json
import sys
from datetime import UTC, datetime, timedelta

from confluent_kafka import Consumer, KafkaException


def trade(servers: str, topic: str, seen: dict[str, int]) -> None:
    calls = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "confluent-bot",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    calls.subscribe([topic])
    while True:
        call = calls.poll(1)
        if call is None:
            continue
        if call.error():
            raise KafkaException(call.error())
        headers, body = dict(call.headers()), json.loads(call.value())
        if body["revision"] > seen.get(body["mention_id"], 0):
            seen[body["mention_id"]] = body["revision"]
            published = datetime.fromisoformat(body["video"]["published_at"] or "1970-01-01T00Z")
            exact = body["video"].get("published_precision") == "second"
            act = exact and body["cause"] == "live" and datetime.now(UTC) - published < timedelta(days=1)
            print(f"{act=}", call.key().decode(), headers["ce_type"].decode(), body["mention"]["action"])


trade(*sys.argv[1:], seen={})

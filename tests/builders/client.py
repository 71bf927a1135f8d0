"""A subscriber as anybody would write it: bytes in, the client rule applied, tables out. It knows nothing of Earmark's code."""

import json
from collections.abc import Iterable
from typing import Any


class Client:
    """Mentions and outlooks by id, as the signals read so far leave them."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}
        self.mentions: dict[str, Any] = {}
        self.outlooks: dict[str, Any] = {}

    def apply(self, headers: Iterable[tuple[str, bytes]], value: bytes) -> None:
        kind, body = dict(headers)["ce_type"].decode(), json.loads(value)
        mention = kind.startswith("Mention")
        table, state = (self.mentions, "mention") if mention else (self.outlooks, "outlook")
        subject = body[f"{state}_id"]
        if body["revision"] <= self.seen.get(subject, 0):
            return
        self.seen[subject] = body["revision"]
        if kind.endswith("Retracted"):
            table.pop(subject, None)
        else:
            table[subject] = body[state]

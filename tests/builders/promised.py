"""Messages held to the contract, as a subscriber's own validator would hold them."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from jsonschema import Draft7Validator, FormatChecker

from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.topics import MENTION_SIGNALS, OUTLOOK_SIGNALS
from tests.contract.kept import kept

FORMATS = FormatChecker(formats=["uuid"])


@FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


class Promised:
    """A contract's schemas.

    Subscribers must let unknown fields pass, so the contract does; where it is `closed` they are refused, or a field that
    is sent and described nowhere would go unnoticed.
    """

    def __init__(self, contract: dict[str, Any], *, closed: bool) -> None:
        text = json.dumps(contract)
        if closed:
            text = text.replace('"additionalProperties": true', '"additionalProperties": false')
        self._document = json.loads(text)

    def complaints(
        self, topic: str, key: bytes, headers: Iterable[tuple[str, bytes]], value: bytes
    ) -> list[str]:
        """What is wrong with a message of a topic (without prefix); the last header of a name counts."""
        attributes = {name: content.decode() for name, content in headers}
        kind = attributes.get("ce_type", "")
        if kind not in self._document["channels"][topic]["messages"]:
            return [f"{topic} has no {kind!r}"]
        message = f"#/components/messages/{kind}"
        return [
            *self._against(f"{message}/bindings/kafka/key", key.decode()),
            *self._against(f"{message}/headers", attributes),
            *self._against(f"{message}/payload", json.loads(value)),
            *([] if attributes.get("ce_subject") == key.decode() else ["ce_subject is not the key"]),
        ]

    def _against(self, schema: str, instance: object) -> list[str]:
        whole = {"$ref": schema, "components": self._document["components"]}
        found = Draft7Validator(whole, format_checker=FORMATS).iter_errors(instance)
        return [f"{schema} {error.json_path}: {error.message}" for error in found]


PROMISED = Promised(kept(), closed=True)


async def sent(connection: Connection) -> list[Record]:
    """Every signal that stands in the log, each partition in its order, and each of them as promised."""
    records: list[Record] = []
    await read(connection, [MENTION_SIGNALS, OUTLOOK_SIGNALS], records.append)
    found = [complaint for record in records for complaint in _complaints(record)]
    assert not found, found
    return records


def _complaints(record: Record) -> list[str]:
    headers = [(name, value or b"") for name, value in record.headers]
    return PROMISED.complaints(record.topic, record.key or b"", headers, record.value or b"")

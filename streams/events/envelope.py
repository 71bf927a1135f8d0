"""Events as Kafka messages: the CloudEvents 1.0 Kafka binding in binary mode, a JSON body.

`ce_type` is the event's name, `ce_dataschema` ends in its version, `ce_subject` is its key, `ce_time` its own time.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic_core import from_json

from streams.errors import EarmarkError
from streams.events.catalogue import CATALOGUE, Catalogue
from streams.events.event import Event

SOURCE = "urn:earmark"


class UndecodableError(EarmarkError):
    """A message that is no event this code can read; base of the three ways."""


class UnknownTypeError(UndecodableError):
    """The message names no type of the catalogue (or is no CloudEvent at all)."""


class NewerVersionError(UndecodableError):
    """The message was written by a newer Earmark: upgrade this one."""


class BrokenBodyError(UndecodableError):
    """The type is known and the body does not fit it."""


@dataclass(frozen=True)
class Message:
    """A Kafka message's parts, as clients send them."""

    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes


class _RawData(JSONFormat):
    """Leaves the body as bytes: pydantic parses it, once."""

    def read_data(self, body: bytes, datacontenttype: str | None) -> bytes:  # noqa: ARG002  the protocol's signature
        return body


_FORMAT = _RawData()


def data_schema(event_type: type[Event]) -> str:
    """The `ce_dataschema` of an event type: another version is another schema."""
    return f"{SOURCE}:{event_type.__name__}:{event_type.version}"


def encode(event: Event) -> Message:
    """`event` as a message; the same event gives the same bytes."""
    cloud_event = CloudEvent(
        {
            "id": str(event.event_id),
            "source": SOURCE,
            "type": type(event).__name__,
            "specversion": "1.0",
            "time": event.at,
            "subject": event.key or type(event).__name__,
            "datacontenttype": "application/json",
            "dataschema": data_schema(type(event)),
            **event.extensions,
        },
        event.model_dump_json().encode(),
    )
    message = to_binary(cloud_event, _FORMAT, key_mapper=lambda _: event.key)
    return Message(event.key.encode(), tuple(message.headers.items()), message.value)


Headers = Iterable[tuple[str, bytes | None]]
"""A message's headers as Kafka has them: with any bytes, or none."""


def header(headers: Headers, name: str) -> str | None:
    """The first header of that name as text, or None; what is no UTF-8 is replaced: it must not end a fold."""
    for key, value in headers:
        if key == name and value is not None:
            return value.decode(errors="replace")
    return None


def decode(headers: Headers, value: bytes | None, catalogue: Catalogue = CATALOGUE) -> Event:
    """The event in a message; fields that this version does not know are ignored.

    Raises UnknownTypeError, NewerVersionError or BrokenBodyError.
    """
    attributes = {name: content for name, content in headers if content is not None}
    try:
        cloud_event = from_binary(KafkaMessage(attributes, None, value or b""), _FORMAT, CloudEvent)
        name, at = cloud_event.get_type(), cloud_event.get_time()
    except Exception as error:  # the library raises whatever its parsers raise
        raise UnknownTypeError(f"not a CloudEvent in binary mode: {error}") from error
    event_type = catalogue.types.get(name)
    if event_type is None:
        raise UnknownTypeError(
            f"unknown event type {name!r}: upgrade Earmark, or look who writes to this topic"
        )
    if "ce_time" not in attributes:  # the library would make up a time, and every reader another one
        raise BrokenBodyError(f"{name}: no ce_time")
    version = _version(name, cloud_event.get_dataschema())
    if version > event_type.version:
        raise NewerVersionError(
            f"{name} version {version}: the newest known here is {event_type.version}: upgrade Earmark"
        )
    body = _parse(name, value)
    try:
        for older in range(version, event_type.version):
            body = catalogue.upcasters[name, older](body)
        return event_type.model_validate({**body, "at": at}, extra="ignore")
    # An upcaster meets bodies that nobody has checked.
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise BrokenBodyError(f"{name}: {error}") from error


def _version(name: str, schema: str | None) -> int:
    prefix = f"{SOURCE}:{name}:"
    number = re.fullmatch(re.escape(prefix) + "([1-9][0-9]{0,3})", schema or "")
    if number is None:
        raise BrokenBodyError(f"{name}: ce_dataschema {schema!r} is not {prefix}<version>")
    return int(number[1])


def _parse(name: str, value: bytes | None) -> dict[str, Any]:
    try:
        body = from_json(value or b"")  # keeps integers whole, however long
    except ValueError as error:
        raise BrokenBodyError(f"{name}: {error}") from error
    if not isinstance(body, dict):
        raise BrokenBodyError(f"{name}: a JSON {type(body).__name__} where an object belongs")
    return body

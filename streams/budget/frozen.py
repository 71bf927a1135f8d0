"""A fold's state as bytes, and back: every field of its dataclass that is not left out by name, so that none is forgotten.

For the same code only: what another version froze is never read again (`streams/log/checkpoint.py`).
"""

from collections.abc import Collection
from dataclasses import fields
from functools import cache
from typing import Any, get_type_hints

import msgspec
from pydantic import BaseModel

from streams.budget.ids import Ids
from streams.events.envelope import decode, encode
from streams.events.event import Event


def frozen(state: Any, but: Collection[str] = ()) -> bytes:
    """The fields of a dataclass, and all that is in them, without those named in `but`."""
    kept = {field.name: getattr(state, field.name) for field in fields(state) if field.name not in but}
    return msgspec.msgpack.encode(kept, enc_hook=_encode)


def thaw(state: Any, data: bytes, but: Collection[str] = ()) -> None:
    """Set the fields of `state` to what they were when it was frozen. Raises msgspec.DecodeError for other bytes."""
    kind: Any = type(state)
    shape = _shape(kind, frozenset(but))
    kept = msgspec.msgpack.decode(data, type=shape, dec_hook=_decode)
    for name in shape.__struct_fields__:
        setattr(state, name, getattr(kept, name))


@cache
def _shape(kind: Any, but: frozenset[str]) -> type[msgspec.Struct]:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind) if field.name not in but]
    return msgspec.defstruct(kind.__name__, [(name, hints[name]) for name in names])


def _encode(part: Any) -> Any:
    match part:
        case Ids():
            return part.to_bytes()
        case Event():
            message = encode(part)
            return message.headers, message.value
        case BaseModel():
            return part.model_dump_json()
        case _:
            raise NotImplementedError(type(part).__name__)


def _decode(kind: type, part: Any) -> Any:
    if issubclass(kind, Ids):
        return kind.from_bytes(part)
    if issubclass(kind, Event):
        headers, value = part
        return decode([(name, content) for name, content in headers], value)
    if issubclass(kind, BaseModel):
        return kind.model_validate_json(part)
    raise NotImplementedError(kind.__name__)

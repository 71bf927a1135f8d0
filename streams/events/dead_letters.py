"""What could not be handled, kept whole."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import Self

from pydantic import Field

from streams.events.event import Event


def _encode(part: bytes | None) -> str | None:
    return None if part is None else b64encode(part).decode()


def _decode(part: str | None) -> bytes | None:
    return None if part is None else b64decode(part)


class DeadLettered(Event):
    """A message that no retry can help: its original bytes (base64), its position, and the reason."""

    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    original_key: str | None
    original_value: str | None
    original_headers: tuple[tuple[str, str | None], ...]
    handler: str
    error: str
    attempt: int = Field(ge=1)

    @classmethod
    def of(
        cls,
        *,
        at: datetime,
        topic: str,
        partition: int,
        offset: int,
        key: bytes | None,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes | None]],
        handler: str,
        error: str,
        attempt: int,
    ) -> Self:
        """The dead letter of a message's raw parts."""
        return cls(
            at=at,
            topic=topic,
            partition=partition,
            offset=offset,
            original_key=_encode(key),
            original_value=_encode(value),
            original_headers=tuple((name, _encode(content)) for name, content in headers),
            handler=handler,
            error=error,
            attempt=attempt,
        )

    @property
    def value_bytes(self) -> bytes | None:
        return _decode(self.original_value)

    @property
    def key_bytes(self) -> bytes | None:
        return _decode(self.original_key)

    @property
    def header_bytes(self) -> list[tuple[str, bytes | None]]:
        return [(name, _decode(content)) for name, content in self.original_headers]

    @property
    def key(self) -> str:
        return self.original_key or ""

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.handler, self.topic, self.partition, self.offset)


class DeadLetterRetried(Event):
    """A person had a dead letter's message handled again.

    `letter` is the letter's offset in `dead-letters`; `partition` and `offset` say where in its topic the message that was
    handled stands: a copy at a new place, or the original where its place is part of its meaning.
    """

    letter: int = Field(ge=0)
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)

    @property
    def key(self) -> str:
        return str(self.letter)

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.letter,)

"""A message as it stands in the log, and the dead letter it becomes when nobody can handle it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streams.events.dead_letters import DeadLettered
from streams.events.envelope import decode, header
from streams.events.event import Event


@dataclass(frozen=True, slots=True)
class Record:
    """A message as it stands in the log; `topic` without the prefix, `timestamp_ms` by the broker's clock."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None

    def header(self, name: str) -> str | None:
        """The first header of that name as text, or None."""
        return header(self.headers, name)

    @property
    def type(self) -> str | None:
        """The event's type, or None where there is no such header."""
        return self.header("ce_type")

    def event(self) -> Event:
        """The event in it. Raises UndecodableError."""
        return decode(self.headers, self.value)


def dead_letter(
    record: Record, *, handler: str, error: BaseException, attempt: int, at: datetime
) -> DeadLettered:
    """The dead letter of `record`, bytes, key and headers whole, after `attempt` tries by `handler` (1 = the first)."""
    return DeadLettered.of(
        at=at,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=record.headers,
        handler=handler,
        error=f"{type(error).__name__}: {error}",
        attempt=attempt,
    )

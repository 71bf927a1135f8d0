"""From a record that could not be handled to its dead letter."""

from datetime import datetime

from streams.events.dead_letters import DeadLettered
from streams.log.fold import Record


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

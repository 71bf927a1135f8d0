"""What of a log is about one video: the slow and plain way, by looking at every event."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from streams.events.dead_letters import DeadLettered, DeadLetterRetried
from streams.events.envelope import UndecodableError
from streams.events.event import Event
from streams.events.ledger import (
    AnalysisRequested,
    BudgetReserved,
    BudgetSettled,
    ReplayCancelled,
    ReplayStarted,
)
from streams.events.prompts import PromptActivated
from streams.events.record import Record
from streams.log.publish import partition_of
from streams.log.topics import LEDGER


@dataclass
class _Ids:
    """What belongs to the video by way of something else."""

    requests: set[UUID] = field(default_factory=set)
    replays: set[UUID | None] = field(default_factory=set)
    attempts: set[UUID] = field(default_factory=set)
    keys: set[bytes] = field(default_factory=set)
    letters: set[int] = field(default_factory=set)


def about(video_id: str, records: Sequence[Record]) -> list[Record]:
    """The records of `video_id`, and the markers in its partition."""
    ids = _Ids(keys={video_id.encode()})
    for _ in range(4):  # a settlement can stand before its claim, a claim's replay behind it
        found = [record for record in records if _is_about(video_id, record, ids)]
    return found


def _is_about(video_id: str, record: Record, ids: _Ids) -> bool:
    try:
        event = record.event()
    except UndecodableError:
        return record.key == video_id.encode()
    match event:
        case PromptActivated():
            return event.partition == partition_of(video_id, 12)
        case DeadLettered() if event.key_bytes in ids.keys:
            ids.letters.add(record.offset)
            return True
        case DeadLetterRetried():
            return event.letter in ids.letters
        case _ if record.topic == LEDGER.name:
            return _is_of_its_money(video_id, event, ids)
        case _:
            video = getattr(event, "video", None)
            return video is not None and bool(video.video_id == video_id)


def _is_of_its_money(video_id: str, event: Event, ids: _Ids) -> bool:
    match event:
        case AnalysisRequested() if event.video_id == video_id:
            ids.requests.add(event.request_id)
            ids.replays.add(event.replay_id)
            ids.keys.add(event.key.encode())
            return True
        case BudgetReserved() if event.request_id in ids.requests:
            ids.attempts.add(event.attempt_id)
            ids.keys.add(event.key.encode())
            return True
        case BudgetSettled():
            return event.attempt_id in ids.attempts
        case ReplayStarted() | ReplayCancelled():
            return event.replay_id in ids.replays
        case _:
            return False


def places(records: Iterable[Record]) -> set[tuple[str, int, int]]:
    """Where they stand."""
    return {(record.topic, record.partition, record.offset) for record in records}

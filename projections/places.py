"""Where in the log the records about one video stand, as far as the newest snapshot has read, and what it makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from projections.snapshots import LINK
from projections.sql import said_plainly, snapshot

Place = tuple[str, int, int]
"""A record's topic (without prefix), partition and offset."""

_PLACES = """
WITH
  requests AS (FROM _requests WHERE video_id = $video_id),
  claims AS (FROM _claims WHERE request_id IN (SELECT request_id FROM requests)),
  letters AS (
    FROM dead_letters WHERE key = $video_id
    OR key IN (SELECT request_id::VARCHAR FROM requests UNION SELECT analysis_id::VARCHAR FROM claims)
  )
SELECT 'videos', log_partition, log_offset FROM _discovered WHERE video_id = $video_id
UNION SELECT 'captions.requests', log_partition, log_offset FROM _captions_requests WHERE video_id = $video_id
UNION SELECT 'captions', log_partition, log_offset FROM captions WHERE video_id = $video_id
UNION SELECT 'captions.unavailable', log_partition, log_offset FROM caption_failures WHERE video_id = $video_id
UNION SELECT 'analysis.ledger', log_partition, log_offset FROM requests
UNION SELECT 'analysis.ledger', log_partition, log_offset FROM claims
UNION SELECT 'analysis.ledger', log_partition, log_offset FROM _settlements
  WHERE attempt_id IN (SELECT attempt_id FROM claims)
-- Few, and a request that is not read yet may be of any of them.
UNION SELECT 'analysis.ledger', log_partition, log_offset FROM _replays_started
UNION SELECT 'analysis.ledger', log_partition, log_offset FROM _replays_cancelled
UNION SELECT 'analyses', log_partition, log_offset FROM analyses WHERE video_id = $video_id
UNION SELECT 'analyses', log_partition, log_offset FROM _failures WHERE video_id = $video_id
UNION SELECT 'analyses', log_partition, log_offset FROM _markers WHERE log_partition = $partition
UNION SELECT topic, log_partition, log_offset FROM signals WHERE video_id = $video_id
UNION SELECT 'dead-letters', log_partition, log_offset FROM letters
UNION SELECT 'dead-letters', log_partition, log_offset FROM _dead_letters_retried
  WHERE letter IN (SELECT log_offset FROM letters)
UNION SELECT topic, log_partition, log_offset FROM _rejects
  WHERE log_partition = $partition
  AND topic IN ('videos', 'captions.requests', 'captions', 'captions.unavailable', 'analyses')
ORDER BY ALL
"""
_STATUS = """
SELECT status, waits_for, reason, next_try_at, next_step FROM video_status WHERE video_id = $video_id
"""


@dataclass(frozen=True)
class Status:
    """A row of `video_status`."""

    status: str
    waits_for: str | None
    reason: str | None
    next_try_at: datetime | None
    next_step: str | None


@dataclass(frozen=True)
class Snapshot:
    """What the newest snapshot knows of a video. `ends`: (topic, partition) → the offset that it reads next there."""

    taken_at: datetime
    places: tuple[Place, ...]
    ends: Mapping[tuple[str, int], int]
    status: Status | None


def taken_at(home: Path) -> datetime | None:
    """When the newest snapshot was published, by this machine's clock; None where there is none."""
    try:
        return datetime.fromtimestamp((home / LINK).stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def places_of(home: Path, video_id: str, partition: int) -> Snapshot | None:
    """What the newest snapshot knows of a video, whose own messages are in `partition`; None where there is no snapshot.

    Markers, and what could not be read, are those of the whole partition, and replays all there are. Raises SqlError.
    """
    published = taken_at(home)
    if published is None:
        return None
    with snapshot(home) as database, said_plainly():
        named = {"video_id": video_id}
        places = database.execute(_PLACES, {**named, "partition": partition}).fetchall()
        rows = database.execute(_STATUS, named).fetchall()
        ends = database.execute("SELECT topic, log_partition, next_offset FROM _positions").fetchall()
    return Snapshot(
        taken_at=published,
        places=tuple((topic, partition, offset) for topic, partition, offset in places),
        ends={(topic, partition): end for topic, partition, end in ends},
        status=Status(*rows[0]) if rows else None,
    )

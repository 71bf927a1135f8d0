"""What an overview asks of the read model: what waits at each stage, the day's money, the replays, the newest rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from projections.newest import Newest, newest
from projections.snapshots import LINK
from projections.sql import SqlError, snapshot
from streams.events.event import Lane
from streams.log.topics import by_topic

RECENT = timedelta(days=7)
RATE = timedelta(hours=1)

STANDING = """
  SELECT
    s.*,
    if(v.captions_id IS NULL, 'captions', 'analysis') AS stage,
    if(v.captions_id IS NULL, v.discovered_at, v.captioned_at) AS since
  FROM video_status s
  LEFT JOIN videos v USING (video_id)
  WHERE s.status <> 'analysed'
"""
"""The videos that are not analysed, in SQL: a row of `video_status` each, its stage, and since when it is there.

One without captions is at the captions' stage, however it stands there.
"""
_VIDEOS = f"""
WITH standing AS ({STANDING})
SELECT
  stage, status, waits_for, lane, count(*), count(*) FILTER (next_try_at > $now),
  min(since) FILTER (next_try_at IS NULL OR next_try_at <= $now), min(next_try_at) FILTER (next_try_at > $now)
FROM standing
GROUP BY ALL
"""  # noqa: S608  our own words
_DONE = """
SELECT 'discover', count(*) FILTER (happened_at >= $midnight), max(happened_at) FROM _discovered
UNION ALL
SELECT 'captions', count(*) FILTER (happened_at >= $midnight),
  greatest(max(happened_at), (SELECT max(happened_at) FROM caption_failures)) FROM captions
UNION ALL
SELECT 'analysis', count(*) FILTER (happened_at >= $midnight),
  greatest(max(happened_at), (SELECT max(happened_at) FROM _failures)) FROM analyses
UNION ALL
SELECT 'signals', count(*) FILTER (happened_at >= $midnight), max(happened_at) FROM signals
"""
_LANES = """
WITH
  charged AS (
    SELECT
      lane, count(*) FILTER (state = 'open') AS in_work,
      coalesce(sum(billed_usd + unknown_usd + open_usd) FILTER (day = $today), 0)::DECIMAL(18, 9) AS usd
    FROM attempts GROUP BY lane
  ),
  done AS (
    SELECT lane, count(*) AS analyses FROM analyses WHERE happened_at >= $midnight GROUP BY lane
    UNION ALL
    SELECT lane, count(*) FROM attempts
    WHERE lane = 'evaluation' AND outcome = 'completed' AND day = $today GROUP BY lane
  )
SELECT lane, coalesce(in_work, 0), coalesce(analyses, 0), coalesce(usd, 0)
FROM (VALUES ('live'), ('backfill'), ('replay'), ('evaluation')) lanes(lane) LEFT JOIN charged USING (lane) LEFT JOIN done USING (lane)
"""
_MONEY = """
SELECT
  coalesce(sum(billed_usd) FILTER (day = $today), 0)::DECIMAL(18, 9),
  coalesce(sum(unknown_usd) FILTER (day = $today), 0)::DECIMAL(18, 9),
  coalesce(sum(open_usd) FILTER (day = $today), 0)::DECIMAL(18, 9),
  coalesce(sum(billed_usd + unknown_usd + open_usd) FILTER (claimed_at > $rate_since), 0)::DECIMAL(18, 9),
  arg_max(cap_usd, log_offset)
FROM attempts
"""
_REPLAYS = """
WITH
  asked AS (SELECT DISTINCT replay_id, captions_id, prompt_id FROM _requests WHERE replay_id IS NOT NULL),
  done AS (SELECT DISTINCT captions_id, prompt_id FROM analyses SEMI JOIN asked USING (captions_id, prompt_id)),
  failed AS (
    SELECT DISTINCT captions_id, prompt_id FROM _failures SEMI JOIN asked USING (captions_id, prompt_id)
    WHERE type = 'AnalysisFailed'
  ),
  charged AS (
    SELECT replay_id, sum(billed_usd + unknown_usd + open_usd) AS usd FROM _charges WHERE replay_id IS NOT NULL GROUP BY ALL
  )
SELECT
  r.replay_id::VARCHAR, coalesce(p.name, r.prompt_id), r.started_at, count(*),
  count(*) FILTER (d.captions_id IS NOT NULL),
  count(*) FILTER (f.captions_id IS NOT NULL AND d.captions_id IS NULL),
  coalesce(any_value(c.usd), 0)::DECIMAL(18, 9), r.max_usd
FROM replays r
JOIN asked a USING (replay_id)
LEFT JOIN prompts p ON p.prompt_id = r.prompt_id
LEFT JOIN done d ON d.captions_id = a.captions_id AND d.prompt_id = a.prompt_id
LEFT JOIN failed f ON f.captions_id = a.captions_id AND f.prompt_id = a.prompt_id
LEFT JOIN charged c ON c.replay_id = r.replay_id
WHERE r.cancelled_at IS NULL
GROUP BY ALL
ORDER BY r.started_at
"""
_GROWTH = """
SELECT
  coalesce(sum(words), 0)::BIGINT, coalesce(sum(words) FILTER (happened_at > $recent), 0)::BIGINT, min(happened_at)
FROM captions
"""


@dataclass(frozen=True)
class Standing:
    """So many videos that are not analysed stand alike: at `stage` (captions or analysis), with `status`.

    `later`: of them, those that wait for a time still to come, the first of which is `next_try_at`. `oldest`: since when
    the oldest of the others is there.
    """

    stage: str
    status: str
    waits_for: str | None
    lane: Lane | None
    videos: int
    later: int
    oldest: datetime | None
    next_try_at: datetime | None


@dataclass(frozen=True)
class LaneRow:
    """A lane: claims that are open, and what the day brought and was charged."""

    lane: Lane
    in_work: int
    done_today: int
    charged_usd: Decimal


@dataclass(frozen=True)
class MoneyRow:
    """The day's claims in US dollars; `recent_usd`: those of the last hour, `cap_usd`: the last one claimed against."""

    billed_usd: Decimal
    unknown_usd: Decimal
    open_usd: Decimal
    recent_usd: Decimal
    cap_usd: Decimal | None


@dataclass(frozen=True)
class ReplayRow:
    """A replay that nobody has cancelled, as far as its requests go."""

    replay_id: str
    prompt: str
    started_at: datetime
    requested: int
    completed: int
    failed: int
    charged_usd: Decimal
    max_usd: Decimal


@dataclass(frozen=True)
class Followed:
    """A channel that is followed."""

    channel_id: str
    title: str
    followed_at: datetime


@dataclass(frozen=True)
class Picture:
    """The newest snapshot's answers. `done`: by stage, how much today, and when anything became of one.

    `positions`: topic → partition → the offset that it reads next. `last_record_at`: by the broker's clock.
    `words`, `recent_words`: of all captions, and of those of the last seven days.
    """

    published_at: datetime
    bytes: int
    last_record_at: datetime | None
    positions: Mapping[str, Mapping[int, int]]
    standing: tuple[Standing, ...]
    done: Mapping[str, tuple[int, datetime | None]]
    lanes: tuple[LaneRow, ...]
    money: MoneyRow
    replays: tuple[ReplayRow, ...]
    channels: tuple[Followed, ...]
    dead_letters: int
    oldest_dead_letter: datetime | None
    dead_by_handler: Mapping[str, int]
    rejects: int
    words: int
    recent_words: int
    first_captions_at: datetime | None
    newest: tuple[Newest, ...]


def replays(database: DuckDBPyConnection) -> tuple[ReplayRow, ...]:
    """The replays that nobody has cancelled, the oldest first."""
    return tuple(ReplayRow(*row) for row in database.execute(_REPLAYS).fetchall())


def version_of(home: Path) -> tuple[str, int] | None:
    """What changes with each snapshot; None where there is none."""
    try:
        path = (home / LINK).resolve(strict=True)
        return path.name, path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def picture(home: Path, now: datetime, events: int) -> Picture:
    """What the newest snapshot says at `now`, with its `events` newest events. Raises SqlError where there is none."""
    try:
        with snapshot(home) as database:
            published = (home / LINK).stat()
            published_at = datetime.fromtimestamp(published.st_mtime, UTC)
            return _picture(database, published_at, published.st_size, now, events)
    except duckdb.Error as error:
        raise SqlError(
            f"the read model cannot be asked ({str(error).splitlines()[0]}): run `earmark rebuild`"
        ) from error


def _picture(
    database: DuckDBPyConnection, published_at: datetime, size: int, now: datetime, events: int
) -> Picture:
    midnight = datetime.combine(now.date(), datetime.min.time(), UTC)
    times = {"now": now, "midnight": midnight, "today": now.date()}

    def rows(query: str, *names: str, **more: object) -> list[Any]:
        return database.execute(query, {name: times[name] for name in names} | more).fetchall()

    reached = rows("SELECT topic, log_partition, next_offset, clock FROM _positions")
    letters = database.execute(
        "SELECT handler, count(*), min(happened_at) FROM open_dead_letters GROUP BY handler"
    ).fetchall()
    [(rejects,)] = database.execute("SELECT count(*) FROM _rejects").fetchall()
    [money] = rows(_MONEY, "today", rate_since=now - RATE)
    [growth] = rows(_GROWTH, recent=now - RECENT)
    return Picture(
        published_at=published_at,
        bytes=size,
        last_record_at=max((clock for *_, clock in reached), default=None),
        positions=by_topic((topic, partition, offset) for topic, partition, offset, _ in reached),
        standing=tuple(Standing(*row) for row in rows(_VIDEOS, "now")),
        done={str(stage): (today, last) for stage, today, last in rows(_DONE, "midnight")},
        lanes=tuple(LaneRow(*row) for row in rows(_LANES, "today", "midnight")),
        money=MoneyRow(*money),
        replays=replays(database),
        channels=tuple(
            Followed(*row)
            for row in rows(
                "SELECT channel_id, coalesce(channel_title, handle, channel_id), followed_at FROM channels WHERE following"
            )
        ),
        dead_letters=sum(count for _, count, _ in letters),
        oldest_dead_letter=min((oldest for *_, oldest in letters), default=None),
        dead_by_handler={handler: count for handler, count, _ in letters},
        rejects=rejects,
        words=growth[0],
        recent_words=growth[1],
        first_captions_at=growth[2],
        newest=newest(database, events),
    )

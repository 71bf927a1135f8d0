"""Operations: what needs a person, what waits for what and until when, what failed, how far the log is read, the money."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from projections.overview import STANDING, replays
from projections.web.page import Asked, LaneNow, Outside

ROWS = 20
SOON = 10
"""Videos with a time for their next try that are shown."""
DAYS = 14

# What each video waits for takes most of the time: it is worked out once for all that is asked about it.
_VIDEOS = f"""
WITH
  standing AS MATERIALIZED ({STANDING}),
  stated AS (
    SELECT status, count(*) AS videos, arg_min({{'video_id': video_id, 'video_title': video_title, 'at': since}}, (since, video_id)) AS oldest
    FROM standing GROUP BY status
  ),
  waiting AS (
    SELECT
      waits_for, count(*) AS videos, count(*) FILTER (next_try_at <= $now) AS due,
      min(next_try_at) FILTER (next_try_at > $now) AS next_try_at,
      arg_min({{'video_id': video_id, 'video_title': video_title, 'reason': reason, 'next_step': next_step}}, (coalesce(since, $now), video_id)) AS example
    FROM standing WHERE waits_for IS NOT NULL GROUP BY waits_for
  ),
  tries AS (
    SELECT video_id, video_title, waits_for, reason, next_try_at
    FROM standing WHERE waits_for IS NOT NULL AND next_try_at IS NOT NULL
    ORDER BY next_try_at, video_id LIMIT $soon
  ),
  last_words AS (
    SELECT 'captions' AS stage, video_id, arg_max(failure, (revision, attempt)) AS kind, max(happened_at) AS failed_at
    FROM caption_failures GROUP BY video_id
    UNION ALL
    SELECT 'analysis', video_id, arg_max(failure, (happened_at, log_offset)), max(happened_at)
    FROM analysis_failures WHERE is_final AND lane <> 'replay' GROUP BY video_id
  ),
  failed AS (
    SELECT
      stage, kind, count(*) AS videos,
      arg_max({{'video_id': video_id, 'video_title': video_title, 'reason': reason, 'next_step': next_step, 'at': failed_at}}, (coalesce(failed_at, 'epoch'), video_id)) AS newest
    FROM standing LEFT JOIN last_words USING (stage, video_id)
    WHERE status = 'failed' GROUP BY stage, kind
  )
SELECT
  (SELECT list(s ORDER BY status) FROM stated s) AS states,
  (SELECT list(w ORDER BY videos DESC, waits_for) FROM waiting w) AS waits,
  (SELECT list(t ORDER BY next_try_at, video_id) FROM tries t) AS tries,
  (SELECT list(f ORDER BY videos DESC, stage, kind) FROM (FROM failed ORDER BY videos DESC, stage, kind LIMIT $rows) f) AS failed,
  (SELECT count(*) FROM standing WHERE next_try_at <= $now AND waits_for IS NOT NULL) AS due
"""  # noqa: S608  our own words, values by name
_LETTERS = """
SELECT log_offset AS number, topic, from_partition, from_offset, handler, error, attempt, happened_at, count(*) OVER () AS open
FROM open_dead_letters ORDER BY log_offset DESC LIMIT $rows
"""
_REJECTS = """
SELECT
  topic, reason, count(*) AS records, arg_max(log_partition, (log_partition, log_offset)) AS partition,
  arg_max(log_offset, (log_partition, log_offset)) AS offset
FROM _rejects GROUP BY topic, reason ORDER BY records DESC, topic, reason LIMIT $rows
"""
# As in `budget_days`, the newest first, but that older claims are not even looked at. A day without a claim has no row.
_DAYS = """
SELECT
  day, arg_max(cap_usd, log_offset) AS cap_usd, sum(billed_usd + unknown_usd + open_usd)::DECIMAL(18, 9) AS charged_usd,
  sum(billed_usd)::DECIMAL(18, 9) AS billed_usd, sum(unknown_usd)::DECIMAL(18, 9) AS unknown_usd,
  sum(open_usd)::DECIMAL(18, 9) AS open_usd,
  greatest(arg_max(cap_usd, log_offset) - sum(billed_usd + unknown_usd + open_usd), 0)::DECIMAL(18, 9) AS left_usd
FROM _charges WHERE claimed_at >= $first::DATE::TIMESTAMP AT TIME ZONE 'UTC' GROUP BY day ORDER BY day DESC
"""
_SIZE = "SELECT (block_size * total_blocks)::BIGINT AS bytes FROM pragma_database_size() WHERE database_name = current_database()"


def show(asked: Asked) -> Mapping[str, Any]:
    """What stands where and why, with what to type; what is not in the read model comes from `asked.outside`."""
    return {
        "outside": asked.outside,
        **_videos(asked),
        **_standing(asked),
        "snapshot_of": _snapshot(asked),
        "bars": _bars(asked.outside),
    }


def _videos(asked: Asked) -> dict[str, Any]:
    """How the videos stand at this minute: what falls due does so without a new snapshot."""
    minute = asked.now.replace(second=0, microsecond=0)
    kept = asked.once("operations' videos", dict[datetime, dict[str, Any]])
    videos = kept.get(minute)
    if videos is None:
        [found] = asked.rows(_VIDEOS, now=minute, soon=SOON, rows=ROWS)
        videos = {name: found[name] or [] for name in ("waits", "tries", "failed")}
        videos |= {"states": _states(asked, found["states"] or []), "due": found["due"]}
        kept.clear()
        kept[minute] = videos
    return videos


def prepare(asked: Asked) -> None:
    """What changes with the snapshot, and how the videos stand at this minute."""
    _videos(asked)
    _standing(asked)


def _standing(asked: Asked) -> dict[str, Any]:
    """What changes with the snapshot and the day alone."""
    return asked.once("operations", lambda: _found_to_stand(asked))


def _found_to_stand(asked: Asked) -> dict[str, Any]:
    letters = asked.rows(_LETTERS, rows=ROWS)
    first = (asked.now - timedelta(days=DAYS - 1)).date()
    return {
        "letters": letters,
        "open_letters": letters[0]["open"] if letters else 0,
        "topics": asked.rows("FROM freshness ORDER BY topic"),
        "rejects": asked.rows(_REJECTS, rows=ROWS),
        "days": asked.rows(_DAYS, first=first),
        "replays": sorted(replays(asked.database), key=lambda replay: replay.started_at, reverse=True)[:ROWS],
    }


def _states(asked: Asked, states: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every state, in the order of the walk, with the video that is in it for the longest time."""
    [analysed] = asked.rows("SELECT count(*) AS videos FROM videos WHERE analysis_id IS NOT NULL")
    oldest = asked.rows(
        "SELECT video_id, video_title, analysed_at AS at FROM videos WHERE analysis_id IS NOT NULL"
        " ORDER BY analysed_at, video_id LIMIT 1"
    )
    known = {state["status"]: state for state in states}
    known["analysed"] = {**analysed, "oldest": oldest[0] if oldest else None}
    none = {"videos": 0, "oldest": None}
    return [
        {"status": status, **{key: known.get(status, none)[key] for key in none}}
        for status in ("discovered", "captioned", "analysed", "failed")
    ]


def _snapshot(asked: Asked) -> dict[str, Any]:
    """The snapshot's age in seconds, where it is known when it was published, its bytes and its last record."""
    [size] = asked.rows(_SIZE)
    [last] = asked.rows("SELECT max(last_record_at) AS at FROM positions")
    published_at = None if asked.outside is None else asked.outside.snapshot_at
    age_s = None if published_at is None else max(0, round((asked.now - published_at).total_seconds()))
    return {"age_s": age_s, "published_at": published_at, "last_record_at": last["at"], **size}


def _bars(outside: Outside | None) -> list[dict[str, Any]]:
    """What is charged today, in all and by lane, against what may be: `part` is of one, and 1 where nothing is left."""
    if outside is None or outside.money is None:
        return []
    money = outside.money
    return [
        _bar("all lanes", money.charged_usd, money.cap_usd, None),
        *(_bar(lane.lane, lane.charged_usd, lane.cap_usd, lane) for lane in outside.lanes),
    ]


def _bar(name: str, charged_usd: Decimal, cap_usd: Decimal, lane: LaneNow | None) -> dict[str, Any]:
    return {
        "name": name,
        "charged_usd": charged_usd,
        "cap_usd": cap_usd,
        "left_usd": max(cap_usd - charged_usd, Decimal(0)),
        "part": float(min(charged_usd / cap_usd, Decimal(1))) if cap_usd > 0 else 1.0,
        "lane": lane,
    }

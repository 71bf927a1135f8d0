"""A channel: what it says, how well it is heard, what it costs, and which of its videos wait or failed."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from projections.web import charts, forms, shown
from projections.web.page import Asked, NothingThereError
from projections.web.quoted import COUNTED

SYMBOLS = 15
VIDEOS = 20
MOST = 100
"""Of prompts with their models; of reasons a fifth."""

_HEAD = """
SELECT
  coalesce(v.title, c.channel_title) AS title, c.channel_id IS NOT NULL AS is_known, handle, since, following, followed_at,
  unfollowed_at, videos, analysed, calls, found_at
FROM (
  SELECT
    arg_max(channel_title, discovered_at) AS title, count(*) AS videos, count(analysis_id) AS analysed,
    coalesce(sum(mentions), 0)::BIGINT AS calls, max(discovered_at) AS found_at
  FROM videos WHERE channel_id = $channel
) v
LEFT JOIN (FROM channels WHERE channel_id = $channel) c ON true
"""
_SCANS = """
SELECT tab, since, happened_at, complete FROM _channel_scans WHERE channel_id = $channel
QUALIFY row_number() OVER (PARTITION BY tab ORDER BY log_partition, log_offset DESC) = 1 ORDER BY tab
"""
# A week in which nothing was called has videos all the same.
_WEEKS = f"""
WITH
  said AS (SELECT _week(said_at) AS week, {COUNTED} FROM mentions WHERE channel_id = $channel GROUP BY week),
  heard AS (
    SELECT _week(coalesce(published_at, analysed_at)) AS week, count(*) AS videos
    FROM videos WHERE channel_id = $channel AND analysis_id IS NOT NULL GROUP BY week
  )
SELECT
  week, coalesce(videos, 0) AS videos, coalesce(calls, 0) AS calls, coalesce(buy, 0) AS buy, coalesce(hold, 0) AS hold,
  coalesce(watch, 0) AS watch, coalesce(sell, 0) AS sell, coalesce(avoid, 0) AS avoid,
  (buy - sell - avoid) / calls AS lean
FROM said FULL JOIN heard USING (week)
ORDER BY week DESC LIMIT $most
"""  # noqa: S608  our own words, values by name
_SYMBOLS = f"""
SELECT symbol, {COUNTED}, max(said_at) AS said_at FROM mentions
WHERE channel_id = $channel GROUP BY symbol ORDER BY calls DESC, symbol LIMIT $most
"""  # noqa: S608  our own words, values by name
_GROUNDED = """
SELECT rejected, count(*) AS calls FROM all_mentions
WHERE channel_id = $channel AND is_current GROUP BY rejected ORDER BY calls DESC, rejected
"""
_COSTS = """
SELECT
  prompt, model, sum(attempts)::BIGINT AS attempts, sum(charged_usd)::DECIMAL(18, 9) AS usd,
  coalesce(sum(charged_usd) FILTER (day >= $first_day), 0)::DECIMAL(18, 9) AS month_usd
FROM channel_costs WHERE channel_id = $channel
GROUP BY prompt, model ORDER BY usd DESC, prompt, model LIMIT $most
"""
_NEWEST = """
SELECT
  video_id, video_title, published_precision, coalesce(published_at, discovered_at, captioned_at) AS said_at, direction,
  analysis_id IS NOT NULL AS is_analysed, mentions
FROM videos WHERE channel_id = $channel
ORDER BY said_at DESC NULLS LAST, video_id LIMIT $most
"""
# The cursor has it for itself, and it is gone after the page.
_UNFINISHED = """
CREATE OR REPLACE TEMP TABLE unfinished AS
SELECT video_id, status, waits_for, reason, next_try_at
FROM video_status WHERE video_id IN (SELECT video_id FROM videos WHERE channel_id = $channel AND analysis_id IS NULL)
"""
_REASONS = """
SELECT status, waits_for, reason, count(*) AS videos, min(next_try_at) AS next_try_at, min(video_id) AS video_id
FROM unfinished GROUP BY status, waits_for, reason
ORDER BY status = 'failed', videos DESC, waits_for, reason LIMIT $most
"""
_OF_VIDEOS = "FROM unfinished WHERE video_id IN (SELECT unnest($videos::VARCHAR[]))"


def show(asked: Asked) -> Mapping[str, Any]:
    """A channel. Raises NothingThereError: it was never followed, and no video of it was seen."""
    wanted = {"channel": asked.path["channel_id"]}
    [head] = asked.rows(_HEAD, **wanted)
    if not head["is_known"] and not head["videos"]:
        raise NothingThereError(f"no channel {wanted['channel']} was followed or heard")
    weeks = asked.rows(_WEEKS, **wanted, most=charts.ALL_WEEKS)
    mentions = asked.rows(_GROUNDED, **wanted)
    rejections = [row for row in mentions if row["rejected"]]
    costs = asked.rows(_COSTS, **wanted, first_day=forms.since("30d", asked.now), most=MOST)
    newest = asked.rows(_NEWEST, **wanted, most=VIDEOS)
    reasons, waiting = _unfinished(asked, wanted, newest) if head["analysed"] < head["videos"] else ([], {})
    return {
        "channel_id": wanted["channel"],
        "head": head,
        "scans": asked.rows(_SCANS, **wanted),
        "weeks": weeks,
        "chart": _chart(asked, weeks),
        "symbols": asked.rows(_SYMBOLS, **wanted, most=SYMBOLS),
        "answered": sum(row["calls"] for row in mentions),
        "rejected": sum(row["calls"] for row in rejections),
        "rejections": rejections,
        "costs": costs,
        "usd": sum((row["usd"] for row in costs), Decimal(0)),
        "month_usd": sum((row["month_usd"] for row in costs), Decimal(0)),
        "reasons": reasons,
        "videos": [{**row, "waiting": waiting.get(row["video_id"])} for row in newest],
    }


def _unfinished(
    asked: Asked, wanted: Mapping[str, object], newest: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Why videos of the channel wait or failed, and how the newest of them stand."""
    asked.rows(_UNFINISHED, **wanted)
    videos = [row["video_id"] for row in newest if not row["is_analysed"]]
    return asked.rows(_REASONS, most=MOST // 5), {
        row["video_id"]: row for row in asked.rows(_OF_VIDEOS, videos=videos)
    }


def _chart(asked: Asked, weeks: list[dict[str, Any]]) -> charts.Chart:
    found = [
        charts.Column(row["week"], max(row["lean"], 0), max(-row["lean"], 0))
        for row in weeks
        if row["lean"] is not None
    ]
    return charts.draw(charts.weekly(found, None, asked.now.date()), shown.share, most=1)

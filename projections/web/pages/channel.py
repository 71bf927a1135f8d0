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
# The channel's mentions are read once; those that stand are `mentions`. A week in which nothing was called has videos all
# the same.
_SAID = f"""
WITH
  answered AS MATERIALIZED (
    SELECT symbol, action, coalesce(published_at, analysed_at) AS said_at, published_precision, rejected, paid
    FROM all_mentions WHERE channel_id = $channel AND is_current
  ),
  said AS (FROM answered WHERE rejected IS NULL AND paid IS NOT true),
  calls AS (SELECT _week(said_at) AS week, {COUNTED} FROM said GROUP BY week),
  heard AS (
    SELECT _week(coalesce(published_at, analysed_at)) AS week, count(*) AS videos
    FROM videos WHERE channel_id = $channel AND analysis_id IS NOT NULL GROUP BY week
  ),
  weeks AS (
    SELECT
      week, coalesce(videos, 0) AS videos, coalesce(calls, 0) AS calls, coalesce(buy, 0) AS buy,
      coalesce(hold, 0) AS hold, coalesce(watch, 0) AS watch, coalesce(sell, 0) AS sell, coalesce(avoid, 0) AS avoid,
      (buy - sell - avoid) / calls AS lean
    FROM calls FULL JOIN heard USING (week) ORDER BY week DESC LIMIT $weeks
  ),
  symbols AS (
    SELECT symbol, {COUNTED}, max(said_at) AS said_at, arg_max(published_precision, said_at) AS published_precision
    FROM said GROUP BY symbol ORDER BY calls DESC, symbol LIMIT $symbols
  ),
  rejections AS (SELECT rejected, count(*) AS calls FROM answered WHERE rejected IS NOT NULL GROUP BY rejected)
SELECT
  (SELECT count(*) FROM answered) AS answered,
  (SELECT list(weeks ORDER BY week DESC) FROM weeks) AS weeks,
  (SELECT list(symbols ORDER BY calls DESC, symbol) FROM symbols) AS symbols,
  (SELECT list(rejections ORDER BY calls DESC, rejected) FROM rejections) AS rejections
"""  # noqa: S608  our own words, values by name
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
    [said] = asked.rows(_SAID, **wanted, weeks=charts.ALL_WEEKS, symbols=SYMBOLS)
    weeks, rejections = said["weeks"] or [], said["rejections"] or []
    costs = asked.rows(_COSTS, **wanted, first_day=forms.since("30d", asked.now), most=MOST)
    newest = asked.rows(_NEWEST, **wanted, most=VIDEOS)
    reasons, waiting = _unfinished(asked, wanted, newest) if head["analysed"] < head["videos"] else ([], {})
    return {
        "channel_id": wanted["channel"],
        "head": head,
        "look": None if asked.outside is None else asked.outside.looks.get(wanted["channel"]),
        "paused": () if asked.outside is None else asked.outside.youtube,
        "scans": asked.rows(_SCANS, **wanted),
        "weeks": weeks,
        "chart": _chart(asked, weeks),
        "symbols": said["symbols"] or [],
        "answered": said["answered"],
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

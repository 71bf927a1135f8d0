"""What several pages ask of calls: how many of each action, and the words of the few that are shown."""

from collections.abc import Iterable
from typing import Any

from projections.web.page import Asked

COUNTED = """
count(*) AS calls, count(*) FILTER (action = 'buy') AS buy, count(*) FILTER (action = 'hold') AS hold,
count(*) FILTER (action = 'watch') AS watch, count(*) FILTER (action = 'sell') AS sell,
count(*) FILTER (action = 'avoid') AS avoid
"""
_WORDS = """
SELECT
  rowid AS place, symbol, action, conviction, time_horizon, quote, start_ms, condition, speaker, video_id, video_title,
  video_url, channel_id, channel_title, published_precision, coalesce(published_at, analysed_at) AS said_at
FROM all_mentions WHERE rowid IN (SELECT unnest($places::BIGINT[]))
"""


def words_at(asked: Asked, places: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The calls at these row ids of `all_mentions`, by row id; to read the words of all a page counts would take far longer."""
    return {row["place"]: row for row in asked.rows(_WORDS, places=list(places))}

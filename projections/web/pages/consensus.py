"""Consensus: what most channels say of a symbol in a week or a month, and where they contradict each other."""

from collections.abc import Mapping
from typing import Any

from projections.web import forms
from projections.web.page import Asked
from projections.web.quoted import words_at

ROWS = 50
WINDOWS = ("7d", "30d")
CONTRADICTIONS = 20
MOST_CHANNELS = 1000

# The `mentions` of the longer window are read once and put in order; `place` finds the words of the few that are shown.
_SAID = """
WITH
  recent AS MATERIALIZED (
    SELECT
      rowid AS place, symbol, channel_id, action, coalesce(published_at, analysed_at) AS said_at,
      row_number() OVER (ORDER BY said_at, video_id, start_ms, mention_id) AS turn
    FROM all_mentions
    WHERE coalesce(published_at, analysed_at) >= $longer AND is_current AND rejected IS NULL AND paid IS NOT true
  ),
  counted AS (
    SELECT
      symbol,
      count(DISTINCT channel_id) FILTER (said_at >= $since) AS channels,
      count(*) FILTER (said_at >= $since) AS calls,
      count(*) FILTER (said_at >= $since AND action = 'buy') AS buy,
      count(*) FILTER (said_at >= $since AND action IN ('sell', 'avoid')) AS leave,
      calls - buy - leave AS stay,
      count(*) FILTER (said_at >= $other) AS other_calls,
      count(*) FILTER (said_at >= $other AND action = 'buy') AS other_buy
    FROM recent GROUP BY symbol HAVING calls > 0 AND channels >= $least
  ),
  symbols AS (
    SELECT
      *, buy / calls AS buy_share, greatest(buy, leave, stay) / calls AS agreement,
      CASE
        WHEN buy > greatest(leave, stay) THEN 'buy'
        WHEN leave > greatest(buy, stay) THEN 'leave'
        WHEN stay > greatest(buy, leave) THEN 'stay'
        ELSE 'mixed'
      END AS side,
      other_buy / nullif(other_calls, 0) AS other_buy_share
    FROM counted ORDER BY channels DESC, calls DESC, symbol LIMIT $most OFFSET $behind
  ),
  latest AS (
    SELECT symbol, _side(arg_max(action, turn)) AS side, arg_max(place, turn) AS place, max(turn) AS turn
    FROM recent WHERE said_at >= $since AND channel_id IS NOT NULL GROUP BY symbol, channel_id
  ),
  -- As in `disagreements`; of each side the newest of those last calls is quoted.
  contradictions AS (
    SELECT
      symbol, count(*) FILTER (side = 1) AS for_it, count(*) FILTER (side = -1) AS against_it,
      arg_max(place, turn) FILTER (side = 1) AS buying, arg_max(place, turn) FILTER (side = -1) AS leaving
    FROM latest GROUP BY symbol HAVING for_it > 0 AND against_it > 0 AND count(*) >= $least
    ORDER BY least(for_it, against_it) DESC, symbol LIMIT $contradictions
  )
SELECT
  (SELECT count(*) FROM counted) AS found,
  (SELECT list(symbols ORDER BY channels DESC, calls DESC, symbol) FROM symbols) AS symbols,
  (SELECT list(contradictions ORDER BY least(for_it, against_it) DESC, symbol) FROM contradictions) AS contradictions
"""


def show(asked: Asked) -> Mapping[str, Any]:
    """What the channels say of each symbol in a window, beside the other window."""
    window = forms.choice(asked.query, "window", WINDOWS) or "30d"
    other = next(each for each in WINDOWS if each != window)
    since = forms.since(window, asked.now)
    least = forms.whole(asked.query, "channels", 1, MOST_CHANNELS, 1)
    number = forms.whole(asked.query, "number", 1, 200, 1)
    [said] = asked.rows(
        _SAID,
        since=since,
        other=forms.since(other, asked.now),
        longer=forms.since(WINDOWS[-1], asked.now),
        least=least,
        most=ROWS,
        behind=ROWS * (number - 1),
        contradictions=CONTRADICTIONS,
    )
    contradictions = said["contradictions"] or []
    words = words_at(asked, {row[side] for row in contradictions for side in ("buying", "leaving")})
    return {
        "window": window,
        "other": other,
        "windows": {each: forms.WINDOWS[each] for each in WINDOWS},
        "least": least,
        "found": said["found"],
        "symbols": said["symbols"] or [],
        "number": number,
        "pages": min(-(-said["found"] // ROWS), 200),
        "contradictions": [
            {**row, "calls": (words[row["buying"]], words[row["leaving"]])} for row in contradictions
        ],
    }

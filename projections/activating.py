"""What activating a prompt would publish, by the read model: as `streams.replay.activate.difference` works it out from the log."""

from collections import Counter
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from streams.events.symbols import SYMBOL

# `next`: what each of the prompt's videos would have as its current analysis. Where that is another one than now, it
# switches, and the differences are published: of mentions that are fit to act on, and of outlooks.
_ACTIVATION = """
WITH
  activated AS (SELECT log_partition, prompt_id, max(activation) AS activation FROM _markers GROUP BY ALL),
  next AS (
    FROM analyses a
    SEMI JOIN (SELECT video_id FROM analyses WHERE prompt_id = $prompt_id) USING (video_id)
    LEFT JOIN activated USING (log_partition, prompt_id)
    SELECT a.video_id, a.log_partition, a.log_offset, a.is_current
    WHERE prompt_id = $prompt_id OR activation IS NOT NULL
    QUALIFY row_number() OVER (
      PARTITION BY a.video_id
      ORDER BY a.partial, prompt_id <> $prompt_id, activation DESC, a.captions_revision DESC, a.log_partition, a.log_offset
    ) = 1
  ),
  switches AS MATERIALIZED (SELECT video_id, log_partition, log_offset FROM next WHERE NOT is_current),
  sides AS MATERIALIZED (
    SELECT 'now' AS side, video_id, log_partition, log_offset FROM switches
    UNION ALL
    SELECT 'was', video_id, a.log_partition, a.log_offset
    FROM analyses a SEMI JOIN switches USING (video_id) WHERE a.is_current
  ),
  said AS MATERIALIZED (
    SELECT side, mention_id AS id, row(
      symbol, said_as, listed, action, conviction, time_horizon, quote, start_ms, end_ms, video_url, match, condition,
      coalesce(levels, []), coalesce(speaker, 'unknown'), position, paid, expires, coalesce(dropped, [])
    ) AS state
    FROM all_mentions JOIN sides USING (log_partition, log_offset)
    WHERE rejected IS NULL AND paid IS NOT true AND regexp_full_match(symbol, $symbol)
  ),
  seen AS MATERIALIZED (
    SELECT side, sides.video_id AS id, row(direction, reasoning, themes, risks, coalesce(summary, '')) AS state
    FROM analyses JOIN sides USING (log_partition, log_offset)
    WHERE direction IS NOT NULL
  ),
  compared AS (
    SELECT
      'Mention' AS subject, was.id IS NULL AS is_added, now.id IS NULL AS is_retracted,
      was.state IS DISTINCT FROM now.state AS differs
    FROM (FROM said WHERE side = 'was') was FULL JOIN (FROM said WHERE side = 'now') now USING (id)
    UNION ALL
    SELECT 'Outlook', was.id IS NULL, now.id IS NULL, was.state IS DISTINCT FROM now.state
    FROM (FROM seen WHERE side = 'was') was FULL JOIN (FROM seen WHERE side = 'now') now USING (id)
  )
SELECT subject || CASE WHEN is_added THEN 'Added' WHEN is_retracted THEN 'Retracted' ELSE 'Changed' END, count(*)
FROM compared WHERE differs GROUP BY ALL
UNION ALL
SELECT 'switched', count(*) FROM switches
UNION ALL
SELECT 'kept', count(*) FROM analyses ANTI JOIN switches USING (video_id) WHERE is_current AND prompt_id <> $prompt_id
"""


@dataclass(frozen=True)
class Activation:
    """What would be published: `signals` by type; `switched` videos, and `kept`: those of another prompt still."""

    signals: Counter[str]
    switched: int
    kept: int


def activation(database: DuckDBPyConnection, prompt_id: str) -> Activation:
    """What an activation of the prompt would publish, were the log to end where the read model does."""
    rows = database.execute(_ACTIVATION, {"prompt_id": prompt_id, "symbol": SYMBOL.pattern}).fetchall()
    counts = Counter(dict(rows))
    switched, kept = counts.pop("switched"), counts.pop("kept")
    return Activation(counts, switched, kept)

"""What happened last, by the read model."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from duckdb import DuckDBPyConnection

_NEWEST = """
FROM (
  (SELECT happened_at AS moment, 'found' AS kind, video_id, title, channel_title AS channel, origin AS detail, NULL AS usd
    FROM _discovered ORDER BY happened_at DESC LIMIT $count)
  UNION ALL BY NAME
  (SELECT happened_at AS moment, 'captions' AS kind, video_id, title, channel_title AS channel, words::VARCHAR AS detail
    FROM captions ORDER BY happened_at DESC LIMIT $count)
  UNION ALL BY NAME
  (SELECT happened_at AS moment, if(next_try_at IS NULL, 'no-captions', 'captions-later') AS kind, video_id, title,
      channel_title AS channel, reason AS detail
    FROM caption_failures ORDER BY happened_at DESC LIMIT $count)
  UNION ALL BY NAME
  (SELECT happened_at AS moment, 'analysed' AS kind, video_id, title, channel_title AS channel, prompt AS detail, usd
    FROM analyses ORDER BY happened_at DESC LIMIT $count)
  UNION ALL BY NAME
  (SELECT f.happened_at AS moment, if(type = 'AnalysisFailed', 'failed', 'attempt-failed') AS kind, f.video_id, c.title,
      c.channel_title AS channel, f.reason AS detail
    FROM _failures f LEFT JOIN captions c USING (captions_id) ORDER BY f.happened_at DESC LIMIT $count)
  UNION ALL BY NAME
  (SELECT happened_at AS moment,
      CASE WHEN type LIKE '%Retracted' THEN 'retracted' WHEN type LIKE '%Changed' THEN 'changed' ELSE 'call' END AS kind,
      video_id, video_title AS title, channel_title AS channel, concat_ws(' ', action, symbol, direction) AS detail
    FROM signals WHERE symbol IS NOT NULL ORDER BY happened_at DESC, log_offset DESC LIMIT $count)
  UNION ALL BY NAME
  (SELECT happened_at AS moment, 'dead-letter' AS kind, key AS video_id, topic AS channel,
      format('{}: {}: {}', log_offset, handler, error) AS detail
    FROM dead_letters ORDER BY happened_at DESC LIMIT $count)
  UNION ALL BY NAME
  (SELECT happened_at AS moment, if(type = 'ChannelFollowed', 'followed', 'unfollowed') AS kind, NULL AS video_id,
      NULL AS title, coalesce(title, handle, channel_id) AS channel
    FROM _channel_events ORDER BY happened_at DESC LIMIT $count)
)
ORDER BY moment DESC, kind, video_id, detail
LIMIT $count
"""


@dataclass(frozen=True)
class Newest:
    """Something that happened: `detail` is a reason, a number of words, a call or a prompt, as `kind` has it."""

    at: datetime
    kind: str
    video_id: str | None
    title: str | None
    channel: str | None
    detail: str | None
    usd: Decimal | None


def newest(database: DuckDBPyConnection, count: int) -> tuple[Newest, ...]:
    """The `count` newest, the last one first."""
    return tuple(Newest(*row) for row in database.execute(_NEWEST, {"count": count}).fetchall())

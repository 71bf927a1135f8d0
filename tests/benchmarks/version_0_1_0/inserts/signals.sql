SELECT type, happened_at, topic, log_partition, log_offset,
  unnest(json_transform(body, '{
    "revision": "INTEGER", "cause": "VARCHAR", "activation": "BIGINT", "changed": ["VARCHAR"],
    "reason": "VARCHAR"
  }')),
  coalesce(body ->> '$.mention_id', body ->> '$.outlook_id')::UUID AS subject_id,
  body ->> '$.video.title' AS video_title,
  unnest(json_transform(body -> 'video', '{
    "video_id": "VARCHAR", "channel_id": "VARCHAR", "channel_title": "VARCHAR",
    "published_at": "TIMESTAMPTZ", "published_precision": "VARCHAR"
  }')),
  unnest(json_transform(body -> 'analysis', '{
    "analysis_id": "UUID", "prompt_id": "VARCHAR", "prompt": "VARCHAR", "model": "VARCHAR"
  }')),
  unnest(json_transform(body -> 'mention', '{
    "symbol": "VARCHAR", "said_as": "VARCHAR", "listed": "BOOLEAN", "action": "VARCHAR",
    "conviction": "DOUBLE", "time_horizon": "VARCHAR", "quote": "VARCHAR", "start_ms": "BIGINT",
    "end_ms": "BIGINT", "url": "VARCHAR"
  }')),
  unnest(json_transform(body -> 'outlook', '{
    "direction": "VARCHAR", "reasoning": "VARCHAR", "themes": ["VARCHAR"], "risks": ["VARCHAR"],
    "summary": "VARCHAR"
  }'))
FROM incoming WHERE topic IN ('signals.mentions', 'signals.outlooks')

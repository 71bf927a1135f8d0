SELECT happened_at, log_partition, log_offset,
  unnest(json_transform(body, '{
    "replay_id": "UUID", "prompt_id": "VARCHAR", "seed": "BIGINT", "share": "DOUBLE",
    "max_usd": "DECIMAL(18, 9)", "follow": "BOOLEAN"
  }')),
  unnest(json_transform(body -> 'filter', '{
    "since": "TIMESTAMPTZ", "channel_id": "VARCHAR", "sample": "BIGINT"
  }'))
FROM incoming WHERE type = 'ReplayStarted'

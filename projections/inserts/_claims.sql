SELECT happened_at, clock, log_partition, log_offset,
  unnest(json_transform(body, '{
    "attempt_id": "UUID", "request_id": "UUID", "analysis_id": "UUID", "prompt_id": "VARCHAR",
    "model": "VARCHAR", "max_tokens": "BIGINT", "attempt": "INTEGER", "lane": "VARCHAR",
    "replay_id": "UUID", "usd": "DECIMAL(18, 9)", "cap_usd": "DECIMAL(18, 9)",
    "lane_cap_usd": "DECIMAL(18, 9)", "hold_s": "BIGINT"
  }'))
FROM incoming

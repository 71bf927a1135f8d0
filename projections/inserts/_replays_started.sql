SELECT * EXCLUDE (topic, type, clock, body, segments, length_ms, filter), unnest(filter)
FROM (SELECT *, unnest(json_transform(body, '{
  "replay_id": "UUID", "prompt_id": "VARCHAR", "seed": "BIGINT", "share": "DOUBLE", "max_usd": "DECIMAL(18, 9)",
  "follow": "BOOLEAN", "filter": {"since": "TIMESTAMPTZ", "channel_id": "VARCHAR", "sample": "BIGINT"}
}')) FROM incoming)

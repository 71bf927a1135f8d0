SELECT * EXCLUDE (topic, type, body, segments, length_ms, usage), usage IS NOT NULL AS usage_known, unnest(usage)
FROM (SELECT *, unnest(json_transform(body, '{
  "attempt_id": "UUID", "analysis_id": "UUID", "outcome": "VARCHAR", "usd": "DECIMAL(18, 9)",
  "retry_at": "TIMESTAMPTZ", "granted": "BOOLEAN", "usage": {
    "input_tokens": "BIGINT", "output_tokens": "BIGINT", "cache_creation_input_tokens": "BIGINT",
    "cache_read_input_tokens": "BIGINT"
  }
}')) FROM incoming)

SELECT happened_at, clock, log_partition, log_offset, json_type(body, '$.usage') = 'OBJECT' AS usage_known,
  unnest(json_transform(body, '{
    "attempt_id": "UUID", "analysis_id": "UUID", "outcome": "VARCHAR", "usd": "DECIMAL(18, 9)",
    "retry_at": "TIMESTAMPTZ", "granted": "BOOLEAN"
  }')),
  unnest(json_transform(body -> 'usage', '{
    "input_tokens": "BIGINT", "output_tokens": "BIGINT", "cache_creation_input_tokens": "BIGINT",
    "cache_read_input_tokens": "BIGINT"
  }'))
FROM incoming WHERE type = 'BudgetSettled'

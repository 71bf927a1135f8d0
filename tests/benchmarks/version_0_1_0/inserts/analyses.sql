SELECT happened_at, log_partition, log_offset, unnest(_video(body)),
  unnest(json_transform(body, '{
    "analysis_id": "UUID", "attempt_id": "UUID", "captions_id": "UUID", "captions_revision": "INTEGER",
    "lane": "VARCHAR", "replay_id": "UUID", "prompt_id": "VARCHAR", "prompt": "VARCHAR",
    "model": "VARCHAR", "lines_version": "INTEGER", "grounding_version": "INTEGER",
    "usd": "DECIMAL(18, 9)", "themes": ["VARCHAR"], "risks": ["VARCHAR"], "summary": "VARCHAR",
    "partial": "BOOLEAN"
  }')),
  unnest(json_transform(body -> 'usage', '{
    "input_tokens": "BIGINT", "output_tokens": "BIGINT", "cache_creation_input_tokens": "BIGINT",
    "cache_read_input_tokens": "BIGINT"
  }')),
  unnest(json_transform(body -> 'outlook', '{"direction": "VARCHAR", "reasoning": "VARCHAR"}')),
  body ->> '$.response.id' AS response_id, body ->> '$.response.model' AS served_model,
  unnest(json_transform(body -> 'response', '{"inference_geo": "VARCHAR", "service_tier": "VARCHAR"}')),
  try_cast(body ->> '$.response.usage' AS JSON) AS response_usage
FROM incoming WHERE type = 'AnalysisCompleted'

SELECT happened_at, log_partition, log_offset,
  (body ->> '$.partition')::INTEGER AS from_partition,
  (body ->> '$.offset')::BIGINT AS from_offset,
  try(decode(from_base64(body ->> '$.original_key'))) AS key,
  unnest(json_transform(body, '{
    "topic": "VARCHAR", "handler": "VARCHAR", "error": "VARCHAR", "attempt": "INTEGER"
  }'))
FROM incoming WHERE type = 'DeadLettered'

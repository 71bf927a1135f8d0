SELECT happened_at, log_partition, log_offset,
  unnest(json_transform(body, '{"letter": "BIGINT"}')),
  (body ->> '$.partition')::INTEGER AS to_partition,
  (body ->> '$.offset')::BIGINT AS to_offset
FROM incoming WHERE type = 'DeadLetterRetried'

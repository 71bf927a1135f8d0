SELECT happened_at, log_partition, log_offset,
  unnest(json_transform(body, '{"prompt_id": "VARCHAR", "previous": "BIGINT", "activation": "BIGINT"}'))
FROM incoming WHERE topic = 'analyses'

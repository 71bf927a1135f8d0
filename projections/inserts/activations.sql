-- In `prompts` an activation's number is its own offset.
SELECT happened_at, log_partition, log_offset, log_offset AS activation,
  unnest(json_transform(body, '{"prompt_id": "VARCHAR", "previous": "BIGINT"}'))
FROM incoming WHERE topic = 'prompts'

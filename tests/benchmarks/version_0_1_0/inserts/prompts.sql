SELECT happened_at, log_partition, log_offset, json_extract_string(body, '$.prompt_id') AS prompt_id,
  unnest(json_transform(body -> 'prompt', '{
    "name": "VARCHAR", "model": "VARCHAR", "max_tokens": "BIGINT", "effort": "VARCHAR", "words": "VARCHAR",
    "schema_version": "INTEGER"
  }'))
FROM incoming WHERE type = 'PromptRegistered'

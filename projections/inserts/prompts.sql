SELECT happened_at, log_partition, log_offset, prompt_id, unnest(prompt)
FROM (SELECT *, unnest(json_transform(body, '{
  "prompt_id": "VARCHAR", "prompt": {
    "name": "VARCHAR", "model": "VARCHAR", "max_tokens": "BIGINT", "effort": "VARCHAR", "words": "VARCHAR",
    "schema_version": "INTEGER"
  }
}')) FROM incoming)

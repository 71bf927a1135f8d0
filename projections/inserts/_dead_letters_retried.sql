SELECT happened_at, log_partition, log_offset, letter, "partition" AS to_partition, "offset" AS to_offset
FROM (SELECT *, unnest(json_transform(body, '{
  "letter": "BIGINT", "partition": "INTEGER", "offset": "BIGINT"
}')) FROM incoming)

SELECT happened_at, log_partition, log_offset, event.topic, event.partition AS from_partition,
  event.offset AS from_offset, try(decode(from_base64(event.original_key))) AS key, event.handler, event.error,
  event.attempt
FROM (SELECT *, json_transform(body, '{
  "topic": "VARCHAR", "partition": "INTEGER", "offset": "BIGINT", "original_key": "VARCHAR", "handler": "VARCHAR",
  "error": "VARCHAR", "attempt": "INTEGER"
}') AS event FROM incoming)

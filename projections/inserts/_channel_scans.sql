SELECT happened_at, log_partition, log_offset,
  unnest(json_transform(body, '{
    "channel_id": "VARCHAR", "tab": "VARCHAR", "since": "TIMESTAMPTZ", "complete": "BOOLEAN"
  }'))
FROM incoming

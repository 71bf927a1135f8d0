SELECT type, happened_at, log_partition, log_offset,
  unnest(json_transform(body, '{
    "channel_id": "VARCHAR", "handle": "VARCHAR", "title": "VARCHAR", "since": "TIMESTAMPTZ"
  }'))
FROM incoming

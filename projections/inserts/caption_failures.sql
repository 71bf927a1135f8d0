SELECT happened_at, log_partition, log_offset, unnest(_video(body)),
  unnest(json_transform(body, '{
    "revision": "INTEGER", "attempt": "INTEGER", "reason": "VARCHAR", "failure": "VARCHAR",
    "next_try_at": "TIMESTAMPTZ"
  }'))
FROM incoming WHERE type = 'CaptionsUnavailable'

SELECT happened_at, log_partition, log_offset, unnest(_video(body)),
  unnest(json_transform(body, '{
    "revision": "INTEGER", "attempt": "INTEGER", "tries": "INTEGER", "reason": "VARCHAR",
    "failure": "VARCHAR", "starts_at": "TIMESTAMPTZ", "next_try_at": "TIMESTAMPTZ"
  }'))
FROM incoming WHERE type = 'CaptionsUnavailable'

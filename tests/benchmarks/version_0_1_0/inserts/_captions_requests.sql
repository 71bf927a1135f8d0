SELECT happened_at, log_partition, log_offset, json_extract_string(body, '$.video.video_id') AS video_id,
  unnest(json_transform(body, '{"revision": "INTEGER", "attempt": "INTEGER", "cause": "VARCHAR"}'))
FROM incoming WHERE type = 'CaptionsRequested'

SELECT happened_at, log_partition, log_offset, unnest(_video(body)), json_array_length(body, '$.texts') AS segments,
  (body ->> '$.ends_ms[#-1]')::BIGINT AS length_ms,
  unnest(json_transform(body, '{
    "captions_id": "UUID", "revision": "INTEGER", "attempt": "INTEGER", "source": "VARCHAR",
    "language": "VARCHAR", "original": "VARCHAR", "words": "BIGINT"
  }'))
FROM incoming WHERE type = 'CaptionsExtracted'

SELECT happened_at, log_partition, log_offset, unnest(_video(body))
FROM incoming WHERE type = 'VideoDiscovered'

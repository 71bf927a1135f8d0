SELECT happened_at, log_partition, log_offset, video.video_id, revision, attempt, cause
FROM (SELECT *, unnest(json_transform(body, '{
  "video": {"video_id": "VARCHAR"}, "revision": "INTEGER", "attempt": "INTEGER", "cause": "VARCHAR"
}')) FROM incoming)

SELECT * EXCLUDE (topic, clock, body, segments, length_ms, video), video.video_id
FROM (SELECT *, unnest(json_transform(body, '{
  "video": {"video_id": "VARCHAR"}, "analysis_id": "UUID", "attempt_id": "UUID", "captions_id": "UUID",
  "lane": "VARCHAR", "prompt_id": "VARCHAR", "model": "VARCHAR", "outcome": "VARCHAR", "reason": "VARCHAR"
}')) FROM incoming)

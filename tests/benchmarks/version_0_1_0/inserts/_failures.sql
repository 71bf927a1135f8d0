SELECT type, happened_at, log_partition, log_offset, json_extract_string(body, '$.video.video_id') AS video_id,
  unnest(json_transform(body, '{
    "analysis_id": "UUID", "attempt_id": "UUID", "captions_id": "UUID", "lane": "VARCHAR",
    "prompt_id": "VARCHAR", "model": "VARCHAR", "outcome": "VARCHAR", "reason": "VARCHAR"
  }'))
FROM incoming WHERE type IN ('AttemptFailed', 'AnalysisFailed')

SELECT happened_at, log_partition, log_offset,
  unnest(json_transform(body, '{
    "request_id": "UUID", "video_id": "VARCHAR", "captions_id": "UUID", "lane": "VARCHAR",
    "prompt_id": "VARCHAR", "replay_id": "UUID", "again": "INTEGER"
  }'))
FROM incoming WHERE type = 'AnalysisRequested'

SELECT * EXCLUDE (topic, type, clock, body, segments, length_ms, video, usage, outlook, response),
  _number(video.video_id) AS _video_number, unnest(video), unnest(usage), unnest(outlook),
  response.id AS response_id, response.model AS served_model, response.inference_geo, response.service_tier,
  try_cast(response.usage AS JSON) AS response_usage
FROM (SELECT *, unnest(json_transform(body, '{
  "analysis_id": "UUID", "attempt_id": "UUID", "captions_id": "UUID", "captions_revision": "INTEGER",
  "lane": "VARCHAR", "replay_id": "UUID", "prompt_id": "VARCHAR", "prompt": "VARCHAR",
  "model": "VARCHAR", "lines_version": "INTEGER", "grounding_version": "INTEGER",
  "usd": "DECIMAL(18, 9)", "themes": ["VARCHAR"], "risks": ["VARCHAR"], "summary": "VARCHAR",
  "partial": "BOOLEAN",
  "video": {
    "video_id": "VARCHAR", "url": "VARCHAR", "channel_id": "VARCHAR", "channel_title": "VARCHAR",
    "title": "VARCHAR", "published_at": "TIMESTAMPTZ", "published_precision": "VARCHAR", "origin": "VARCHAR"
  },
  "usage": {
    "input_tokens": "BIGINT", "output_tokens": "BIGINT", "cache_creation_input_tokens": "BIGINT",
    "cache_read_input_tokens": "BIGINT"
  },
  "outlook": {"direction": "VARCHAR", "reasoning": "VARCHAR"},
  "response": {
    "id": "VARCHAR", "model": "VARCHAR", "inference_geo": "VARCHAR", "service_tier": "VARCHAR", "usage": "VARCHAR"
  }
}')) FROM incoming)

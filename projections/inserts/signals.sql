SELECT * EXCLUDE (clock, body, segments, length_ms, mention_id, outlook_id, video, analysis, mention, outlook),
  coalesce(mention_id, outlook_id) AS subject_id, video.title AS video_title,
  unnest(struct_pack(
    video_id := video.video_id, channel_id := video.channel_id, channel_title := video.channel_title,
    published_at := video.published_at, published_precision := video.published_precision
  )),
  unnest(analysis), unnest(mention), unnest(outlook)
FROM (SELECT *, unnest(json_transform(body, '{
  "revision": "INTEGER", "cause": "VARCHAR", "activation": "BIGINT", "changed": ["VARCHAR"],
  "reason": "VARCHAR", "mention_id": "UUID", "outlook_id": "UUID",
  "video": {
    "video_id": "VARCHAR", "title": "VARCHAR", "channel_id": "VARCHAR", "channel_title": "VARCHAR",
    "published_at": "TIMESTAMPTZ", "published_precision": "VARCHAR"
  },
  "analysis": {"analysis_id": "UUID", "prompt_id": "VARCHAR", "prompt": "VARCHAR", "model": "VARCHAR"},
  "mention": {
    "symbol": "VARCHAR", "said_as": "VARCHAR", "listed": "BOOLEAN", "action": "VARCHAR",
    "conviction": "DOUBLE", "time_horizon": "VARCHAR", "quote": "VARCHAR", "start_ms": "BIGINT",
    "end_ms": "BIGINT", "url": "VARCHAR",
    "match": "VARCHAR", "condition": "VARCHAR",
    "levels": [{
      "kind": "VARCHAR", "value": "DECIMAL(18, 9)", "value_to": "DECIMAL(18, 9)", "unit": "VARCHAR", "words": "VARCHAR"
    }],
    "speaker": "VARCHAR", "position": "VARCHAR", "paid": "BOOLEAN", "expires": "VARCHAR",
    "dropped": [{"part": "VARCHAR", "reason": "VARCHAR", "words": "VARCHAR"}]
  },
  "outlook": {
    "direction": "VARCHAR", "reasoning": "VARCHAR", "themes": ["VARCHAR"], "risks": ["VARCHAR"],
    "summary": "VARCHAR"
  }
}')) FROM incoming)

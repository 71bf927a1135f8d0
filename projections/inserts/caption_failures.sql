SELECT * EXCLUDE (topic, type, clock, body, segments, length_ms, video), unnest(video), _number(video.video_id) AS _video_number
FROM (SELECT *, unnest(json_transform(body, '{
  "revision": "INTEGER", "attempt": "INTEGER", "tries": "INTEGER", "reason": "VARCHAR",
  "failure": "VARCHAR", "starts_at": "TIMESTAMPTZ", "next_try_at": "TIMESTAMPTZ",
  "video": {
    "video_id": "VARCHAR", "url": "VARCHAR", "channel_id": "VARCHAR", "channel_title": "VARCHAR",
    "title": "VARCHAR", "published_at": "TIMESTAMPTZ", "published_precision": "VARCHAR", "origin": "VARCHAR"
  }
}')) FROM incoming)

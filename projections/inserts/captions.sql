SELECT * EXCLUDE (topic, type, clock, body, video), unnest(video), _number(video.video_id) AS _video_number
FROM (SELECT *, unnest(json_transform(body, '{
  "captions_id": "UUID", "revision": "INTEGER", "attempt": "INTEGER", "source": "VARCHAR",
  "language": "VARCHAR", "original": "VARCHAR", "words": "BIGINT",
  "video": {
    "video_id": "VARCHAR", "url": "VARCHAR", "channel_id": "VARCHAR", "channel_title": "VARCHAR",
    "title": "VARCHAR", "published_at": "TIMESTAMPTZ", "published_precision": "VARCHAR", "origin": "VARCHAR"
  }
}')) FROM incoming)

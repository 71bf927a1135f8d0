-- After `analyses`: the mentions of an answer that was let in there, and of no other.
SELECT * EXCLUDE (mention), unnest(mention)
FROM (
  SELECT a.analysis_id, a.video_id, a.url AS video_url, a.title AS video_title, a.channel_id, a.channel_title,
    a.published_at, a.published_precision, a.prompt_id, a.prompt, a.model, a.happened_at AS analysed_at,
    a.log_partition, a.log_offset,
    unnest(mentions) AS mention, generate_subscripts(mentions, 1) AS ordinal
  FROM (
    SELECT log_partition, log_offset, unnest(json_transform(body, '{"mentions": [{
      "mention_id": "UUID", "symbol": "VARCHAR", "said_as": "VARCHAR", "listed": "BOOLEAN",
      "action": "VARCHAR", "conviction": "DOUBLE", "time_horizon": "VARCHAR", "quote": "VARCHAR",
      "line": "BIGINT", "start_ms": "BIGINT", "end_ms": "BIGINT", "rejected": "VARCHAR",
      "match": "VARCHAR", "condition": "VARCHAR",
      "levels": [{
        "kind": "VARCHAR", "value": "DECIMAL(18, 9)", "value_to": "DECIMAL(18, 9)", "unit": "VARCHAR", "words": "VARCHAR"
      }],
      "speaker": "VARCHAR", "position": "VARCHAR", "paid": "BOOLEAN", "expires": "VARCHAR",
      "dropped": [{"part": "VARCHAR", "reason": "VARCHAR", "words": "VARCHAR"}]
    }]}'))
    FROM incoming
  )
  JOIN analyses a USING (log_partition, log_offset)
)

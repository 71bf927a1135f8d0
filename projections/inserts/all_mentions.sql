-- After `analyses`: the mentions of an answer that was let in there, and of no other.
SELECT analysis_id, video_id, log_partition, log_offset, unnest(mention), ordinal
FROM (
  SELECT analysis_id, video_id, log_partition, log_offset,
    unnest(mentions) AS mention, generate_subscripts(mentions, 1) AS ordinal
  FROM (
    SELECT log_partition, log_offset, unnest(json_transform(body, '{"mentions": [{
      "mention_id": "UUID", "symbol": "VARCHAR", "said_as": "VARCHAR", "listed": "BOOLEAN",
      "action": "VARCHAR", "conviction": "DOUBLE", "time_horizon": "VARCHAR", "quote": "VARCHAR",
      "line": "BIGINT", "start_ms": "BIGINT", "end_ms": "BIGINT", "rejected": "VARCHAR"
    }]}'))
    FROM incoming
  )
  JOIN analyses USING (log_partition, log_offset)
)

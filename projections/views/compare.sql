-- Two prompts by name, over the videos that both have analysed, on the same captions: the latest that both had, whole
-- where there is a whole one.
CREATE OR REPLACE MACRO compare_videos(a, b) AS TABLE
SELECT
  x.video_id, x.title AS video_title, x.url, x.channel_id, x.channel_title, x.captions_id,
  x.analysis_id AS a_analysis_id, y.analysis_id AS b_analysis_id, x.usd AS a_usd, y.usd AS b_usd,
  x.direction AS a_direction, y.direction AS b_direction,
  x.log_partition, x.log_offset AS a_offset, y.log_offset AS b_offset
FROM analyses x
JOIN analyses y USING (captions_id)
WHERE x.prompt = a AND y.prompt = b
QUALIFY row_number() OVER (
  PARTITION BY x.video_id
  ORDER BY x.captions_revision DESC, x.partial, y.partial, x.log_offset, y.log_offset
) = 1;
COMMENT ON MACRO TABLE compare_videos IS 'the videos that two prompts, each by its name, have both analysed, on the latest captions that both had; example: FROM compare_videos(''default'', ''calm'')';

-- Every grounded mention of either prompt; one that both have (by mention_id) is the same or changed.
CREATE OR REPLACE MACRO compare_mentions(a, b) AS TABLE
WITH
  videos AS (FROM compare_videos(a, b)),
  -- Both sides in one look at the mentions, for that is most of the work.
  sides AS (
    SELECT s.side, m.*
    FROM all_mentions m
    JOIN (
      SELECT log_partition, unnest(['a', 'b']) AS side, unnest([a_offset, b_offset]) AS log_offset FROM videos
    ) s USING (log_partition, log_offset)
    WHERE m.rejected IS NULL AND m.paid IS NOT true
  ),
  paired AS (
    SELECT
      -- Where only one of the prompts asks for it, nothing has changed.
      x.paid IS NOT NULL AND y.paid IS NOT NULL AS asked,
      coalesce(x.video_id, y.video_id) AS video_id, coalesce(x.symbol, y.symbol) AS symbol, mention_id,
      CASE WHEN x.action IS NULL THEN 'added' WHEN y.action IS NULL THEN 'dropped' END AS one_sided,
      CASE WHEN x.action <> y.action THEN ['action'] ELSE [] END
      || CASE WHEN x.time_horizon <> y.time_horizon THEN ['time_horizon'] ELSE [] END
      || CASE WHEN x.conviction <> y.conviction THEN ['conviction'] ELSE [] END
      || CASE WHEN asked AND x.condition IS DISTINCT FROM y.condition THEN ['condition'] ELSE [] END
      || CASE WHEN asked AND x.levels IS DISTINCT FROM y.levels THEN ['levels'] ELSE [] END
      || CASE WHEN asked AND x.speaker <> y.speaker THEN ['speaker'] ELSE [] END
      || CASE WHEN asked AND x.position <> y.position THEN ['position'] ELSE [] END
      || CASE WHEN asked AND x.expires IS DISTINCT FROM y.expires THEN ['expires'] ELSE [] END AS changed,
      x.action AS a_action, y.action AS b_action, x.time_horizon AS a_time_horizon, y.time_horizon AS b_time_horizon,
      x.conviction AS a_conviction, y.conviction AS b_conviction, x.quote AS a_quote, y.quote AS b_quote,
      x.condition AS a_condition, y.condition AS b_condition, x.start_ms AS a_start_ms, y.start_ms AS b_start_ms
    FROM (FROM sides WHERE side = 'a') x
    FULL JOIN (FROM sides WHERE side = 'b') y USING (mention_id)
  )
SELECT
  v.channel_id, v.channel_title, p.video_id, v.video_title, p.mention_id, p.symbol,
  coalesce(p.one_sided, CASE WHEN len(p.changed) > 0 THEN 'changed' ELSE 'same' END) AS change, p.changed,
  p.a_action, p.b_action, p.a_time_horizon, p.b_time_horizon, p.a_conviction, p.b_conviction, p.a_quote, p.b_quote,
  url_at(v.url, p.a_start_ms) AS a_url,
  url_at(v.url, p.b_start_ms) AS b_url,
  p.a_condition, p.b_condition
FROM paired p
JOIN videos v USING (video_id);
COMMENT ON MACRO TABLE compare_mentions IS 'every grounded mention of two prompts over the videos that both have analysed, and whether it is the same; example: FROM compare_mentions(''default'', ''calm'') WHERE change <> ''same''';

-- The same in numbers: a row a channel, and last one for all.
CREATE OR REPLACE MACRO compare_channels(a, b) AS TABLE
WITH
  videos AS (FROM compare_videos(a, b)),
  changes AS (
    SELECT
      channel_id, grouping(channel_id) AS is_total,
      count(*) FILTER (change = 'same') AS same,
      count(*) FILTER (change = 'added') AS added,
      count(*) FILTER (change = 'dropped') AS dropped,
      count(*) FILTER (list_contains(changed, 'action')) AS action_changed,
      count(*) FILTER (list_contains(changed, 'time_horizon')) AS horizon_changed,
      count(*) FILTER (list_contains(changed, 'conviction')) AS conviction_changed
    FROM compare_mentions(a, b)
    GROUP BY GROUPING SETS ((channel_id), ())
  ),
  grounding AS (
    SELECT
      s.channel_id, grouping(s.channel_id) AS is_total,
      avg((m.rejected IS NOT NULL)::INTEGER) FILTER (s.side = 'a') AS a_rejected,
      avg((m.rejected IS NOT NULL)::INTEGER) FILTER (s.side = 'b') AS b_rejected
    FROM (
      -- In rows, for a join by IN looks at every pair.
      SELECT channel_id, log_partition, unnest(['a', 'b']) AS side, unnest([a_offset, b_offset]) AS log_offset FROM videos
    ) s
    JOIN all_mentions m ON m.log_partition = s.log_partition AND m.log_offset = s.log_offset
    GROUP BY GROUPING SETS ((s.channel_id), ())
  ),
  costs AS (
    SELECT
      channel_id, grouping(channel_id) AS is_total, any_value(channel_title) AS channel_title, count(*) AS videos,
      avg(a_usd)::DECIMAL(18, 9) AS a_usd, avg(b_usd)::DECIMAL(18, 9) AS b_usd
    FROM videos
    GROUP BY GROUPING SETS ((channel_id), ())
  )
SELECT
  c.channel_id, CASE WHEN c.is_total = 1 THEN 'all' ELSE c.channel_title END AS channel, c.videos,
  coalesce(x.same, 0) AS same, coalesce(x.added, 0) AS added, coalesce(x.dropped, 0) AS dropped,
  coalesce(x.action_changed, 0) AS action_changed, coalesce(x.horizon_changed, 0) AS horizon_changed,
  coalesce(x.conviction_changed, 0) AS conviction_changed,
  g.a_rejected, g.b_rejected, c.a_usd AS a_usd_per_video, c.b_usd AS b_usd_per_video
FROM costs c
LEFT JOIN changes x ON x.is_total = c.is_total AND x.channel_id IS NOT DISTINCT FROM c.channel_id
LEFT JOIN grounding g ON g.is_total = c.is_total AND g.channel_id IS NOT DISTINCT FROM c.channel_id
ORDER BY c.is_total, channel NULLS LAST;
COMMENT ON MACRO TABLE compare_channels IS 'how two prompts differ, a row a channel and a last one for all; example: FROM compare_channels(''default'', ''calm'')';

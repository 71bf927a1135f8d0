WITH
  found AS (
    SELECT video_id, channel_id, channel_title FROM videos
  ),
  of_day AS (
    SELECT video_id, 'discovered' AS what FROM videos WHERE discovered_at >= $begins AND discovered_at < $ends
    UNION SELECT video_id, 'captioned' FROM captions WHERE happened_at >= $begins AND happened_at < $ends
    UNION SELECT video_id, 'analysed' FROM analyses
      WHERE happened_at >= $begins AND happened_at < $ends AND replay_id IS NULL
    UNION SELECT video_id, 'failed' FROM caption_failures
      WHERE happened_at >= $begins AND happened_at < $ends AND next_try_at IS NULL
    UNION SELECT video_id, 'failed' FROM _failures
      WHERE happened_at >= $begins AND happened_at < $ends AND type = 'AnalysisFailed' AND lane <> 'replay'
  ),
  calls AS (
    SELECT video_id, count(*) AS calls FROM mentions
    WHERE analysed_at >= $begins AND analysed_at < $ends GROUP BY video_id
  ),
  money AS (
    SELECT video_id, sum(billed_usd + unknown_usd + open_usd) AS usd FROM attempts
    WHERE day >= $first_day AND day <= $last_day GROUP BY video_id
  ),
  counted AS (
    SELECT video_id,
      count(*) FILTER (what = 'discovered') AS discovered, count(*) FILTER (what = 'captioned') AS captioned,
      count(*) FILTER (what = 'analysed') AS analysed, count(*) FILTER (what = 'failed') AS failed
    FROM of_day GROUP BY video_id
  )
SELECT
  channel_id, any_value(channel_title),
  coalesce(sum(discovered), 0)::BIGINT, coalesce(sum(captioned), 0)::BIGINT, coalesce(sum(analysed), 0)::BIGINT,
  coalesce(sum(failed), 0)::BIGINT, coalesce(sum(calls), 0)::BIGINT, coalesce(sum(usd), 0)::DECIMAL(18, 9)
FROM counted
FULL JOIN calls USING (video_id)
FULL JOIN money USING (video_id)
LEFT JOIN found USING (video_id)
GROUP BY channel_id
HAVING coalesce(sum(discovered + captioned + analysed + failed), 0) + coalesce(sum(calls), 0) > 0
  OR coalesce(sum(usd), 0) > 0
ORDER BY coalesce(sum(analysed), 0) DESC, coalesce(sum(discovered), 0) DESC, any_value(channel_title), channel_id

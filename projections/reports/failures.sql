WITH failed AS (
  SELECT 'captions' AS stage, reason AS why, video_id, happened_at FROM caption_failures
  WHERE next_try_at IS NULL AND happened_at >= $begins AND happened_at < $ends
  UNION ALL
  SELECT if(lane = 'replay', 'replay', 'analysis'), outcome, video_id, happened_at FROM _failures
  WHERE type = 'AnalysisFailed' AND happened_at >= $begins AND happened_at < $ends
)
SELECT stage, why, count(DISTINCT video_id), max_by(video_id, (happened_at, video_id)),
  (SELECT video_title FROM videos v WHERE v.video_id = max_by(failed.video_id, (happened_at, failed.video_id)))
FROM failed GROUP BY stage, why ORDER BY count(DISTINCT video_id) DESC, stage, why

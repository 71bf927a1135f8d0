CREATE OR REPLACE VIEW video_status AS
WITH
  -- A replay's failure says nothing of a video that is not analysed yet.
  failed AS (
    FROM _failures
    WHERE type = 'AnalysisFailed' AND lane <> 'replay'
    QUALIFY row_number() OVER (PARTITION BY captions_id ORDER BY log_partition, log_offset) = 1
  ),
  last_attempt AS (
    FROM attempts
    WHERE lane <> 'replay'
    QUALIFY row_number() OVER (PARTITION BY captions_id ORDER BY log_offset DESC) = 1
  ),
  known AS (
    SELECT
      v.*, f.reason AS captions_reason, f.next_try_at AS captions_retry_at,
      x.reason AS analysis_reason, t.reason AS attempt_reason, t.retry_at,
      CASE
        WHEN v.analysis_id IS NOT NULL THEN 'analysed'
        WHEN x.analysis_id IS NOT NULL THEN 'failed'
        WHEN v.captions_id IS NOT NULL THEN 'captioned'
        WHEN f.video_id IS NOT NULL AND f.next_try_at IS NULL THEN 'failed'
        ELSE 'discovered'
      END AS status
    FROM videos v
    LEFT JOIN _latest_caption_failure f USING (video_id)
    LEFT JOIN failed x ON x.captions_id = v.captions_id
    LEFT JOIN last_attempt t ON t.captions_id = v.captions_id
  )
SELECT
  video_id, title, channel_title AS channel, status,
  CASE
    WHEN status = 'analysed' THEN NULL
    WHEN captions_id IS NULL THEN captions_reason
    ELSE coalesce(analysis_reason, attempt_reason)
  END AS reason,
  CASE
    WHEN status = 'discovered' THEN captions_retry_at
    WHEN status = 'captioned' THEN retry_at
  END AS next_try_at
FROM known;
COMMENT ON VIEW video_status IS 'where each video is: discovered, captioned, analysed or failed, why, and when it is tried next';

CREATE OR REPLACE VIEW freshness AS
WITH rejected AS (SELECT topic, count(*) AS rejects FROM _rejects GROUP BY topic)
SELECT
  topic,
  count(*) AS partitions,
  sum(next_offset - first_offset)::BIGINT AS records,
  sum(first_offset)::BIGINT AS missing,
  max(last_event_at) AS last_event_at,
  max(clock) AS last_record_at,
  any_value(coalesce(rejects, 0)) AS rejects
FROM _positions
LEFT JOIN rejected USING (topic)
GROUP BY topic;
COMMENT ON VIEW freshness IS 'how far each topic is read: records, those missing at its beginning, the time of the last by its own and by the broker''s clock, and rejects: what is no event that this version can read';

-- What is analysed waits for nothing, so all the rest is asked about the others alone.
CREATE OR REPLACE VIEW video_status AS
WITH
  unfinished AS MATERIALIZED (
    SELECT video_id, video_title, channel_title, captions_id, words FROM videos WHERE analysis_id IS NULL
  ),
  requests AS MATERIALIZED (
    SELECT request_id, captions_id, lane, again, log_offset
    FROM _requests SEMI JOIN unfinished USING (captions_id)
    WHERE lane <> 'replay'
  ),
  -- What is asked for again has not failed before that has, too. By its claim a failure is that of a request.
  asked_again AS (
    SELECT captions_id
    FROM requests
    WHERE again IS NOT NULL AND request_id NOT IN (
      SELECT c.request_id FROM _claims c JOIN _failures f USING (attempt_id) WHERE f.type = 'AnalysisFailed'
    )
  ),
  -- A replay's failure says nothing of a video that is not analysed yet.
  failed AS (
    SELECT captions_id, analysis_id, reason
    FROM _failures SEMI JOIN unfinished USING (captions_id)
    WHERE type = 'AnalysisFailed' AND lane <> 'replay' AND captions_id NOT IN (FROM asked_again)
    QUALIFY row_number() OVER (PARTITION BY captions_id ORDER BY log_partition, log_offset DESC) = 1
  ),
  latest_failure AS (
    SELECT video_id, revision, attempt, reason, failure, next_try_at, happened_at
    FROM caption_failures SEMI JOIN unfinished USING (video_id)
    QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY revision DESC, attempt DESC, log_partition, log_offset) = 1
  ),
  -- A failure to take captions that was followed by no other try.
  last_failure AS (
    FROM latest_failure f
    WHERE NOT EXISTS (
      FROM _captions_requests q
      WHERE q.video_id = f.video_id AND (q.revision, q.attempt) > (f.revision, f.attempt)
    )
  ),
  last_attempt AS (
    SELECT
      r.captions_id, c.state, c.outcome, c.retry_at, c.claimed_at, c.log_offset, f.outcome AS failure, f.reason
    FROM _charges c
    JOIN requests r USING (request_id)
    LEFT JOIN _last_words f USING (attempt_id)
    QUALIFY row_number() OVER (PARTITION BY captions_id ORDER BY c.log_offset DESC) = 1
  ),
  -- What a call costs by the words it is about: a line through the last thousand claims under the newest prompt, for a
  -- claim is so much a token and so much for the answer. Null before the first claim.
  claims AS (
    SELECT request_id, usd
    FROM _claims
    WHERE usd > 0 AND prompt_id = (SELECT arg_max(prompt_id, log_offset) FROM _claims WHERE replay_id IS NULL)
    ORDER BY log_offset DESC
    LIMIT 1000
  ),
  rate AS (
    SELECT
      regr_slope(c.usd, w.words) AS a_word, regr_intercept(c.usd, w.words) AS least_usd, max(c.usd)::DOUBLE AS most_usd
    FROM claims c
    JOIN _requests r USING (request_id)
    JOIN captions w USING (captions_id)
  ),
  -- The last request for each captions, with what its call may cost.
  asked AS MATERIALIZED (
    SELECT
      r.captions_id, r.lane, r.log_offset,
      -- Rounded, for a sum of floats depends on the order of its rows.
      round(CASE WHEN isfinite(a_word) THEN least_usd + a_word * v.words ELSE most_usd END, 6) AS usd
    FROM requests r
    JOIN unfinished v USING (captions_id)
    CROSS JOIN rate
    QUALIFY row_number() OVER (PARTITION BY r.captions_id ORDER BY r.log_offset DESC) = 1
  ),
  known AS (
    SELECT
      v.*, f.reason AS captions_reason, l.next_try_at AS captions_retry_at,
      x.reason AS analysis_reason, t.reason AS attempt_reason, t.retry_at,
      f.happened_at AS captions_failed_at, l.failure AS captions_failure, t.state, t.outcome, t.failure, t.claimed_at,
      t.log_offset AS attempt_offset,
      CASE
        WHEN x.analysis_id IS NOT NULL THEN 'failed'
        WHEN v.captions_id IS NOT NULL THEN 'captioned'
        WHEN l.video_id IS NOT NULL AND l.next_try_at IS NULL THEN 'failed'
        ELSE 'discovered'
      END AS status
    FROM unfinished v
    LEFT JOIN latest_failure f USING (video_id)
    LEFT JOIN last_failure l USING (video_id)
    LEFT JOIN failed x ON x.captions_id = v.captions_id
    LEFT JOIN last_attempt t ON t.captions_id = v.captions_id
  ),
  -- A message that cannot be read is all there is of some videos.
  everything AS (
    FROM known
    UNION ALL BY NAME
    SELECT video_id, 'discovered' AS status FROM _video_letters ANTI JOIN videos USING (video_id) WHERE topic <> 'analyses'
  ),
  room AS MATERIALIZED (FROM _lane_room),
  -- A line of requests is closed by the first that has no room.
  rooms AS (
    SELECT room.*, max(asked.usd) AS needed_usd
    FROM everything JOIN asked USING (captions_id) JOIN room USING (lane)
    WHERE status = 'captioned' AND asked.usd <= coalesce(room.share_usd, asked.usd)
    GROUP BY ALL
  ),
  waiting AS (
    SELECT
      e.*, asked.lane, asked.usd, room.share_usd, room.left_usd, room.until, letter.letter, letter.reason AS letter_reason,
      (SELECT max(log_offset) FROM open_dead_letters WHERE topic = 'prompts') AS prompt_letter,
      CASE
        WHEN status = 'failed' THEN NULL
        WHEN letter.topic IN ('videos', 'captions.requests') AND e.captions_id IS NULL
          AND letter.happened_at >= coalesce(captions_failed_at, letter.happened_at) THEN 'dead_letter'
        WHEN letter.topic = 'captions' AND asked.captions_id IS NULL THEN 'dead_letter'
        WHEN letter.topic = 'analyses' AND letter.happened_at >= coalesce(claimed_at, letter.happened_at)
          THEN 'dead_letter'
        WHEN e.captions_id IS NULL AND captions_failure IS NULL THEN 'worker'
        WHEN e.captions_id IS NULL THEN CASE captions_failure WHEN 'soon' THEN 'youtube' ELSE 'captions' END
        WHEN asked.captions_id IS NULL THEN 'worker'
        -- An attempt before the last request was one at what is asked for again.
        WHEN state = 'open' AND asked.log_offset < attempt_offset THEN 'call'
        WHEN outcome IN ('completed', 'failed') AND asked.log_offset < attempt_offset THEN 'answer'
        -- Active is what has its markers in all the partitions that `analyses` has.
        WHEN (SELECT count(DISTINCT log_partition) FROM _markers) < 12 THEN 'prompt'
        WHEN retry_at > room.clock AND failure IN ('provider_error', 'unknown', 'expired') THEN 'provider'
        WHEN retry_at > room.clock THEN 'analyst'
        WHEN asked.usd > room.share_usd OR coalesce(rooms.needed_usd, 0) > room.left_usd THEN 'money'
        WHEN (state = 'unknown' OR failure IN ('provider_error', 'unknown', 'expired')) AND asked.log_offset < attempt_offset
          THEN 'provider'
        ELSE 'analyst'
      END AS waits_for
    FROM everything e
    LEFT JOIN _video_letters letter USING (video_id)
    LEFT JOIN asked USING (captions_id)
    LEFT JOIN room USING (lane)
    LEFT JOIN rooms USING (lane)
  )
SELECT
  video_id, video_title, channel_title, status, waits_for,
  CASE
    WHEN status = 'failed' THEN coalesce(analysis_reason, captions_reason)
    ELSE CASE waits_for
      WHEN 'dead_letter' THEN letter_reason
      WHEN 'worker' THEN CASE
        WHEN captions_id IS NULL THEN coalesce(captions_reason, 'its captions were not taken yet')
        ELSE 'no analysis is requested yet'
      END
      WHEN 'youtube' THEN captions_reason
      WHEN 'captions' THEN captions_reason
      WHEN 'call' THEN 'Claude is being asked'
      WHEN 'answer' THEN 'it was answered, and the answer is not in the read model'
      WHEN 'prompt' THEN 'no prompt is active' || coalesce(': see dead letter ' || prompt_letter, '')
      WHEN 'provider' THEN coalesce(attempt_reason, 'the last call has no known outcome')
      WHEN 'money' THEN CASE
        WHEN usd > share_usd
        THEN format('its call may cost ${:.4f}, and lane {} may spend ${:.2f} on any day', usd, lane, share_usd::DOUBLE)
        ELSE format(
          'lane {} has ${:.4f} left of ${:.2f} today, and its call may cost ${:.4f}',
          lane, greatest(left_usd, 0)::DOUBLE, share_usd::DOUBLE, usd
        )
      END
      ELSE coalesce(attempt_reason, 'its turn has not come yet')
    END
  END AS reason,
  CASE
    WHEN waits_for IN ('captions', 'youtube') THEN captions_retry_at
    WHEN waits_for IN ('provider', 'analyst') THEN retry_at
    WHEN waits_for = 'money' AND usd <= coalesce(share_usd, usd) THEN until
  END AS next_try_at,
  CASE
    WHEN status = 'failed' THEN 'earmark retry ' || video_id
    ELSE CASE waits_for
      WHEN 'dead_letter' THEN _retried(letter)
      WHEN 'worker' THEN 'a running worker takes it'
      WHEN 'captions' THEN 'it is tried again by itself'
      WHEN 'youtube' THEN 'it is tried again by itself once YouTube answers: see earmark channels'
      WHEN 'call' THEN 'the answer comes, or the claim expires and it is asked again'
      WHEN 'answer' THEN 'a running projector reads it; if the log has lost it, replay the video'
      WHEN 'prompt' THEN coalesce(_retried(prompt_letter), 'earmark prompts activate NAME')
      WHEN 'provider' THEN 'a running analyst asks again by itself'
      WHEN 'money' THEN CASE lane
        WHEN 'live' THEN 'raise EARMARK_DAILY_CAP_USD' ELSE 'raise EARMARK_BACKFILL_SHARE or EARMARK_DAILY_CAP_USD' END
        || CASE WHEN usd > share_usd THEN '' ELSE ', or wait for the next day''s budget' END
      WHEN 'analyst' THEN 'a running analyst takes it in turn'
    END
  END AS next_step,
  CASE WHEN status = 'captioned' THEN lane END AS lane,
  CASE WHEN status = 'captioned' THEN share_usd END AS share_usd
FROM waiting
UNION ALL BY NAME
SELECT video_id, video_title, channel_title, 'analysed' AS status FROM videos WHERE analysis_id IS NOT NULL;
COMMENT ON VIEW video_status IS 'where each video is: discovered, captioned, analysed or failed; what it waits for (worker, captions, youtube, dead_letter, prompt, analyst, money, call, provider, answer), why, until when, and the next step; example: SELECT status, waits_for, count(*) AS videos FROM video_status GROUP BY ALL';

CREATE OR REPLACE VIEW freshness AS
WITH rejected AS (SELECT topic, count(*) AS rejects FROM _rejects GROUP BY topic)
SELECT
  topic,
  count(*) AS partitions,
  sum(next_offset - first_offset)::BIGINT AS records,
  sum(first_offset)::BIGINT AS missing,
  max(last_event_at) AS last_event_at,
  max(clock) AS last_record_at,
  any_value(coalesce(rejects, 0)) AS rejects,
  coalesce((SELECT kept FROM _snapshots), 0) AS snapshots,
  coalesce((SELECT bytes FROM _snapshots), 0) AS snapshot_bytes
FROM _positions
LEFT JOIN rejected USING (topic)
GROUP BY topic;
COMMENT ON VIEW freshness IS 'how far each topic is read: records, those missing at its beginning, the time of the last by its own and by the broker''s clock, and rejects: what is no event that this version can read; in every row the snapshots that were kept when this one was published, and the bytes of disk that they took, in two digits';

CREATE OR REPLACE VIEW positions AS
SELECT topic, log_partition, next_offset, clock AS last_record_at, last_event_at, first_offset FROM _positions;
COMMENT ON VIEW positions IS 'how far each partition of each topic is read';

CREATE OR REPLACE VIEW analysis_failures AS
SELECT
  analysis_id, attempt_id, video_id, captions_id, lane, prompt_id, model, outcome AS failure, reason,
  type = 'AnalysisFailed' AS is_final, happened_at, log_partition, log_offset
FROM _failures;
COMMENT ON VIEW analysis_failures IS 'attempts and analyses that failed, each as it was said; example: SELECT failure, is_final, count(*) AS times FROM analysis_failures GROUP BY ALL ORDER BY times DESC';

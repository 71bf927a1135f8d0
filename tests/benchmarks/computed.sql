-- The views of 0.1.0, which computed what is current at each question: what questions.py measures beside today's. They
-- stand in a schema of their own, over the same tables; names are today's, and `mentions` has `said_at`, too. With them
-- stand the macros that compared two prompts.

-- The current analysis of a video: of those that exist, the one with the latest activation of its prompt, then with the
-- latest captions. An activation counts for a partition's videos once its marker stands there. A partial one counts only
-- until a whole one does.
CREATE VIEW _current AS
WITH activated AS (
  SELECT log_partition, prompt_id, max(activation) AS activation FROM _markers GROUP BY ALL
)
SELECT a.*, activated.activation
FROM analyses a
JOIN activated USING (log_partition, prompt_id)
QUALIFY row_number() OVER (
  PARTITION BY a.video_id
  ORDER BY a.partial, activated.activation DESC, a.captions_revision DESC, a.log_partition, a.log_offset
) = 1;

CREATE VIEW mentions AS
SELECT
  m.mention_id, m.symbol, m.said_as, m.listed, m.action, m.conviction, m.time_horizon, m.quote, m.line,
  m.start_ms, m.end_ms,
  url_at(a.url, m.start_ms) AS url,
  a.video_id, a.title AS video_title, a.channel_id, a.channel_title, a.published_at,
  a.published_precision,
  a.analysis_id, a.prompt_id, a.prompt, a.model, a.happened_at AS analysed_at,
  coalesce(a.published_at, a.happened_at) AS said_at
FROM all_mentions m
JOIN _current a ON a.log_partition = m.log_partition AND a.log_offset = m.log_offset
WHERE m.rejected IS NULL;

CREATE VIEW outlooks AS
SELECT
  direction, reasoning, themes, risks, coalesce(summary, '') AS summary, video_id, title AS video_title, url, channel_id,
  channel_title, published_at, published_precision, analysis_id, prompt_id, prompt, model, happened_at AS analysed_at
FROM _current
WHERE direction IS NOT NULL;
CREATE VIEW _latest_captions AS
FROM captions
QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY revision DESC, log_partition, log_offset) = 1;

CREATE VIEW _latest_caption_failure AS
FROM caption_failures
QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY revision DESC, attempt DESC, log_partition, log_offset) = 1;

-- What was learnt later stands before what was known first.
CREATE VIEW videos AS
WITH
  grounded AS (
    SELECT log_partition, log_offset, count(*) AS mentions FROM all_mentions WHERE rejected IS NULL GROUP BY ALL
  ),
  discovered AS (
    FROM _discovered QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY log_partition, log_offset) = 1
  )
SELECT
  video_id,
  coalesce(c.url, f.url, d.url) AS url,
  coalesce(c.title, f.title, d.title) AS video_title,
  coalesce(c.channel_id, f.channel_id, d.channel_id) AS channel_id,
  coalesce(c.channel_title, f.channel_title, d.channel_title) AS channel_title,
  coalesce(c.published_at, f.published_at, d.published_at) AS published_at,
  CASE
    WHEN c.published_at IS NOT NULL THEN c.published_precision
    WHEN f.published_at IS NOT NULL THEN f.published_precision
    ELSE d.published_precision
  END AS published_precision,
  coalesce(d.origin, c.origin, f.origin) AS origin,
  d.happened_at AS discovered_at,
  c.captions_id, c.revision AS captions_revision, c.source AS captions_source, c.language, c.original, c.words,
  a.analysis_id, a.partial, a.direction, a.prompt, a.model,
  CASE WHEN a.analysis_id IS NOT NULL THEN coalesce(g.mentions, 0) END AS mentions
FROM discovered d
FULL JOIN _latest_captions c USING (video_id)
FULL JOIN _latest_caption_failure f USING (video_id)
LEFT JOIN _current a USING (video_id)
LEFT JOIN grounded g ON g.log_partition = a.log_partition AND g.log_offset = a.log_offset;
-- A claim counts as what it was settled at. Settled at or past its deadline, or never by then, it counts in full, and
-- nobody knows what was billed. The day of a bill is the UTC day of its claim's append by the broker's clock.
-- A claim that was denied counts as what it was settled at, whenever that was: 0, but for a call without a grant.
-- The verdict is the ledger's, whose fold is not SQL's: it is known from the settlement (or where a claim is above its own
-- cap). Until a settlement stands in the log (moments; where an analyst died, until another looks), or where an older
-- version wrote it, a denied claim counts here as if it were granted. Nowhere else do the bills here and those of
-- `earmark budget`, which folds, differ; it also says what a claim held past midnight is charged on the next day.
CREATE VIEW attempts AS
WITH
  ledger AS (SELECT max(clock) AS clock FROM _positions WHERE topic = 'analysis.ledger'),
  claims AS (SELECT *, clock + to_seconds(hold_s) AS deadline FROM _claims),
  failures AS (
    FROM _failures
    WHERE attempt_id IS NOT NULL
    QUALIFY row_number() OVER (
      PARTITION BY attempt_id ORDER BY type = 'AnalysisFailed' DESC, log_partition, log_offset
    ) = 1
  ),
  settled AS (
    SELECT
      c.*, s.outcome, s.retry_at, s.clock AS settled_at, s.usd AS settled_usd,
      s.input_tokens + s.cache_creation_input_tokens + s.cache_read_input_tokens AS input_tokens,
      s.output_tokens,
      coalesce(NOT s.granted, c.usd > least(c.cap_usd, c.lane_cap_usd)) AS denied,
      CASE
        WHEN denied AND coalesce(s.usd, 0) = 0 THEN 'not_called'
        WHEN s.attempt_id IS NULL AND c.deadline > ledger.clock THEN 'open'
        WHEN s.attempt_id IS NULL OR (s.clock >= c.deadline AND NOT denied) THEN 'expired'
        WHEN s.outcome = 'not_called' AND s.usd = 0 THEN 'not_called'
        WHEN s.usd > 0 AND NOT s.usage_known THEN 'unknown'
        ELSE 'billed'
      END AS state
    FROM claims c
    CROSS JOIN ledger
    LEFT JOIN _settlements s USING (attempt_id)
  )
SELECT
  (s.clock AT TIME ZONE 'UTC')::DATE AS day,
  s.attempt_id, s.analysis_id, r.video_id, r.captions_id, s.attempt, s.lane, s.replay_id, s.prompt_id,
  coalesce(p.name, s.prompt_id) AS prompt, s.model, s.max_tokens,
  CASE s.state WHEN 'expired' THEN 'unknown' ELSE s.state END AS state,
  s.outcome, f.outcome AS failure, f.reason, s.input_tokens, s.output_tokens,
  s.usd AS reserved_usd,
  (CASE WHEN s.state = 'billed' THEN s.settled_usd ELSE 0 END)::DECIMAL(18, 9) AS billed_usd,
  (CASE s.state WHEN 'unknown' THEN s.settled_usd WHEN 'expired' THEN s.usd ELSE 0 END)::DECIMAL(18, 9)
    AS unknown_usd,
  (CASE WHEN s.state = 'open' THEN s.usd ELSE 0 END)::DECIMAL(18, 9) AS open_usd,
  s.cap_usd, s.clock AS claimed_at, s.deadline, s.settled_at, s.retry_at, s.log_offset
FROM settled s
LEFT JOIN _requests r USING (request_id)
LEFT JOIN prompts p ON p.prompt_id = s.prompt_id
LEFT JOIN failures f ON f.attempt_id = s.attempt_id;

-- input_tokens are the whole prompts', what was written to and read from the provider's cache included.
CREATE VIEW daily_costs AS
SELECT
  day, model, lane, prompt,
  count(*) AS attempts,
  count(*) FILTER (outcome = 'completed') AS completed,
  count(*) FILTER (state = 'unknown') AS unknown,
  coalesce(sum(input_tokens), 0)::BIGINT AS input_tokens,
  coalesce(sum(output_tokens), 0)::BIGINT AS output_tokens,
  sum(billed_usd)::DECIMAL(18, 9) AS billed_usd,
  sum(unknown_usd)::DECIMAL(18, 9) AS unknown_usd,
  sum(open_usd)::DECIMAL(18, 9) AS open_usd,
  sum(billed_usd + unknown_usd + open_usd)::DECIMAL(18, 9) AS charged_usd
FROM attempts
WHERE state <> 'not_called'
GROUP BY ALL;

CREATE VIEW budget_days AS
WITH days AS (
  SELECT
    day,
    arg_max(cap_usd, log_offset) AS cap_usd,
    sum(billed_usd + unknown_usd + open_usd)::DECIMAL(18, 9) AS charged_usd,
    sum(billed_usd)::DECIMAL(18, 9) AS billed_usd,
    sum(unknown_usd)::DECIMAL(18, 9) AS unknown_usd,
    sum(open_usd)::DECIMAL(18, 9) AS open_usd
  FROM attempts
  GROUP BY day
)
SELECT *, greatest(cap_usd - charged_usd, 0)::DECIMAL(18, 9) AS left_usd FROM days;
CREATE VIEW open_dead_letters AS
FROM dead_letters WHERE log_offset NOT IN (SELECT letter FROM _dead_letters_retried);

CREATE MACRO _retried(letter) AS 'fix the cause, then: earmark dead-letters retry ' || letter;

-- The last open one of each video: of the topics whose key is the video.
CREATE VIEW _video_letters AS
SELECT key AS video_id, topic, happened_at, log_offset AS letter,
  format('dead letter {} ({}[{}]@{}, {}): {}', log_offset, topic, from_partition, from_offset, handler, error) AS reason
FROM open_dead_letters
WHERE topic IN ('videos', 'captions.requests', 'captions', 'analyses') AND key IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY key ORDER BY log_offset DESC) = 1;

-- What a lane may still be charged on the ledger's present day, under the caps that were last claimed against. What a claim
-- held past midnight is charged on the next day is left out, as in daily_costs.
CREATE VIEW _lane_room AS
WITH
  ledger AS (
    SELECT max(clock) AS clock, (max(clock) AT TIME ZONE 'UTC')::DATE AS today
    FROM _positions WHERE topic = 'analysis.ledger'
  ),
  charged AS (
    SELECT lane, sum(billed_usd + unknown_usd + open_usd) AS usd
    FROM attempts JOIN ledger ON day = today
    GROUP BY lane
  ),
  caps AS (
    SELECT lane, arg_max(lane_cap_usd, log_offset) AS share_usd
    FROM _claims WHERE replay_id IS NULL
    GROUP BY lane
  ),
  cap AS (SELECT arg_max(cap_usd, log_offset) AS cap_usd FROM _claims)
SELECT
  lane, clock,
  -- The share of a lane that nobody has claimed in is not known.
  coalesce(caps.share_usd, cap_usd) AS share_usd,
  least(
    cap_usd - coalesce((SELECT sum(usd) FROM charged), 0), caps.share_usd - coalesce(charged.usd, 0)
  ) AS left_usd,
  (today + INTERVAL 1 DAY) AT TIME ZONE 'UTC' AS until
FROM (SELECT DISTINCT lane FROM _requests WHERE lane <> 'replay')
CROSS JOIN ledger
CROSS JOIN cap
LEFT JOIN caps USING (lane)
LEFT JOIN charged USING (lane);

-- The last request for each captions, with what its call may cost: a line through the claims under the newest prompt, for
-- a claim is so much a token and so much for the answer. Null before the first claim.
CREATE VIEW _asked AS
WITH
  requests AS (
    FROM _requests
    WHERE lane <> 'replay'
    QUALIFY row_number() OVER (PARTITION BY captions_id ORDER BY log_offset DESC) = 1
  ),
  rate AS (
    SELECT regr_slope(c.usd, w.words) AS a_word, regr_intercept(c.usd, w.words) AS least_usd, max(c.usd) AS most_usd
    FROM _claims c
    JOIN _requests r USING (request_id)
    JOIN captions w USING (captions_id)
    WHERE c.usd > 0 AND c.prompt_id = (SELECT arg_max(prompt_id, log_offset) FROM _claims WHERE replay_id IS NULL)
  )
SELECT
  r.captions_id, r.lane, r.log_offset,
  -- Rounded, for a sum of floats depends on the order of its rows.
  round(CASE WHEN isfinite(a_word) THEN least_usd + a_word * w.words ELSE most_usd::DOUBLE END, 6) AS usd
FROM requests r
LEFT JOIN captions w USING (captions_id)
CROSS JOIN rate;
CREATE VIEW video_status AS
WITH
  -- What is asked for again has not failed before that has, too. By its claim a failure is that of a request.
  asked_again AS (
    SELECT captions_id
    FROM _requests
    WHERE again IS NOT NULL AND lane <> 'replay' AND request_id NOT IN (
      SELECT c.request_id FROM _claims c JOIN _failures f USING (attempt_id) WHERE f.type = 'AnalysisFailed'
    )
  ),
  -- A replay's failure says nothing of a video that is not analysed yet.
  failed AS (
    FROM _failures
    WHERE type = 'AnalysisFailed' AND lane <> 'replay' AND captions_id NOT IN (FROM asked_again)
    QUALIFY row_number() OVER (PARTITION BY captions_id ORDER BY log_partition, log_offset DESC) = 1
  ),
  -- A failure to take captions that was followed by no other try.
  last_failure AS (
    FROM _latest_caption_failure f
    WHERE NOT EXISTS (
      FROM _captions_requests q
      WHERE q.video_id = f.video_id AND (q.revision, q.attempt) > (f.revision, f.attempt)
    )
  ),
  last_attempt AS (
    FROM attempts
    WHERE lane <> 'replay'
    QUALIFY row_number() OVER (PARTITION BY captions_id ORDER BY log_offset DESC) = 1
  ),
  known AS (
    SELECT
      v.*, f.reason AS captions_reason, l.next_try_at AS captions_retry_at,
      x.reason AS analysis_reason, t.reason AS attempt_reason, t.retry_at,
      f.happened_at AS captions_failed_at, l.failure AS captions_failure, t.state, t.outcome, t.failure, t.claimed_at,
      t.log_offset AS attempt_offset,
      CASE
        WHEN v.analysis_id IS NOT NULL THEN 'analysed'
        WHEN x.analysis_id IS NOT NULL THEN 'failed'
        WHEN v.captions_id IS NOT NULL THEN 'captioned'
        WHEN l.video_id IS NOT NULL AND l.next_try_at IS NULL THEN 'failed'
        ELSE 'discovered'
      END AS status
    FROM videos v
    LEFT JOIN _latest_caption_failure f USING (video_id)
    LEFT JOIN last_failure l USING (video_id)
    LEFT JOIN failed x ON x.captions_id = v.captions_id
    LEFT JOIN last_attempt t ON t.captions_id = v.captions_id
  ),
  -- A message that cannot be read is all there is of some videos.
  everything AS (
    FROM known
    UNION ALL BY NAME
    SELECT video_id, 'discovered' AS status FROM _video_letters ANTI JOIN known USING (video_id) WHERE topic <> 'analyses'
  ),
  -- A line of requests is closed by the first that has no room.
  rooms AS (
    SELECT room.*, max(asked.usd) AS needed_usd
    FROM everything JOIN _asked asked USING (captions_id) JOIN _lane_room room USING (lane)
    WHERE status = 'captioned' AND asked.usd <= coalesce(room.share_usd, asked.usd)
    GROUP BY ALL
  ),
  waiting AS (
    SELECT
      e.*, asked.lane, asked.usd, room.share_usd, room.left_usd, room.until, letter.letter, letter.reason AS letter_reason,
      (SELECT max(log_offset) FROM open_dead_letters WHERE topic = 'prompts') AS prompt_letter,
      CASE
        WHEN status IN ('analysed', 'failed') THEN NULL
        WHEN letter.topic IN ('videos', 'captions.requests') AND e.captions_id IS NULL
          AND letter.happened_at >= coalesce(captions_failed_at, letter.happened_at) THEN 'dead_letter'
        WHEN letter.topic = 'captions' AND asked.captions_id IS NULL THEN 'dead_letter'
        WHEN letter.topic = 'analyses' AND letter.happened_at >= coalesce(claimed_at, letter.happened_at)
          THEN 'dead_letter'
        WHEN e.captions_id IS NULL AND captions_failure IS NULL THEN 'worker'
        WHEN e.captions_id IS NULL THEN if(captions_failure = 'soon', 'youtube', 'captions')
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
    LEFT JOIN _asked asked USING (captions_id)
    LEFT JOIN _lane_room room USING (lane)
    LEFT JOIN rooms USING (lane)
  )
SELECT
  video_id, video_title, channel_title, status, waits_for,
  CASE
    WHEN status = 'analysed' THEN NULL
    WHEN status = 'failed' THEN coalesce(analysis_reason, captions_reason)
    ELSE CASE waits_for
      WHEN 'dead_letter' THEN letter_reason
      WHEN 'worker' THEN if(
        captions_id IS NULL, coalesce(captions_reason, 'its captions were not taken yet'), 'no analysis is requested yet'
      )
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
      WHEN 'money' THEN if(lane = 'live', 'raise EARMARK_DAILY_CAP_USD', 'raise EARMARK_BACKFILL_SHARE or EARMARK_DAILY_CAP_USD')
        || if(usd > share_usd, '', ', or wait for the next day''s budget')
      WHEN 'analyst' THEN 'a running analyst takes it in turn'
    END
  END AS next_step,
  CASE WHEN status = 'captioned' THEN lane END AS lane,
  CASE WHEN status = 'captioned' THEN share_usd END AS share_usd
FROM waiting;

CREATE VIEW freshness AS
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

-- Two prompts by name, over the videos that both have analysed, on the same captions: the latest that both had, whole
-- where there is a whole one.
CREATE MACRO compare_videos(a, b) AS TABLE
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

-- Every grounded mention of either prompt; one that both have (by mention_id) is the same or changed.
CREATE MACRO compare_mentions(a, b) AS TABLE
WITH
  videos AS (FROM compare_videos(a, b)),
  a_side AS (
    SELECT m.* FROM all_mentions m JOIN videos v ON m.log_partition = v.log_partition AND m.log_offset = v.a_offset
    WHERE m.rejected IS NULL
  ),
  b_side AS (
    SELECT m.* FROM all_mentions m JOIN videos v ON m.log_partition = v.log_partition AND m.log_offset = v.b_offset
    WHERE m.rejected IS NULL
  ),
  paired AS (
    SELECT
      coalesce(x.video_id, y.video_id) AS video_id, coalesce(x.symbol, y.symbol) AS symbol, mention_id,
      CASE WHEN x.action IS NULL THEN 'added' WHEN y.action IS NULL THEN 'dropped' END AS one_sided,
      CASE WHEN x.action <> y.action THEN ['action'] ELSE [] END
      || CASE WHEN x.time_horizon <> y.time_horizon THEN ['time_horizon'] ELSE [] END
      || CASE WHEN x.conviction <> y.conviction THEN ['conviction'] ELSE [] END AS changed,
      x.action AS a_action, y.action AS b_action, x.time_horizon AS a_time_horizon, y.time_horizon AS b_time_horizon,
      x.conviction AS a_conviction, y.conviction AS b_conviction, x.quote AS a_quote, y.quote AS b_quote,
      x.start_ms AS a_start_ms, y.start_ms AS b_start_ms
    FROM a_side x
    FULL JOIN b_side y USING (mention_id)
  )
SELECT
  v.channel_id, v.channel_title, p.video_id, v.video_title, p.mention_id, p.symbol,
  coalesce(p.one_sided, CASE WHEN len(p.changed) > 0 THEN 'changed' ELSE 'same' END) AS change, p.changed,
  p.a_action, p.b_action, p.a_time_horizon, p.b_time_horizon, p.a_conviction, p.b_conviction, p.a_quote, p.b_quote,
  url_at(v.url, p.a_start_ms) AS a_url,
  url_at(v.url, p.b_start_ms) AS b_url
FROM paired p
JOIN videos v USING (video_id);

-- The same in numbers: a row a channel, and last one for all.
CREATE MACRO compare_channels(a, b) AS TABLE
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
      v.channel_id, grouping(v.channel_id) AS is_total,
      avg((m.rejected IS NOT NULL)::INTEGER) FILTER (m.log_offset = v.a_offset) AS a_rejected,
      avg((m.rejected IS NOT NULL)::INTEGER) FILTER (m.log_offset = v.b_offset) AS b_rejected
    FROM videos v
    JOIN all_mentions m ON m.log_partition = v.log_partition AND m.log_offset IN (v.a_offset, v.b_offset)
    GROUP BY GROUPING SETS ((v.channel_id), ())
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

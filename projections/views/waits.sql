CREATE OR REPLACE VIEW open_dead_letters AS
FROM dead_letters WHERE log_offset NOT IN (SELECT letter FROM _dead_letters_retried);
COMMENT ON VIEW open_dead_letters IS 'dead letters that nobody has retried; log_offset is the ID that earmark dead-letters takes';

CREATE OR REPLACE MACRO _retried(letter) AS 'fix the cause, then: earmark dead-letters retry ' || letter;

-- The last open one of each video: of the topics whose key is the video.
CREATE OR REPLACE VIEW _video_letters AS
SELECT key AS video_id, topic, happened_at, log_offset AS letter,
  format('dead letter {} ({}[{}]@{}, {}): {}', log_offset, topic, from_partition, from_offset, handler, error) AS reason
FROM open_dead_letters
WHERE topic IN ('videos', 'captions.requests', 'captions', 'analyses') AND key IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY key ORDER BY log_offset DESC) = 1;

-- What a lane may still be charged on the ledger's present day, under the caps that were last claimed against. What a claim
-- held past midnight is charged on the next day is left out, as in daily_costs.
CREATE OR REPLACE VIEW _lane_room AS
WITH
  ledger AS (
    SELECT max(clock) AS clock, (max(clock) AT TIME ZONE 'UTC')::DATE AS today
    FROM _positions WHERE topic = 'analysis.ledger'
  ),
  charged AS (
    SELECT lane, sum(billed_usd + unknown_usd + open_usd) AS usd
    FROM _charges
    WHERE claimed_at >= (SELECT today::TIMESTAMP AT TIME ZONE 'UTC' FROM ledger) AND day = (SELECT today FROM ledger)
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

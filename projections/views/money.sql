-- A claim counts as what it was settled at. Settled at or past its deadline, or never by then, it counts in full, and
-- nobody knows what was billed. The day of a bill is the UTC day of its claim's append by the broker's clock.
-- A claim that was denied counts as what it was settled at, whenever that was: 0, but for a call without a grant.
-- The verdict is the ledger's, whose fold is not SQL's: it is known from the settlement (or where a claim is above its own
-- cap). Until a settlement stands in the log (moments; where an analyst died, until another looks), or where an older
-- version wrote it, a denied claim counts here as if it were granted. Nowhere else do the bills here and those of
-- `earmark budget`, which folds, differ; it also says what a claim held past midnight is charged on the next day.
CREATE OR REPLACE VIEW _charges AS
WITH
  ledger AS (SELECT max(clock) AS clock FROM _positions WHERE topic = 'analysis.ledger'),
  settled AS (
    SELECT
      c.*, c.clock + to_seconds(c.hold_s) AS deadline, s.outcome, s.retry_at, s.clock AS settled_at, s.usd AS settled_usd,
      s.input_tokens + s.cache_creation_input_tokens + s.cache_read_input_tokens AS input_tokens,
      s.output_tokens,
      coalesce(NOT s.granted, c.usd > least(c.cap_usd, c.lane_cap_usd)) AS denied,
      CASE
        WHEN denied AND coalesce(s.usd, 0) = 0 THEN 'not_called'
        WHEN s.attempt_id IS NULL AND deadline > ledger.clock THEN 'open'
        WHEN s.attempt_id IS NULL OR (s.clock >= deadline AND NOT denied) THEN 'expired'
        WHEN s.outcome = 'not_called' AND s.usd = 0 THEN 'not_called'
        WHEN s.usd > 0 AND NOT s.usage_known THEN 'unknown'
        ELSE 'billed'
      END AS ended
    FROM _claims c
    CROSS JOIN ledger
    LEFT JOIN _settlements s USING (attempt_id)
  )
SELECT
  make_timestamp(epoch_us(clock))::DATE AS day, attempt_id, request_id, analysis_id, attempt, lane, replay_id, prompt_id, model,
  max_tokens, CASE ended WHEN 'expired' THEN 'unknown' ELSE ended END AS state, outcome, input_tokens, output_tokens, usd AS reserved_usd,
  (CASE WHEN ended = 'billed' THEN settled_usd ELSE 0 END)::DECIMAL(18, 9) AS billed_usd,
  (CASE ended WHEN 'unknown' THEN settled_usd WHEN 'expired' THEN usd ELSE 0 END)::DECIMAL(18, 9) AS unknown_usd,
  (CASE WHEN ended = 'open' THEN usd ELSE 0 END)::DECIMAL(18, 9) AS open_usd,
  cap_usd, lane_cap_usd, clock AS claimed_at, deadline, settled_at, retry_at, log_offset
FROM settled;

-- What was said of a claim's failure: that it was for good, where it was.
CREATE OR REPLACE VIEW _last_words AS
SELECT attempt_id, outcome, reason
FROM _failures
WHERE attempt_id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY attempt_id ORDER BY type = 'AnalysisFailed' DESC, log_partition, log_offset) = 1;

CREATE OR REPLACE VIEW attempts AS
SELECT
  c.day, c.attempt_id, c.analysis_id, r.video_id, r.captions_id, c.attempt, c.lane, c.replay_id, c.prompt_id,
  coalesce(p.name, c.prompt_id) AS prompt, c.model, c.max_tokens, c.state, c.outcome, f.outcome AS failure, f.reason,
  c.input_tokens, c.output_tokens, c.reserved_usd, c.billed_usd, c.unknown_usd, c.open_usd, c.cap_usd, c.claimed_at,
  c.deadline, c.settled_at, c.retry_at, c.log_offset
FROM _charges c
LEFT JOIN _requests r USING (request_id)
LEFT JOIN prompts p ON p.prompt_id = c.prompt_id
LEFT JOIN _last_words f ON f.attempt_id = c.attempt_id;
COMMENT ON VIEW attempts IS 'every claim on the budget: what was reserved, billed, or cannot be known';

-- input_tokens are the whole prompts', what was written to and read from the provider's cache included.
CREATE OR REPLACE VIEW daily_costs AS
SELECT
  day, c.model, lane, coalesce(p.name, c.prompt_id) AS prompt,
  count(*) AS attempts,
  count(*) FILTER (outcome = 'completed') AS completed,
  count(*) FILTER (state = 'unknown') AS unknown,
  coalesce(sum(input_tokens), 0)::BIGINT AS input_tokens,
  coalesce(sum(output_tokens), 0)::BIGINT AS output_tokens,
  sum(billed_usd)::DECIMAL(18, 9) AS billed_usd,
  sum(unknown_usd)::DECIMAL(18, 9) AS unknown_usd,
  sum(open_usd)::DECIMAL(18, 9) AS open_usd,
  sum(billed_usd + unknown_usd + open_usd)::DECIMAL(18, 9) AS charged_usd
FROM _charges c
LEFT JOIN prompts p ON p.prompt_id = c.prompt_id
WHERE state <> 'not_called'
GROUP BY ALL;
COMMENT ON VIEW daily_costs IS 'what each UTC day cost by model, lane and prompt; charged = billed + unknown + open; example: FROM daily_costs WHERE day >= DATE ''2026-03-01'' ORDER BY day DESC, charged_usd DESC';

CREATE OR REPLACE VIEW budget_days AS
WITH days AS (
  SELECT
    day,
    arg_max(cap_usd, log_offset) AS cap_usd,
    sum(billed_usd + unknown_usd + open_usd)::DECIMAL(18, 9) AS charged_usd,
    sum(billed_usd)::DECIMAL(18, 9) AS billed_usd,
    sum(unknown_usd)::DECIMAL(18, 9) AS unknown_usd,
    sum(open_usd)::DECIMAL(18, 9) AS open_usd
  FROM _charges
  GROUP BY day
)
SELECT *, greatest(cap_usd - charged_usd, 0)::DECIMAL(18, 9) AS left_usd FROM days;
COMMENT ON VIEW budget_days IS 'each UTC day''s cap, as last claimed against, and what is charged to it; example: FROM budget_days ORDER BY day DESC LIMIT 7';

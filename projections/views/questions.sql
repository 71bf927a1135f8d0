-- What people ask of the calls, ready to be asked.

-- The Monday of a moment's week, in UTC; by arithmetic, for date_trunc of a time with a zone takes a microsecond a row.
CREATE OR REPLACE MACRO _week(moment) AS DATE '1970-01-05' + ((epoch_us(moment) // 86400000000 - 4) // 7 * 7)::INTEGER;

CREATE OR REPLACE VIEW consensus_weeks AS
WITH weeks AS (
  SELECT
    symbol, _week(said_at) AS week, count(*) AS calls, count(DISTINCT channel_id) AS channels, round(avg(conviction), 6) AS conviction,
    count(*) FILTER (action = 'buy') AS buy, count(*) FILTER (action = 'sell') AS sell,
    count(*) FILTER (action = 'hold') AS hold, count(*) FILTER (action = 'watch') AS watch,
    count(*) FILTER (action = 'avoid') AS avoid
  FROM mentions
  GROUP BY ALL
)
SELECT
  symbol, week, calls, channels, buy, sell, hold, watch, avoid, conviction,
  CASE
    WHEN buy * 2 > calls THEN 'buy'
    WHEN sell * 2 > calls THEN 'sell'
    WHEN hold * 2 > calls THEN 'hold'
    WHEN watch * 2 > calls THEN 'watch'
    WHEN avoid * 2 > calls THEN 'avoid'
    ELSE 'mixed'
  END AS consensus
FROM weeks;
COMMENT ON VIEW consensus_weeks IS 'what the channels say of a symbol in a week; example: FROM consensus_weeks WHERE symbol = ''NVDA'' ORDER BY week DESC';

-- Buying is one side, selling and avoiding the other; holding and watching are on none.
CREATE OR REPLACE MACRO _side(action) AS CASE action WHEN 'buy' THEN 1 WHEN 'sell' THEN -1 WHEN 'avoid' THEN -1 END;
CREATE OR REPLACE MACRO _turn(action, previous) AS CASE
  WHEN previous IS NULL THEN 'first'
  WHEN action = previous THEN 'repeat'
  WHEN _side(action) <> _side(previous) THEN 'reversal'
  ELSE 'change'
END;

CREATE OR REPLACE VIEW call_history AS
SELECT
  channel_id, channel_title, symbol, said_at, action,
  lag(action) OVER earlier AS previous_action, lag(said_at) OVER earlier AS previous_said_at,
  _turn(action, previous_action) AS turn,
  conviction, time_horizon, said_as, quote, url, video_id, video_title, mention_id
FROM mentions
WHERE channel_id IS NOT NULL
WINDOW earlier AS (PARTITION BY channel_id, symbol ORDER BY said_at, video_id, start_ms, mention_id);
COMMENT ON VIEW call_history IS 'each call beside the one that the channel made of the symbol before; example: FROM call_history WHERE symbol = ''NVDA'' AND channel_id = ''channel-1'' ORDER BY said_at';

-- The same of the calls since a time alone, of all symbols at once: of what was said before, the last counts.
CREATE OR REPLACE MACRO calls_since(since) AS TABLE
WITH
  recent AS (FROM mentions WHERE said_at >= since AND channel_id IS NOT NULL),
  before AS (
    SELECT
      channel_id, symbol,
      arg_max({'action': action, 'said_at': said_at}, (said_at, video_id, start_ms, mention_id)) AS call
    FROM mentions
    SEMI JOIN (SELECT DISTINCT channel_id, symbol FROM recent) USING (channel_id, symbol)
    WHERE said_at < since
    GROUP BY ALL
  )
SELECT
  channel_id, r.channel_title, symbol, r.said_at, r.action,
  coalesce(lag(r.action) OVER earlier, b.call.action) AS previous_action,
  coalesce(lag(r.said_at) OVER earlier, b.call.said_at) AS previous_said_at,
  _turn(r.action, previous_action) AS turn,
  r.conviction, r.time_horizon, r.said_as, r.quote, r.url, r.video_id, r.video_title, r.mention_id
FROM recent r
LEFT JOIN before b USING (channel_id, symbol)
WINDOW earlier AS (PARTITION BY channel_id, symbol ORDER BY r.said_at, r.video_id, r.start_ms, r.mention_id);
COMMENT ON MACRO TABLE calls_since IS 'the calls since a time: first calls, repeats, changes and reversals, as in call_history; example: FROM calls_since(TIMESTAMPTZ ''2026-03-01 00:00:00Z'') WHERE turn = ''reversal'' ORDER BY said_at DESC';

CREATE OR REPLACE MACRO disagreements(since) AS TABLE
WITH latest AS (
  SELECT
    symbol, channel_id, arg_max(channel_title, said_at) AS channel_title,
    _side(arg_max(action, (said_at, video_id, start_ms, mention_id))) AS side
  FROM mentions
  WHERE said_at >= since AND channel_id IS NOT NULL
  GROUP BY symbol, channel_id
)
SELECT
  symbol, count(*) FILTER (side = 1) AS for_it, count(*) FILTER (side = -1) AS against_it,
  list(channel_title ORDER BY channel_title) FILTER (side = 1) AS who_for,
  list(channel_title ORDER BY channel_title) FILTER (side = -1) AS who_against
FROM latest
GROUP BY symbol
HAVING for_it > 0 AND against_it > 0
ORDER BY least(for_it, against_it) DESC, symbol;
COMMENT ON MACRO TABLE disagreements IS 'symbols that some channels buy and others sell or avoid, by the last call of each since a time; example: FROM disagreements(TIMESTAMPTZ ''2026-03-01 00:00:00Z'')';

CREATE OR REPLACE VIEW channel_weeks AS
SELECT
  channel_id, channel_title, _week(said_at) AS week, count(*) AS calls, round(avg(conviction), 6) AS conviction,
  count(*) FILTER (action = 'buy') AS buy, count(*) FILTER (action = 'sell') AS sell,
  count(*) FILTER (action = 'hold') AS hold, count(*) FILTER (action = 'watch') AS watch,
  count(*) FILTER (action = 'avoid') AS avoid
FROM mentions
GROUP BY ALL;
COMMENT ON VIEW channel_weeks IS 'a channel''s calls in a week; a channel of two titles has two rows; example: FROM channel_weeks WHERE channel_id = ''channel-1'' ORDER BY week DESC';

CREATE OR REPLACE VIEW missing_videos AS
FROM video_status WHERE status <> 'analysed';
COMMENT ON VIEW missing_videos IS 'videos that are not analysed, and why; example: SELECT video_title, status, waits_for, reason, next_try_at, next_step FROM missing_videos';

CREATE OR REPLACE VIEW channel_costs AS
SELECT
  a.day, v.channel_id, v.channel_title, a.model, a.prompt, a.lane, count(*) AS attempts,
  sum(a.billed_usd)::DECIMAL(18, 9) AS billed_usd, sum(a.unknown_usd)::DECIMAL(18, 9) AS unknown_usd,
  sum(a.open_usd)::DECIMAL(18, 9) AS open_usd,
  sum(a.billed_usd + a.unknown_usd + a.open_usd)::DECIMAL(18, 9) AS charged_usd
FROM attempts a
LEFT JOIN videos v USING (video_id)
WHERE a.state <> 'not_called'
GROUP BY ALL;
COMMENT ON VIEW channel_costs IS 'what a day cost by channel, model, prompt and lane; example: FROM channel_costs WHERE day >= DATE ''2026-03-01'' ORDER BY charged_usd DESC';

CREATE OR REPLACE VIEW rejections AS
SELECT
  rejected, channel_id, channel_title, prompt, model, count(*) AS times, max(analysed_at) AS last_analysed_at,
  arg_max(quote, analysed_at) AS last_quote
FROM all_mentions
WHERE rejected IS NOT NULL
GROUP BY ALL;
COMMENT ON VIEW rejections IS 'what grounding rejected and why, of all analyses there ever were; example: SELECT rejected, prompt, sum(times) AS times FROM rejections GROUP BY ALL ORDER BY times DESC';

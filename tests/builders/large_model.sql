-- Run by large_model.py: the variable `videos` says how many.

SET VARIABLE said = (
  SELECT list(translate(substr(md5('phrase ' || i), 1, 3 + i % 20), '0123456789', 'nsterlmwhy') || ' '
    || translate(substr(md5('words ' || i), 1, 4 + i % 9), '0123456789', 'oaeigudcpk') || ' '
    || ['the', 'stock', 'market', 'I', 'think', 'shares', 'going', 'higher', 'of', 'and'][1 + i % 10])
  FROM range(5000) t(i)
);
-- So many phrases of some 25 letters; `seed` chooses them.
CREATE OR REPLACE TEMP MACRO _said(seed, phrases) AS array_to_string(list_transform(
  range(phrases), lambda k: getvariable('said')[1 + (hash(seed, k) % 5000)::INTEGER]), ' ');
CREATE OR REPLACE TEMP MACRO _id(kind, seed) AS md5(concat(kind, ' ', seed))::UUID;

CREATE OR REPLACE TEMP TABLE _source AS
SELECT n, (n % 12)::INTEGER AS log_partition, n // 12 AS place,
  left(md5('video ' || n), 5) || lpad(to_base(n, 36), 6, '0') AS video_id,
  'https://www.youtube.com/watch?v=' || video_id AS url,
  'UC' || left(md5('channel ' || n % 40), 22) AS channel_id,
  'Channel ' || n % 40 AS channel_title,
  _said(n, 3) AS title,
  TIMESTAMPTZ '2024-01-01 09:00:00+00' + INTERVAL 1 MINUTE * (n * 1000000 // greatest(getvariable('videos'), 1)) AS published_at,
  'second' AS published_precision,
  if(n % 3 = 0, 'poll', 'backfill') AS origin,
  published_at + INTERVAL 10 MINUTE AS happened_at,
  _id('captions', n) AS captions_id,
  n % 200 = 5 AS no_captions, n % 200 = 3 AS failed, n % 200 = 9 AS waits
FROM range(getvariable('videos')) t(n);

CREATE OR REPLACE TEMP TABLE _prompt AS
SELECT i, name, sha256(name) AS prompt_id, ('claude-' || name) AS model, activation
FROM (VALUES (0, 'old', 3), (1, 'now', 4), (2, 'candidate', NULL)) t(i, name, activation);

INSERT INTO prompts BY NAME
SELECT prompt_id, name, model, 8000 AS max_tokens, 'low' AS effort, _said(name, 60) AS words, 1 AS schema_version,
  TIMESTAMPTZ '2023-12-01 00:00:00+00' AS happened_at, 0 AS log_partition, i AS log_offset
FROM _prompt;
INSERT INTO activations BY NAME
SELECT activation, prompt_id, nullif(activation - 1, 2) AS previous, TIMESTAMPTZ '2023-12-02 00:00:00+00' AS happened_at,
  0 AS log_partition, activation AS log_offset
FROM _prompt WHERE activation IS NOT NULL;
INSERT INTO _markers BY NAME
SELECT prompt_id, nullif(activation - 1, 2) AS previous, activation, TIMESTAMPTZ '2023-12-02 00:00:00+00' AS happened_at,
  p AS log_partition, i AS log_offset
FROM _prompt, range(12) t(p) WHERE activation IS NOT NULL;
INSERT INTO _channel_events BY NAME
SELECT 'ChannelFollowed' AS type, 'UC' || left(md5('channel ' || c), 22) AS channel_id, '@channel' || c AS handle,
  'Channel ' || c AS title, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS since,
  TIMESTAMPTZ '2023-12-01 00:00:00+00' AS happened_at, 0 AS log_partition, c AS log_offset
FROM range(40) t(c);
INSERT INTO _replays_started BY NAME
SELECT _id('replay', 1) AS replay_id, prompt_id, 0.05 AS share, 100 AS max_usd, false AS follow,
  TIMESTAMPTZ '2026-10-01 00:00:00+00' AS happened_at, 0 AS log_partition, 0 AS log_offset
FROM _prompt WHERE name = 'candidate';

INSERT INTO _discovered BY NAME
SELECT video_id, url, channel_id, channel_title, title, published_at, published_precision, origin, happened_at,
  log_partition, place AS log_offset, _number(video_id) AS _video_number
FROM _source;
INSERT INTO captions BY NAME
SELECT captions_id, video_id, 1 AS revision, 1 AS attempt, 'captions_auto' AS source, 'en' AS language,
  'en' AS original, 2000 + hash(n) % 4000 AS words, 300 + hash(n) % 500 AS segments, url, channel_id, channel_title,
  title, published_at, published_precision, origin, happened_at + INTERVAL 1 MINUTE AS happened_at,
  log_partition, place AS log_offset, _number(video_id) AS _video_number
FROM _source WHERE NOT no_captions;
INSERT INTO caption_failures BY NAME
SELECT video_id, 1 AS revision, 1 AS attempt, 1 AS tries, 'Video unavailable: ' || _said(n, 2) AS reason,
  'permanent' AS failure, url, channel_id, channel_title, title, published_at, published_precision, origin, happened_at,
  log_partition, place AS log_offset, _number(video_id) AS _video_number
FROM _source WHERE no_captions;

-- One row a call: an analysis, or a failure. The ledger has a request, a claim and a settlement of each.
CREATE OR REPLACE TEMP TABLE _call AS
SELECT *, row_number() OVER (ORDER BY n, i) AS number,
  1 + row_number() OVER (PARTITION BY log_partition ORDER BY n, i) AS analysis_offset,
  _id('request', (n, i)) AS request_id, _id('attempt', (n, i)) AS attempt_id, _id('analysis', (n, i)) AS analysis_id,
  if(i = 2, 'replay', if(origin = 'poll', 'live', 'backfill')) AS lane,
  if(i = 2, _id('replay', 1), NULL) AS replay_id,
  3000 + hash(n, i) % 9000 AS input_tokens, 800 + hash(i, n) % 900 AS output_tokens,
  (input_tokens * 3 + output_tokens * 15)::DECIMAL(18, 9) / 1000000 AS usd
FROM (
  SELECT v.*, p.i, p.name AS prompt, p.prompt_id, p.model
  FROM _source v, _prompt p
  WHERE NOT no_captions AND (p.i = 1 OR NOT failed AND NOT waits AND (p.i = 0 AND n % 20 = 0 OR p.i = 2 AND n % 20 = 10))
);
INSERT INTO _requests BY NAME
SELECT request_id, video_id, captions_id, lane, if(i = 2, prompt_id, NULL) AS prompt_id, replay_id,
  happened_at + INTERVAL 2 MINUTE AS happened_at, 0 AS log_partition, 3 * number AS log_offset
FROM _call;
INSERT INTO _claims BY NAME
SELECT attempt_id, request_id, analysis_id, prompt_id, model, 8000 AS max_tokens, 1 AS attempt, lane, replay_id,
  2 * usd AS usd, 100 AS cap_usd, 100 AS lane_cap_usd, 150 AS hold_s, happened_at + INTERVAL 3 MINUTE AS clock,
  clock AS happened_at, 0 AS log_partition, 3 * number + 1 AS log_offset
FROM _call WHERE NOT waits;
INSERT INTO _settlements BY NAME
SELECT attempt_id, analysis_id, if(failed, 'failed', 'completed') AS outcome, usd, true AS usage_known, input_tokens,
  output_tokens, 0 AS cache_creation_input_tokens, 0 AS cache_read_input_tokens, true AS granted,
  happened_at + INTERVAL 4 MINUTE AS clock, clock AS happened_at, 0 AS log_partition, 3 * number + 2 AS log_offset
FROM _call WHERE NOT waits;
INSERT INTO _failures BY NAME
SELECT 'AnalysisFailed' AS type, analysis_id, attempt_id, video_id, captions_id, lane, prompt_id, model,
  'refusal' AS outcome, 'Claude refused: ' || _said(n, 3) AS reason, happened_at + INTERVAL 4 MINUTE AS happened_at,
  log_partition, analysis_offset AS log_offset
FROM _call WHERE failed;

INSERT INTO analyses BY NAME
SELECT analysis_id, attempt_id, video_id, captions_id, 1 AS captions_revision, lane, replay_id, prompt_id, prompt, model,
  1 AS lines_version, 1 AS grounding_version, input_tokens, output_tokens, 0 AS cache_creation_input_tokens,
  0 AS cache_read_input_tokens, usd, ['bullish', 'bearish', 'neutral', 'mixed'][1 + (hash(n, i) % 4)::INTEGER] AS direction,
  _said((n, i, 'r'), 12) AS reasoning, [_said((n, i, 't', k), 1) FOR k IN range(3)] AS themes,
  [_said((n, i, 'k', k), 2) FOR k IN range(3)] AS risks, _said((n, i, 's'), 24) AS summary, url, channel_id,
  channel_title, title, published_at, published_precision, origin, happened_at + INTERVAL 4 MINUTE AS happened_at,
  false AS partial, 'msg_' || left(md5(concat(n, i)), 24) AS response_id, model AS served_model,
  'standard' AS service_tier, log_partition, analysis_offset AS log_offset, _number(video_id) AS _video_number
FROM _call WHERE NOT failed AND NOT waits;
INSERT INTO all_mentions BY NAME
SELECT if(rejected IS NULL, _id('mention', (n, symbol, k)), NULL) AS mention_id, analysis_id, video_id,
  (k + 1)::INTEGER AS ordinal, symbol, _said(s, 1) AS said_as, true AS listed,
  ['buy', 'sell', 'hold', 'watch', 'avoid'][1 + (h % 5)::INTEGER] AS action, (h % 21)::DOUBLE / 20 AS conviction,
  ['intraday', 'days', 'weeks', 'months', 'years', 'unspecified'][1 + (h % 6)::INTEGER] AS time_horizon,
  _said((n, i, k), 3) AS quote, 1 + k * 30 AS line, if(rejected IS NULL, 1000 * (k * 90 + h % 60), NULL)::BIGINT AS start_ms,
  start_ms + 8000 AS end_ms, rejected, log_partition, log_offset
FROM (
  SELECT *, if(h % 12 = 0, 'quote_not_in_transcript', NULL) AS rejected,
    -- Few symbols are in most mouths.
    (1500 * pow(hash(k, n, 'symbol') % 1000000 / 1000000, 3))::INTEGER AS s,
    upper(translate(left(md5('symbol ' || s), 3), '0123456789', 'ghijklmnop')) || chr(65 + s % 26) AS symbol
  FROM (
    SELECT c.n, c.i, c.analysis_id, c.video_id, c.log_partition, c.analysis_offset AS log_offset, k,
      hash(n, k, if(k < 2, i, 0)) AS h
    FROM _call c, range(11) t(k)
    WHERE NOT failed AND NOT waits AND k < 10 + n % 2
  )
);

INSERT INTO signals BY NAME
SELECT 'MentionAdded' AS type, m.mention_id AS subject_id, 1 AS revision, 'live' AS cause, 4 AS activation,
  c.happened_at + INTERVAL 5 MINUTE AS happened_at, c.video_id, c.title AS video_title, c.channel_id, c.channel_title,
  c.published_at, c.published_precision, c.analysis_id, c.prompt_id, c.prompt, c.model, m.symbol, m.said_as, m.listed,
  m.action, m.conviction, m.time_horizon, m.quote, m.start_ms, m.end_ms, url_at(c.url, m.start_ms) AS url,
  'signals.mentions' AS topic, c.log_partition, 11 * c.place + m.ordinal - 1 AS log_offset
FROM all_mentions m JOIN _call c USING (analysis_id)
WHERE m.rejected IS NULL AND c.i = 1;
INSERT INTO signals BY NAME
SELECT 'OutlookAdded' AS type, _id('outlook', n) AS subject_id, 1 AS revision, 'live' AS cause, 4 AS activation,
  c.happened_at + INTERVAL 5 MINUTE AS happened_at, c.video_id, c.title AS video_title, c.channel_id, c.channel_title,
  c.published_at, c.published_precision, c.analysis_id, c.prompt_id, c.prompt, c.model, direction, reasoning, themes,
  risks, summary, c.url, 'signals.outlooks' AS topic, c.log_partition, c.place AS log_offset
FROM analyses a JOIN _call c USING (analysis_id)
WHERE c.i = 1;

INSERT INTO _positions BY NAME
SELECT topic, log_partition, next_offset, coalesce(last_event_at, make_timestamptz(0)) AS clock, last_event_at
FROM (
  FROM (
    SELECT topic, log_partition, max(log_offset) + 1 AS next_offset, max(happened_at) AS last_event_at
    FROM (
      SELECT 'videos' AS topic, log_partition, log_offset, happened_at FROM _discovered
      UNION ALL SELECT 'captions', log_partition, log_offset, happened_at FROM captions
      UNION ALL SELECT 'captions.unavailable', log_partition, log_offset, happened_at FROM caption_failures
      UNION ALL SELECT 'analyses', log_partition, log_offset, happened_at FROM analyses
      UNION ALL SELECT 'analyses', log_partition, log_offset, happened_at FROM _failures
      UNION ALL SELECT 'analyses', log_partition, log_offset, happened_at FROM _markers
      UNION ALL SELECT topic, log_partition, log_offset, happened_at FROM signals
    ) GROUP BY ALL
  )
  UNION ALL
  SELECT 'analysis.ledger', 0, 3 + 3 * (SELECT count(*) FROM _call), (SELECT max(happened_at) FROM _settlements)
  UNION ALL SELECT 'prompts', 0, 5, TIMESTAMPTZ '2023-12-02 00:00:00+00'
  UNION ALL SELECT 'channels', 0, 40, TIMESTAMPTZ '2023-12-01 00:00:00+00'
);

DROP TABLE _call;
DROP TABLE _source;
DROP TABLE _prompt;

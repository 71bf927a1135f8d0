-- The tables. Each is filled by events of one subject, each of its rows by one record: no batch size and no order
-- between topics can change it. A duplicate of a fact is left out within its partition: the first by offset stands.
-- `log_partition` and `log_offset` say where the record stands, `happened_at` is the event's own time. Times are UTC,
-- money is US dollars; names that start in _ are for the views. (`at`, `offset` would need quotes in every query.)

CREATE TABLE _schema (hash VARCHAR, views VARCHAR);

-- The video in an event's body.
CREATE MACRO _video(body) AS json_transform(body -> 'video', '{
  "video_id": "VARCHAR", "url": "VARCHAR", "channel_id": "VARCHAR", "channel_title": "VARCHAR",
  "title": "VARCHAR", "published_at": "TIMESTAMPTZ", "published_precision": "VARCHAR", "origin": "VARCHAR"
}');

-- A video's rows are found by this number in a tenth of the time that its id takes, which is packed as text. Two videos
-- that share one, if ever, are told apart by their ids. md5, for it is the same in every version of DuckDB.
CREATE MACRO _number(video_id) AS md5_number_lower(video_id);

-- How far each partition is read, and from where on: not from 0 if its first records were gone by then. `clock` is the
-- broker's clock there, taken monotonic; 1970 before the first record of Earmark's.
CREATE TABLE _positions (
  topic VARCHAR, log_partition INTEGER, next_offset BIGINT, clock TIMESTAMPTZ,
  last_event_at TIMESTAMPTZ, first_offset BIGINT DEFAULT 0,
  PRIMARY KEY (topic, log_partition)
);
COMMENT ON TABLE _positions IS 'how far each partition of the log is read';

-- One row: the snapshots that lay beside the model when this one was published, and the disk that they took.
CREATE TABLE _snapshots (kept BIGINT, bytes BIGINT);

CREATE TABLE _rejects (
  topic VARCHAR, log_partition INTEGER, log_offset BIGINT, type VARCHAR, reason VARCHAR, value BLOB
);
COMMENT ON TABLE _rejects IS 'records that are no event this version can read, with the reason';

CREATE TABLE _channel_events (
  type VARCHAR, channel_id VARCHAR, handle VARCHAR, title VARCHAR, since TIMESTAMPTZ, happened_at TIMESTAMPTZ,
  log_partition INTEGER, log_offset BIGINT
);

CREATE TABLE _channel_scans (
  channel_id VARCHAR, tab VARCHAR, since TIMESTAMPTZ, complete BOOLEAN, happened_at TIMESTAMPTZ,
  log_partition INTEGER, log_offset BIGINT
);

CREATE TABLE _discovered (
  video_id VARCHAR, url VARCHAR, channel_id VARCHAR, channel_title VARCHAR, title VARCHAR,
  published_at TIMESTAMPTZ, published_precision VARCHAR, origin VARCHAR, happened_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT,
  _video_number UBIGINT
);

CREATE TABLE captions (
  captions_id UUID, video_id VARCHAR, revision INTEGER, attempt INTEGER, source VARCHAR, language VARCHAR,
  original VARCHAR, words BIGINT, segments BIGINT, length_ms BIGINT, url VARCHAR, channel_id VARCHAR, channel_title VARCHAR, title VARCHAR,
  published_at TIMESTAMPTZ, published_precision VARCHAR, origin VARCHAR, happened_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT,
  _video_number UBIGINT
);
COMMENT ON TABLE captions IS 'captions taken, a row each revision of a video''s words (the words stay in the log)';

CREATE TABLE caption_failures (
  video_id VARCHAR, revision INTEGER, attempt INTEGER, tries INTEGER, reason VARCHAR, failure VARCHAR,
  starts_at TIMESTAMPTZ, next_try_at TIMESTAMPTZ, url VARCHAR, channel_id VARCHAR, channel_title VARCHAR, title VARCHAR,
  published_at TIMESTAMPTZ, published_precision VARCHAR, origin VARCHAR, happened_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT,
  _video_number UBIGINT
);
COMMENT ON TABLE caption_failures IS 'tries that brought no captions; next_try_at null: the last one';

CREATE TABLE _captions_requests (
  video_id VARCHAR, revision INTEGER, attempt INTEGER, cause VARCHAR, happened_at TIMESTAMPTZ, log_partition INTEGER,
  log_offset BIGINT
);

CREATE TABLE prompts (
  prompt_id VARCHAR, name VARCHAR, model VARCHAR, max_tokens BIGINT, effort VARCHAR, words VARCHAR,
  schema_version INTEGER, happened_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT
);
COMMENT ON TABLE prompts IS 'prompts registered, word for word';

CREATE TABLE activations (
  activation BIGINT, prompt_id VARCHAR, previous BIGINT, happened_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT
);
COMMENT ON TABLE activations IS 'which prompt was made the active one, when';

-- The same activations as `analyses` has them, one a partition: what is current follows these.
CREATE TABLE _markers (
  prompt_id VARCHAR, previous BIGINT, activation BIGINT, happened_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT
);

CREATE TABLE _requests (
  request_id UUID, video_id VARCHAR, captions_id UUID, lane VARCHAR, prompt_id VARCHAR, replay_id UUID, again INTEGER,
  happened_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT
);

CREATE TABLE _claims (
  attempt_id UUID, request_id UUID, analysis_id UUID, prompt_id VARCHAR, model VARCHAR, max_tokens BIGINT,
  attempt INTEGER, lane VARCHAR, replay_id UUID, usd DECIMAL(18, 9), cap_usd DECIMAL(18, 9),
  lane_cap_usd DECIMAL(18, 9), hold_s BIGINT, clock TIMESTAMPTZ, happened_at TIMESTAMPTZ, log_partition INTEGER,
  log_offset BIGINT
);

CREATE TABLE _settlements (
  attempt_id UUID, analysis_id UUID, outcome VARCHAR, usd DECIMAL(18, 9), usage_known BOOLEAN,
  input_tokens BIGINT, output_tokens BIGINT, cache_creation_input_tokens BIGINT,
  cache_read_input_tokens BIGINT, retry_at TIMESTAMPTZ, granted BOOLEAN, clock TIMESTAMPTZ,
  happened_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT
);

CREATE TABLE _replays_started (
  replay_id UUID, prompt_id VARCHAR, since TIMESTAMPTZ, channel_id VARCHAR, sample BIGINT, seed BIGINT,
  share DOUBLE, max_usd DECIMAL(18, 9), follow BOOLEAN, happened_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT
);

CREATE TABLE _replays_cancelled (replay_id UUID, happened_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT);

CREATE TABLE analyses (
  analysis_id UUID, attempt_id UUID, video_id VARCHAR, captions_id UUID, captions_revision INTEGER,
  lane VARCHAR, replay_id UUID, prompt_id VARCHAR, prompt VARCHAR, model VARCHAR, lines_version INTEGER,
  grounding_version INTEGER, input_tokens BIGINT, output_tokens BIGINT, cache_creation_input_tokens BIGINT,
  cache_read_input_tokens BIGINT, usd DECIMAL(18, 9), direction VARCHAR,
  reasoning VARCHAR USING COMPRESSION zstd, themes VARCHAR[], risks VARCHAR[], summary VARCHAR USING COMPRESSION zstd, url VARCHAR, channel_id VARCHAR,
  channel_title VARCHAR, title VARCHAR, published_at TIMESTAMPTZ, published_precision VARCHAR, origin VARCHAR, happened_at TIMESTAMPTZ,
  partial BOOLEAN, response_id VARCHAR, served_model VARCHAR, inference_geo VARCHAR, service_tier VARCHAR, response_usage JSON,
  log_partition INTEGER, log_offset BIGINT, is_current BOOLEAN DEFAULT false, _video_number UBIGINT
);
COMMENT ON TABLE analyses IS 'every answer of Claude, also of prompts that are not active; of an analysis perhaps a partial one and a whole one';

CREATE TABLE all_mentions (
  mention_id UUID, analysis_id UUID, video_id VARCHAR, ordinal INTEGER, symbol VARCHAR, said_as VARCHAR,
  listed BOOLEAN, action VARCHAR, conviction DOUBLE, time_horizon VARCHAR, quote VARCHAR, line BIGINT,
  start_ms BIGINT, end_ms BIGINT, rejected VARCHAR, match VARCHAR, condition VARCHAR,
  levels STRUCT(kind VARCHAR, "value" DECIMAL(18, 9), value_to DECIMAL(18, 9), unit VARCHAR, words VARCHAR)[],
  speaker VARCHAR, position VARCHAR, paid BOOLEAN, expires VARCHAR,
  dropped STRUCT(part VARCHAR, reason VARCHAR, words VARCHAR)[],
  video_url VARCHAR, video_title VARCHAR, channel_id VARCHAR,
  channel_title VARCHAR, published_at TIMESTAMPTZ, published_precision VARCHAR, prompt_id VARCHAR, prompt VARCHAR,
  model VARCHAR, analysed_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT, is_current BOOLEAN DEFAULT false
);
-- What its analysis says of the video stands in each row: a mention is found by all of it in one scan, and the ten of one
-- video take little more than one.
COMMENT ON TABLE all_mentions IS 'every mention of every analysis, with the place of its row in analyses; rejected says why one is not grounded';

CREATE TABLE _failures (
  type VARCHAR, analysis_id UUID, attempt_id UUID, video_id VARCHAR, captions_id UUID, lane VARCHAR,
  prompt_id VARCHAR, model VARCHAR, outcome VARCHAR, reason VARCHAR, happened_at TIMESTAMPTZ, log_partition INTEGER,
  log_offset BIGINT
);

-- What was published stands here whole, though most of it stands in the analyses, too: a retraction tells what an earlier
-- one said, a log may have lost an analysis whose signals it has, and neither topic waits for the other. Its texts are
-- asked for seldom, so they are packed tighter than those of mentions.
CREATE TABLE signals (
  type VARCHAR, subject_id UUID, revision INTEGER, cause VARCHAR, activation BIGINT, happened_at TIMESTAMPTZ,
  video_id VARCHAR, video_title VARCHAR, channel_id VARCHAR, channel_title VARCHAR,
  published_at TIMESTAMPTZ, published_precision VARCHAR, analysis_id UUID, prompt_id VARCHAR, prompt VARCHAR, model VARCHAR,
  symbol VARCHAR, said_as VARCHAR, listed BOOLEAN, action VARCHAR, conviction DOUBLE,
  time_horizon VARCHAR, quote VARCHAR USING COMPRESSION zstd, start_ms BIGINT, end_ms BIGINT, url VARCHAR,
  match VARCHAR, condition VARCHAR,
  levels STRUCT(kind VARCHAR, "value" DECIMAL(18, 9), value_to DECIMAL(18, 9), unit VARCHAR, words VARCHAR)[],
  speaker VARCHAR, position VARCHAR, paid BOOLEAN, expires VARCHAR,
  dropped STRUCT(part VARCHAR, reason VARCHAR, words VARCHAR)[],
  direction VARCHAR, reasoning VARCHAR USING COMPRESSION zstd, themes VARCHAR[], risks VARCHAR[],
  summary VARCHAR USING COMPRESSION zstd, changed VARCHAR[], reason VARCHAR, topic VARCHAR, log_partition INTEGER, log_offset BIGINT
);
COMMENT ON TABLE signals IS 'every signal that was published, as it was published';

CREATE TABLE dead_letters (
  topic VARCHAR, from_partition INTEGER, from_offset BIGINT, key VARCHAR, handler VARCHAR, error VARCHAR,
  attempt INTEGER, happened_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT
);
COMMENT ON TABLE dead_letters IS 'messages that no retry of the worker helped: where they stand and why; log_offset is their ID';

-- `letter` is a dead letter's log_offset.
CREATE TABLE _dead_letters_retried (
  letter BIGINT, to_partition INTEGER, to_offset BIGINT, happened_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT
);

-- Kept from the tables above by kept.py, in the transaction that changes them, with `is_current` of `analyses` and
-- `all_mentions`.
CREATE TABLE videos (
  video_id VARCHAR, url VARCHAR, video_title VARCHAR, channel_id VARCHAR, channel_title VARCHAR, published_at TIMESTAMPTZ,
  published_precision VARCHAR, origin VARCHAR, discovered_at TIMESTAMPTZ, captions_id UUID, captions_revision INTEGER,
  captions_source VARCHAR, language VARCHAR, original VARCHAR, words BIGINT, length_ms BIGINT, captioned_at TIMESTAMPTZ,
  analysis_id UUID, partial BOOLEAN, direction VARCHAR, prompt VARCHAR, model VARCHAR, analysed_at TIMESTAMPTZ, mentions BIGINT,
  _video_number UBIGINT
);
COMMENT ON TABLE videos IS 'every video that was seen, with its latest captions and its current analysis; example: SELECT published_at, channel_title, video_title, mentions, url FROM videos ORDER BY published_at DESC LIMIT 50';

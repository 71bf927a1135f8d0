CREATE OR REPLACE VIEW mentions AS
SELECT
  mention_id, symbol, said_as, listed, action, conviction, time_horizon, quote, line, start_ms, end_ms,
  url_at(video_url, start_ms) AS url, match, condition, levels, speaker, position, paid, expires, dropped,
  video_id, video_title, channel_id, channel_title, published_at, published_precision,
  analysis_id, prompt_id, prompt, model, analysed_at, coalesce(published_at, analysed_at) AS said_at
FROM all_mentions
WHERE is_current AND rejected IS NULL AND paid IS NOT true;
COMMENT ON VIEW mentions IS 'stock calls that stand: grounded in the words spoken, no sponsor''s, of each video''s current analysis; example: SELECT said_at, channel_title, symbol, action, quote, url FROM mentions ORDER BY said_at DESC LIMIT 50';

CREATE OR REPLACE VIEW outlooks AS
SELECT
  direction, reasoning, themes, risks, coalesce(summary, '') AS summary, video_id, title AS video_title, url, channel_id,
  channel_title, published_at, published_precision, analysis_id, prompt_id, prompt, model, happened_at AS analysed_at
FROM analyses
WHERE is_current AND direction IS NOT NULL;
COMMENT ON VIEW outlooks IS 'each video''s view of the market, by its current analysis; example: SELECT published_at, channel_title, direction, reasoning FROM outlooks ORDER BY published_at DESC LIMIT 50';

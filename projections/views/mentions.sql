-- The current analysis of a video: of those that exist, the one with the latest activation of its prompt, then with the
-- latest captions. An activation counts for a partition's videos once its marker stands there. A partial one counts only
-- until a whole one does.
CREATE OR REPLACE VIEW _current AS
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

CREATE OR REPLACE VIEW mentions AS
SELECT
  m.mention_id, m.symbol, m.said_as, m.listed, m.action, m.conviction, m.time_horizon, m.quote, m.line,
  m.start_ms, m.end_ms,
  url_at(a.url, m.start_ms) AS url,
  a.video_id, a.title AS video_title, a.channel_id, a.channel_title, a.published_at,
  a.published_precision,
  a.analysis_id, a.prompt_id, a.prompt, a.model, a.happened_at AS analysed_at
FROM all_mentions m
JOIN _current a ON a.log_partition = m.log_partition AND a.log_offset = m.log_offset
WHERE m.rejected IS NULL;
COMMENT ON VIEW mentions IS 'stock calls that stand: grounded in the words spoken, of each video''s current analysis';

CREATE OR REPLACE VIEW outlooks AS
SELECT
  direction, reasoning, themes, risks, coalesce(summary, '') AS summary, video_id, title AS video_title, url, channel_id,
  channel_title, published_at, published_precision, analysis_id, prompt_id, prompt, model, happened_at AS analysed_at
FROM _current
WHERE direction IS NOT NULL;
COMMENT ON VIEW outlooks IS 'each video''s view of the market, by its current analysis';

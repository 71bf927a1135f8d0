-- What was learnt later stands before what was known first. Another video of the same number is left by the joins below.
INSERT INTO videos BY NAME
WITH
  discovered AS (
    FROM _discovered SEMI JOIN touched USING (_video_number)
    QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY log_partition, log_offset) = 1
  ),
  latest_captions AS (
    FROM captions SEMI JOIN touched USING (_video_number)
    QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY revision DESC, log_partition, log_offset) = 1
  ),
  latest_failure AS (
    FROM caption_failures SEMI JOIN touched USING (_video_number)
    QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY revision DESC, attempt DESC, log_partition, log_offset) = 1
  ),
  current AS (
    SELECT video_id, analysis_id, partial, direction, prompt, model, happened_at, log_partition, log_offset
    FROM analyses SEMI JOIN touched USING (_video_number)
    WHERE is_current
  ),
  grounded AS (
    SELECT m.log_partition, m.log_offset, count(*) AS mentions
    FROM all_mentions m
    JOIN current a ON a.log_partition = m.log_partition AND a.log_offset = m.log_offset
    WHERE m.rejected IS NULL AND m.paid IS NOT true
    GROUP BY ALL
  )
SELECT
  t.video_id, t._video_number,
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
  c.captions_id, c.revision AS captions_revision, c.source AS captions_source, c.language, c.original, c.words, c.length_ms,
  c.happened_at AS captioned_at,
  a.analysis_id, a.partial, a.direction, a.prompt, a.model, a.happened_at AS analysed_at,
  CASE WHEN a.analysis_id IS NOT NULL THEN coalesce(g.mentions, 0) END AS mentions
FROM touched t
LEFT JOIN discovered d USING (video_id)
LEFT JOIN latest_captions c USING (video_id)
LEFT JOIN latest_failure f USING (video_id)
LEFT JOIN current a USING (video_id)
LEFT JOIN grounded g ON g.log_partition = a.log_partition AND g.log_offset = a.log_offset
WHERE d.video_id IS NOT NULL OR c.video_id IS NOT NULL OR f.video_id IS NOT NULL

-- The current analysis of a video: of those that exist, the one with the latest activation of its prompt, then with the
-- latest captions. An activation counts for a partition's videos once its marker stands there. A partial one counts only
-- until a whole one does.
WITH
  activated AS (
    SELECT log_partition, prompt_id, max(activation) AS activation FROM _markers GROUP BY ALL
  ),
  ranked AS (
    SELECT
      a.log_partition, a.log_offset,
      activated.activation IS NOT NULL AND row_number() OVER (
        PARTITION BY a.video_id
        ORDER BY activated.activation IS NULL, a.partial, activated.activation DESC, a.captions_revision DESC,
          a.log_partition, a.log_offset
      ) = 1 AS is_current
    FROM analyses a
    SEMI JOIN touched USING (_video_number)
    LEFT JOIN activated USING (log_partition, prompt_id)
  )
UPDATE analyses
SET is_current = ranked.is_current
FROM ranked
WHERE analyses.log_partition = ranked.log_partition AND analyses.log_offset = ranked.log_offset
  AND analyses.is_current <> ranked.is_current

INSERT INTO _documents BY NAME
SELECT
  new.* EXCLUDE (texts, starts_ms, ends_ms) REPLACE (captions_id::UUID AS captions_id), len(texts) AS segments,
  coalesce(counted.terms, 0) AS terms
FROM new LEFT JOIN (SELECT doc, sum(frequency) AS terms FROM new_postings GROUP BY doc) counted USING (doc)
ORDER BY doc

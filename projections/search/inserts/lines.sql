INSERT INTO _lines BY NAME
SELECT
  doc, generate_subscripts(texts, 1) - 1 AS ordinal, unnest(starts_ms) AS start_ms, unnest(ends_ms) AS end_ms,
  unnest(texts) AS text
FROM new

-- Each word that is written differently is cut into terms once a batch.
CREATE OR REPLACE TEMP TABLE new_postings AS
WITH
  words AS MATERIALIZED (
    SELECT doc, word, count(*) AS times
    FROM (SELECT doc, unnest(string_split(array_to_string(texts, ' '), ' ')) AS word FROM new)
    GROUP BY ALL
  )
SELECT term, doc, sum(times) AS frequency
FROM words JOIN _terms((SELECT list(DISTINCT word) FROM words)) ON word = text
GROUP BY ALL

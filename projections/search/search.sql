-- The 50 transcripts that have most of `words` (Okapi BM25: a rare word counts for more, a long transcript for less), and
-- of each the line that has most of them, the first of such lines. Rarity is that among all that was ever said.
-- Where a small table is joined, it is by SEMI JOIN or once little is left: DuckDB 2.0 dies now and then of a join that
-- brings columns of a small table to few rows of a large one (`dict-surviving cache`). What is known of a document is taken
-- from a list by its number.
CREATE OR REPLACE MACRO search(words, channel := NULL, since := NULL) AS TABLE
WITH
  asked AS MATERIALIZED (SELECT DISTINCT term FROM _terms([words::VARCHAR])),
  found AS MATERIALIZED (
    SELECT term, docs, frequencies FROM _postings SEMI JOIN asked USING (term)
    UNION ALL
    SELECT term, docs, frequencies FROM _small_runs SEMI JOIN asked USING (term)
    UNION ALL
    SELECT term, list(doc ORDER BY doc), list(frequency ORDER BY doc) FROM _recent SEMI JOIN asked USING (term) GROUP BY term
  ),
  size AS MATERIALIZED (SELECT count(*) AS documents, avg(terms) AS terms FROM _documents),
  weights AS MATERIALIZED (
    SELECT term, ln(1 + (any_value(documents) - sum(len(docs)) + 0.5) / (sum(len(docs)) + 0.5)) AS weight
    FROM found, size
    GROUP BY term
  ),
  -- Null for those that are not asked for.
  lengths AS MATERIALIZED (
    SELECT list(
      CASE
        WHEN doc NOT IN (FROM _superseded)
        AND (channel IS NULL OR channel_id = channel OR lower(channel_title) = lower(channel))
        AND (since IS NULL OR published_at >= since::TIMESTAMPTZ)
        THEN 1.2 * (0.25 + 0.75 * terms / (SELECT size.terms FROM size))
      END
      ORDER BY doc
    ) AS of_doc
    FROM _documents
  ),
  hits AS (
    SELECT weight, unnest(docs) AS doc, unnest(frequencies) AS frequency FROM found JOIN weights USING (term)
  ),
  scores AS MATERIALIZED (
    SELECT doc, sum(weight * 2.2 * frequency / (frequency + length)) AS score
    FROM (SELECT *, (SELECT of_doc FROM lengths)[doc + 1] AS length FROM hits)
    WHERE length IS NOT NULL
    GROUP BY doc
  ),
  likeliest AS MATERIALIZED (
    FROM scores WHERE score >= (SELECT min(score) FROM (SELECT score FROM scores ORDER BY score DESC LIMIT 50))
  ),
  documents AS MATERIALIZED (
    SELECT doc, video_id, video_title, channel_title, published_at, url FROM _documents SEMI JOIN likeliest USING (doc)
  ),
  best AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY score DESC, video_id) AS rank, *
    FROM likeliest JOIN documents USING (doc)
    ORDER BY score DESC, video_id
    LIMIT 50
  ),
  -- What has a term has its letters, which is quicker to see than the term; and a word is cut into terms once.
  lines AS MATERIALIZED (
    SELECT DISTINCT doc, ordinal, start_ms, text
    FROM _lines SEMI JOIN best USING (doc)
    JOIN asked ON contains(strip_accents(lower(text)), strip_accents(term))
  ),
  spoken AS MATERIALIZED (SELECT doc, ordinal, unnest(string_split(text, ' ')) AS word FROM lines),
  likely AS (
    SELECT DISTINCT word
    FROM (SELECT DISTINCT word FROM spoken) JOIN asked ON contains(strip_accents(lower(word)), strip_accents(term))
  ),
  known AS MATERIALIZED (
    SELECT DISTINCT text AS word, term, weight
    FROM _terms((SELECT list(word) FROM likely)) JOIN weights USING (term)
  ),
  heard AS MATERIALIZED (FROM spoken SEMI JOIN known USING (word)),
  chosen AS MATERIALIZED (
    SELECT doc, ordinal
    FROM (SELECT DISTINCT doc, ordinal, term, weight FROM heard JOIN known USING (word))
    GROUP BY doc, ordinal
    QUALIFY row_number() OVER (PARTITION BY doc ORDER BY sum(weight) DESC, ordinal) = 1
  ),
  shown AS MATERIALIZED (FROM lines SEMI JOIN chosen USING (doc, ordinal))
SELECT
  rank, score, video_id, video_title, channel_title, published_at, text AS line, start_ms, _url_at(url, start_ms) AS url
FROM best JOIN shown USING (doc)
ORDER BY rank;
COMMENT ON MACRO TABLE search IS 'the 50 transcripts that have most of the words, the best first, each with its best line; channel: its ID or title, since: published then or later; example: SELECT video_title, line, url FROM search(''buying gold'', since := ''2026-01-01'')';

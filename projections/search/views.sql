-- As url_at in the model, for whoever opens this file alone.
CREATE OR REPLACE MACRO _url_at(url, start_ms) AS
url || CASE WHEN contains(url, '?') THEN '&' ELSE '?' END || 't=' || (start_ms // 1000) || 's';

CREATE OR REPLACE VIEW segments AS
SELECT
  video_id, ordinal, start_ms, end_ms, text,
  _url_at(url, start_ms) AS url,
  video_title, channel_id, channel_title, published_at, captions_id
FROM _documents ANTI JOIN _superseded USING (doc) JOIN _lines USING (doc);
COMMENT ON VIEW segments IS 'what was said, a row a line of the latest words of each video; example: SELECT start_ms, text, url FROM segments WHERE video_id = ''video-1'' ORDER BY ordinal';

-- Grouped by all that a reader may ask for, so that only the lines of what is asked for are put together.
CREATE OR REPLACE VIEW transcripts AS
SELECT
  video_id, string_agg(text, ' ' ORDER BY ordinal) AS text,
  url, video_title, channel_id, channel_title, published_at, published_precision, captions_id, revision, source, language,
  original, segments, captioned_at
FROM _documents ANTI JOIN _superseded USING (doc) JOIN _lines USING (doc)
GROUP BY ALL;
COMMENT ON VIEW transcripts IS 'what was said, a row a video: its latest words; quick for the videos you name, slow for all; example: SELECT text FROM transcripts WHERE video_id = ''video-1''';

-- A video's address at the second in which `start_ms` falls, as in the signals.
CREATE OR REPLACE MACRO url_at(url, start_ms) AS
url || CASE WHEN contains(url, '?') THEN '&' ELSE '?' END || 't=' || (start_ms // 1000) || 's';
COMMENT ON MACRO url_at IS 'a video''s address at the second in which start_ms falls; example: SELECT url_at(url, 61500) FROM videos';

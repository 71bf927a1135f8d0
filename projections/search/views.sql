CREATE OR REPLACE VIEW segments AS
SELECT
  video_id, ordinal, start_ms, end_ms, text,
  url_at(url, start_ms) AS url,
  video_title, channel_id, channel_title, published_at, captions_id
FROM _documents ANTI JOIN _superseded USING (doc) JOIN _lines USING (doc);
COMMENT ON VIEW segments IS 'what was said, a row a line of the latest words of each video';
COMMENT ON COLUMN segments.video_id IS 'the video, as YouTube has it';
COMMENT ON COLUMN segments.ordinal IS 'place of the line in the transcript, from 0';
COMMENT ON COLUMN segments.start_ms IS 'when it is first seen, milliseconds into the video';
COMMENT ON COLUMN segments.end_ms IS 'when it goes, milliseconds into the video';
COMMENT ON COLUMN segments.text IS 'the line, as it was captioned';
COMMENT ON COLUMN segments.url IS 'address of the video at that second';
COMMENT ON COLUMN segments.video_title IS 'null: not known';
COMMENT ON COLUMN segments.channel_id IS 'null: not known';
COMMENT ON COLUMN segments.channel_title IS 'null: not known';
COMMENT ON COLUMN segments.published_at IS 'when it was published; null: not known';
COMMENT ON COLUMN segments.captions_id IS 'the words that it is of, as in captions';

-- Grouped by all that a reader may ask for, so that only the lines of what is asked for are put together.
CREATE OR REPLACE VIEW transcripts AS
SELECT
  video_id, string_agg(text, ' ' ORDER BY ordinal) AS text,
  url, video_title, channel_id, channel_title, published_at, published_precision, captions_id, revision, source, language,
  original, segments, extracted_at
FROM _documents ANTI JOIN _superseded USING (doc) JOIN _lines USING (doc)
GROUP BY ALL;
COMMENT ON VIEW transcripts IS 'what was said, a row a video: its latest words';
COMMENT ON COLUMN transcripts.video_id IS 'the video, as YouTube has it';
COMMENT ON COLUMN transcripts.text IS 'all its lines, a blank between them';
COMMENT ON COLUMN transcripts.url IS 'address of the video';
COMMENT ON COLUMN transcripts.video_title IS 'null: not known';
COMMENT ON COLUMN transcripts.channel_id IS 'null: not known';
COMMENT ON COLUMN transcripts.channel_title IS 'null: not known';
COMMENT ON COLUMN transcripts.published_at IS 'when it was published; null: not known';
COMMENT ON COLUMN transcripts.published_precision IS 'second, or day: only the date is known; null: published_at is';
COMMENT ON COLUMN transcripts.captions_id IS 'these words, as in captions';
COMMENT ON COLUMN transcripts.revision IS 'how often its words were taken, from 1';
COMMENT ON COLUMN transcripts.source IS 'captions_manual: written by a person, or captions_auto';
COMMENT ON COLUMN transcripts.language IS 'of the captions, as YouTube names it';
COMMENT ON COLUMN transcripts.original IS 'whether that is the language spoken: yes, no, unknown';
COMMENT ON COLUMN transcripts.segments IS 'how many lines';
COMMENT ON COLUMN transcripts.extracted_at IS 'when the words were taken';

CREATE TABLE _schema (hash VARCHAR);

CREATE TABLE _positions (topic VARCHAR, log_partition INTEGER, next_offset BIGINT);

-- Of this file, as in the model.
CREATE TABLE _snapshots (kept BIGINT, bytes BIGINT);

-- A revision of a video's words each. `doc` numbers them as they came; `terms`: how many terms are indexed of it.
CREATE TABLE _documents (
  doc UINTEGER, captions_id UUID, video_id VARCHAR, revision INTEGER, source VARCHAR, language VARCHAR, original VARCHAR,
  segments UINTEGER, terms UINTEGER, url VARCHAR, channel_id VARCHAR, channel_title VARCHAR, video_title VARCHAR,
  published_at TIMESTAMPTZ, published_precision VARCHAR, captioned_at TIMESTAMPTZ, log_partition INTEGER, log_offset BIGINT
);

-- Those that are not their video's latest words.
CREATE TABLE _superseded (doc UINTEGER);

-- A row each, not an array a document: 50 documents' words are read in 10 ms so, and in 200 ms out of whole texts, of which
-- the engine has to unpack 2,048 to read one.
CREATE TABLE _lines (doc UINTEGER, ordinal UINTEGER, start_ms BIGINT, end_ms BIGINT, text VARCHAR);

-- The index. What came last lies as it came; more of it becomes a run, sorted by term; eight of them become one in
-- `_postings`. So nothing that is large is written for a small batch, and few runs are looked at for a question. Nothing is
-- ever deleted from `_postings`: the engine would put its small groups of rows together, which a question is quick by.
CREATE TABLE _recent (term VARCHAR, doc UINTEGER, frequency UINTEGER);
CREATE TABLE _small_runs (run UINTEGER, term VARCHAR, docs UINTEGER[], frequencies UINTEGER[]);
CREATE TABLE _postings (run UINTEGER, term VARCHAR, docs UINTEGER[], frequencies UINTEGER[]);
-- `past`: the documents before that one are in runs.
CREATE TABLE _runs (run UINTEGER, merged BOOLEAN, past UINTEGER);

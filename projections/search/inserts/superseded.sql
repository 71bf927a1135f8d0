INSERT INTO _superseded
SELECT doc FROM (
  FROM _documents SEMI JOIN new USING (video_id)
  QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY revision DESC, log_partition, log_offset) > 1
)
ANTI JOIN _superseded USING (doc)

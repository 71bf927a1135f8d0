UPDATE all_mentions
SET is_current = a.is_current
FROM (SELECT log_partition, log_offset, is_current FROM analyses SEMI JOIN touched USING (_video_number)) a
WHERE all_mentions.log_partition = a.log_partition AND all_mentions.log_offset = a.log_offset
  AND all_mentions.is_current <> a.is_current

SELECT log_offset, happened_at, topic, from_partition, from_offset, handler, error,
  log_offset NOT IN (SELECT letter FROM _dead_letters_retried)
FROM dead_letters
WHERE (happened_at >= $begins AND happened_at < $ends) OR log_offset NOT IN (SELECT letter FROM _dead_letters_retried)
ORDER BY log_offset DESC LIMIT $rows

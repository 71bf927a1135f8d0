SELECT waits_for, count(*), count(*) FILTER (next_try_at IS NOT NULL AND next_try_at <= $now),
  min(next_try_at) FILTER (next_try_at > $now)
FROM video_status WHERE waits_for IS NOT NULL
GROUP BY waits_for ORDER BY count(*) DESC, waits_for

SELECT action, count(*), count(DISTINCT video_id), count(DISTINCT symbol) FROM mentions
WHERE analysed_at >= $begins AND analysed_at < $ends
GROUP BY action ORDER BY count(*) DESC, action

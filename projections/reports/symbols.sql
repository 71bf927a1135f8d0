SELECT symbol, count(*), count(DISTINCT channel_id),
  count(*) FILTER (action = 'buy'), count(*) FILTER (action = 'hold'), count(*) FILTER (action = 'sell'),
  count(*) FILTER (action = 'watch'), count(*) FILTER (action = 'avoid')
FROM mentions
WHERE analysed_at >= $begins AND analysed_at < $ends
GROUP BY symbol ORDER BY count(*) DESC, symbol LIMIT $top

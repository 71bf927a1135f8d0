-- The action of more than half of a symbol's calls, by the videos of the days before a time, as they were heard by then.
WITH
  times AS (SELECT unnest([$begins, $ends]) AS until, unnest(['before', 'after']) AS side),
  heard AS (
    SELECT side, symbol, action, count(*) AS calls, sum(count(*)) OVER (PARTITION BY side, symbol) AS of_all
    FROM mentions JOIN times
      ON analysed_at < until AND coalesce(published_at, analysed_at) >= until - to_days($days)
    GROUP BY side, symbol, action
  ),
  consensus AS (
    SELECT side, symbol, any_value(of_all)::BIGINT AS calls,
      coalesce(max(action) FILTER (calls * 2 > of_all), 'mixed') AS action
    FROM heard GROUP BY side, symbol HAVING any_value(of_all) >= $least
  )
SELECT symbol, b.action, a.action, b.calls, a.calls
FROM consensus b JOIN consensus a USING (symbol)
WHERE b.side = 'before' AND a.side = 'after' AND a.action <> b.action
ORDER BY a.calls DESC, symbol

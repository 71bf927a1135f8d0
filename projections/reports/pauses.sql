-- Answers of one sort in a row are a stretch: YouTube's refusals until somebody was served, calls that Claude left without
-- an answer until one was answered. It ends with the answer that ends it, and is shown if it reaches into the span.
WITH
  answers AS (
    SELECT 'YouTube' AS who, happened_at, failure = 'soon' AS refused, reason FROM caption_failures
    UNION ALL SELECT 'YouTube', happened_at, false, NULL FROM captions
    UNION ALL SELECT 'Claude', settled_at, coalesce(failure IN ('provider_error', 'unknown', 'expired'), false), reason
      FROM attempts WHERE settled_at IS NOT NULL AND (state <> 'not_called' OR failure IS NOT NULL)
  ),
  numbered AS (
    SELECT *, count(*) FILTER (NOT refused) OVER (
      PARTITION BY who ORDER BY happened_at, refused ROWS UNBOUNDED PRECEDING
    ) AS stretch
    FROM answers
  ),
  stretches AS (
    SELECT who, stretch, min(happened_at) AS since, count(*) AS refusals, max_by(reason, happened_at) AS reason
    FROM numbered WHERE refused GROUP BY who, stretch
  )
SELECT s.who, s.since, n.happened_at, s.refusals, s.reason
FROM stretches s
LEFT JOIN numbered n ON n.who = s.who AND n.stretch = s.stretch + 1 AND NOT n.refused
WHERE s.since < $ends AND coalesce(n.happened_at, $ends) >= $begins
ORDER BY s.since, s.who

SELECT lane, sum(attempts)::BIGINT, sum(completed)::BIGINT, sum(billed_usd)::DECIMAL(18, 9),
  sum(unknown_usd)::DECIMAL(18, 9), sum(open_usd)::DECIMAL(18, 9), sum(charged_usd)::DECIMAL(18, 9)
FROM daily_costs WHERE day >= $first_day AND day <= $last_day
GROUP BY lane ORDER BY lane

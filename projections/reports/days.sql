SELECT day, cap_usd, charged_usd, left_usd FROM budget_days
WHERE day >= $first_day AND day <= $last_day ORDER BY day

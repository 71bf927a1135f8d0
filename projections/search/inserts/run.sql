INSERT INTO _small_runs
SELECT $run, term, list(doc), list(frequency)
FROM (SELECT term, doc, frequency FROM new_postings UNION ALL FROM _recent)
GROUP BY term ORDER BY term

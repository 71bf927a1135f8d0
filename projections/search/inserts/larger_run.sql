INSERT INTO _postings
SELECT $run, term, flatten(list(docs)), flatten(list(frequencies))
FROM _small_runs
GROUP BY term ORDER BY term

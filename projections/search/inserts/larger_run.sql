INSERT INTO _postings
SELECT $run, term, flatten(list(docs)), flatten(list(frequencies))
FROM _postings WHERE list_contains($small, run)
GROUP BY term ORDER BY term

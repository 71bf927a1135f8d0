INSERT INTO _recent BY NAME FROM new_postings

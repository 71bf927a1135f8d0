-- Scripts that put no blanks between words, and Korean, whose words carry endings: for use in a class of characters.
CREATE OR REPLACE MACRO _wide() AS
'\x{E00}-\x{EFF}\x{1000}-\x{109F}\x{1100}-\x{11FF}\x{1780}-\x{17FF}\x{2E80}-\x{2FDF}\x{3005}-\x{3007}\x{3041}-\x{3096}'
|| '\x{30A1}-\x{30FA}\x{30FC}-\x{31FF}\x{3400}-\x{9FFF}\x{A960}-\x{A97F}\x{AC00}-\x{D7FF}\x{F900}-\x{FAFF}'
|| '\x{FF66}-\x{FFDC}\x{20000}-\x{3FFFF}';

-- The terms of each of `texts`, as often as they stand there: what is searched for is cut up as what was said.
-- A term is letters and digits, in small letters; Latin, Greek and Cyrillic ones without their accents. Of the scripts above
-- it is two characters, each with the next.
CREATE OR REPLACE MACRO _terms(texts) AS TABLE
WITH
  pieces AS (
    SELECT text, unnest(regexp_extract_all(
      lower(text), '[' || _wide() || ']+|[^\p{P}\p{S}\p{Z}\p{C}' || _wide() || ']+'
    )) AS piece
    FROM (SELECT unnest(texts) AS text)
  ),
  cut AS (
    SELECT
      text, piece,
      CASE
        WHEN strlen(piece) = length(piece) OR NOT regexp_matches(piece, '^[' || _wide() || ']') THEN [0]
        ELSE range(1, greatest(length(piece), 2))
      END AS places
    FROM pieces
  )
SELECT text, CASE
  WHEN place > 0 THEN substr(piece, place, 2)
  WHEN strlen(piece) = length(piece) THEN piece
  WHEN regexp_full_match(piece, '[\x{0}-\x{52F}\x{1E00}-\x{1FFF}]+') THEN strip_accents(piece)
  ELSE nfc_normalize(piece)
END AS term
FROM (SELECT text, piece, unnest(places) AS place FROM cut);

"""Which videos a replay takes, from the read model: the latest captions of each that the filter lets through."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from uuid import UUID

from projections.sql import snapshot
from streams.budget.forecast import FRAME_BYTES, GUESS
from streams.errors import EarmarkError
from streams.events.event import Position
from streams.events.ledger import ReplayFilter
from streams.events.prompts import Prompt
from streams.log.topics import CAPTIONS

_SELECT = """
WITH
  latest AS (
    FROM captions
    WHERE $ends IS NULL OR log_offset < $ends[log_partition + 1]
    QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY revision DESC, log_partition, log_offset) = 1
  ),
  billed AS (
    SELECT
      a.captions_id, a.prompt_id,
      a.input_tokens + a.cache_creation_input_tokens + a.cache_read_input_tokens AS tokens,
      -- By how many bytes the candidate's request is longer than the one that was billed.
      $words_bytes - coalesce(strlen(p.words), 0)
      + CASE WHEN p.schema_version = $schema_version THEN 0 ELSE $frame_bytes END AS grown
    FROM analyses a LEFT JOIN prompts p USING (prompt_id)
  ),
  counted AS (
    SELECT captions_id,
      max(tokens + grown * $tokens_a_byte) AS expected,
      max(tokens + greatest(grown, 0) * $tokens_a_byte) AS at_most,
      bool_or(prompt_id = $prompt_id) AS is_done
    FROM billed GROUP BY captions_id
  )
SELECT
  l.video_id, l.captions_id, l.log_partition, l.log_offset, l.words, c.expected, c.at_most, coalesce(c.is_done, false)
FROM latest l
LEFT JOIN counted c USING (captions_id)
WHERE ($since IS NULL OR l.published_at >= $since) AND ($channel_id IS NULL OR l.channel_id = $channel_id)
-- A sample must be the same whoever draws it, whatever was added since.
ORDER BY CASE WHEN $sample IS NULL THEN '' ELSE md5(l.video_id || $seed) END, l.log_partition, l.log_offset
LIMIT coalesce($sample, 1000000000)
"""
_USUAL = """
SELECT
  sum(
    a.input_tokens + a.cache_creation_input_tokens + a.cache_read_input_tokens
    - (coalesce(strlen(p.words), 0) + $frame_bytes) * $tokens_a_byte
  ) / nullif(sum(c.words), 0),
  avg(a.output_tokens)
FROM analyses a
JOIN captions c USING (captions_id)
LEFT JOIN prompts p USING (prompt_id)
"""
# Without a single analysis in the log: speech of a language the tokeniser knows well, and a full answer.
TOKENS_A_WORD = 2.5
ANSWER_TOKENS = 1500.0
_RATES = {"frame_bytes": FRAME_BYTES, "tokens_a_byte": GUESS.tokens_a_byte}


@dataclass(frozen=True)
class Chosen:
    """A video's captions, where they stand, and how many tokens a call with them is expected to have, and at most.

    By what once was billed for them and by how much the candidate's words are longer, or else by their own words. At
    most: as far as nobody counts more than 3 bytes as a token, and the candidate's model counts as the one before did.
    """

    video_id: str
    captions_id: UUID
    captions_at: Position
    prompt_tokens: int
    most_tokens: int
    is_done: bool


@dataclass(frozen=True)
class Selection:
    """The videos of a replay in the order of the log; `answer_tokens`: what an answer usually has."""

    chosen: tuple[Chosen, ...]
    answer_tokens: int

    @property
    def to_do(self) -> tuple[Chosen, ...]:
        """Those that the candidate has not analysed yet."""
        return tuple(chosen for chosen in self.chosen if not chosen.is_done)


def select(
    home: Path, prompt: Prompt, which: ReplayFilter, seed: int, captions_ends: Sequence[int] | None = None
) -> Selection:
    """The videos that `which` names; of captions only what stands before `captions_ends`, by partition."""
    words_bytes = len(prompt.words.encode())
    values = _RATES | {
        "ends": None if captions_ends is None else list(captions_ends),
        "prompt_id": prompt.prompt_id,
        "words_bytes": words_bytes,
        "schema_version": prompt.schema_version,
        "since": which.since,
        "channel_id": which.channel_id,
        "sample": which.sample,
        "seed": str(seed),
    }
    with snapshot(home) as database:
        rows = database.execute(_SELECT, values).fetchall()
        [(learnt, answer_tokens)] = database.execute(_USUAL, _RATES).fetchall()
    rate = learnt if learnt is not None and learnt > 0 else TOKENS_A_WORD
    around = (words_bytes + FRAME_BYTES) * GUESS.tokens_a_byte
    return Selection(
        chosen=tuple(
            Chosen(
                video_id=video_id,
                captions_id=captions_id,
                captions_at=Position(partition=partition, offset=offset),
                prompt_tokens=round(around + words * rate if expected is None else max(expected, 0)),
                most_tokens=ceil(around + words * max(rate, TOKENS_A_WORD) if at_most is None else at_most),
                is_done=is_done,
            )
            for video_id, captions_id, partition, offset, words, expected, at_most, is_done in rows
        ),
        answer_tokens=round(answer_tokens or ANSWER_TOKENS),
    )


def channel_id_of(home: Path, channel: str) -> str:
    """The id of the channel that `channel` (an id, a @handle or a title) names. Raises EarmarkError."""
    with snapshot(home) as database:
        rows = database.execute(
            "SELECT channel_id, [channel_id, handle, '@' || handle, title] AS names FROM channels"
            " UNION ALL SELECT channel_id, [channel_id, channel_title] FROM captions"
        ).fetchall()
    found = sorted(
        {found for found, names in rows if channel.casefold() in {str(name).casefold() for name in names}}
    )
    if len(found) != 1:
        known = "none" if not found else ", ".join(found)
        raise EarmarkError(
            f"--channel {channel}: it must name one channel of the read model, and names {known}"
        )
    return str(found[0])


def captions_ends_read(home: Path) -> tuple[int, ...]:
    """How far the newest snapshot has read each partition of `captions`."""
    with snapshot(home) as database:
        rows = database.execute(
            "SELECT log_partition, next_offset FROM _positions WHERE topic = ?", [CAPTIONS.name]
        ).fetchall()
    read = dict(rows)
    return tuple(read.get(partition, 0) for partition in range(CAPTIONS.partitions))

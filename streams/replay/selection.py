"""Which videos a replay takes, from the read model: the latest captions of each that the filter lets through."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from projections.sql import snapshot
from streams.errors import EarmarkError
from streams.events.event import Position
from streams.events.ledger import ReplayFilter
from streams.log.topics import CAPTIONS

_SELECT = """
WITH
  latest AS (
    FROM captions
    WHERE $ends IS NULL OR log_offset < $ends[log_partition + 1]
    QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY revision DESC, log_partition, log_offset) = 1
  ),
  counted AS (
    SELECT captions_id,
      max(input_tokens + cache_creation_input_tokens + cache_read_input_tokens) AS prompt_tokens,
      bool_or(prompt_id = $prompt_id) AS is_done
    FROM analyses GROUP BY captions_id
  )
SELECT l.video_id, l.captions_id, l.log_partition, l.log_offset, l.words, c.prompt_tokens, coalesce(c.is_done, false)
FROM latest l
LEFT JOIN counted c USING (captions_id)
WHERE ($since IS NULL OR l.published_at >= $since) AND ($channel_id IS NULL OR l.channel_id = $channel_id)
-- A sample must be the same whoever draws it, whatever was added since.
ORDER BY CASE WHEN $sample IS NULL THEN '' ELSE md5(l.video_id || $seed) END, l.log_partition, l.log_offset
LIMIT coalesce($sample, 1000000000)
"""
_USUAL = """
SELECT
  sum(a.input_tokens + a.cache_creation_input_tokens + a.cache_read_input_tokens) / nullif(sum(c.words), 0),
  avg(a.output_tokens)
FROM analyses a JOIN captions c USING (captions_id)
"""
# Without a single analysis in the log: speech of a language the tokeniser knows well, and a full answer.
TOKENS_A_WORD = 2.5
ANSWER_TOKENS = 1500.0


@dataclass(frozen=True)
class Chosen:
    """A video's captions, where they stand, and how many tokens a call with them has (or would have, about)."""

    video_id: str
    captions_id: UUID
    captions_at: Position
    prompt_tokens: int
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
    home: Path, prompt_id: str, which: ReplayFilter, seed: int, captions_ends: Sequence[int] | None = None
) -> Selection:
    """The videos that `which` names; of captions only what stands before `captions_ends`, by partition."""
    values = {
        "ends": None if captions_ends is None else list(captions_ends),
        "prompt_id": prompt_id,
        "since": which.since,
        "channel_id": which.channel_id,
        "sample": which.sample,
        "seed": str(seed),
    }
    with snapshot(home) as database:
        rows = database.execute(_SELECT, values).fetchall()
        [(tokens_a_word, answer_tokens)] = database.execute(_USUAL).fetchall()
    rate = tokens_a_word or TOKENS_A_WORD
    return Selection(
        chosen=tuple(
            Chosen(
                video_id=video_id,
                captions_id=captions_id,
                captions_at=Position(partition=partition, offset=offset),
                prompt_tokens=tokens or round(words * rate),
                is_done=is_done,
            )
            for video_id, captions_id, partition, offset, words, tokens, is_done in rows
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

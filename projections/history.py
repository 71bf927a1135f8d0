"""What a replay asks of the read model: which transcripts there are and what they cost, and how two prompts differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from projections.sql import snapshot
from streams.errors import EarmarkError
from streams.events.ledger import ReplayFilter
from streams.events.prompts import Prompt

_CHOSEN = """
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
  ),
  failed AS (
    SELECT DISTINCT captions_id FROM analysis_failures WHERE is_final AND prompt_id = $prompt_id
  ),
  chosen AS (
    SELECT
      l.video_id, l.captions_id, l.log_partition, l.log_offset, l.words, c.expected, c.at_most,
      coalesce(c.is_done, false) AS is_done, f.captions_id IS NOT NULL AND c.is_done IS NOT TRUE AS has_failed,
      -- A sample must be the same on every machine, whatever was added since.
      row_number() OVER (
        ORDER BY CASE WHEN $sample IS NULL THEN '' ELSE md5(l.video_id || $seed) END, l.log_partition, l.log_offset
      ) AS place
    FROM latest l
    LEFT JOIN counted c USING (captions_id)
    LEFT JOIN failed f USING (captions_id)
    WHERE ($since IS NULL OR l.published_at >= $since) AND ($channel_id IS NULL OR l.channel_id = $channel_id)
    QUALIFY $sample IS NULL OR place <= $sample
  )
"""
_COUNTS = "SELECT count(*), count_if(is_done), count_if(has_failed) FROM chosen"
_TO_DO = """
SELECT video_id, captions_id, log_partition, log_offset, words, expected, at_most
FROM chosen WHERE NOT is_done AND NOT has_failed ORDER BY place
"""
_USUAL = """
SELECT
  sum(
    a.input_tokens + a.cache_creation_input_tokens + a.cache_read_input_tokens
    - (coalesce(strlen(p.words), 0) + $frame_bytes) * $tokens_a_byte
  ) / nullif(sum(c.words) FILTER (a.input_tokens IS NOT NULL), 0),
  avg(a.output_tokens)
FROM analyses a
JOIN captions c USING (captions_id)
LEFT JOIN prompts p USING (prompt_id)
"""
# In turn one of each kind, those with both sides first: of one kind alone there may be hundreds.
_EXAMPLES = """
WITH differing AS (
  SELECT *, CASE change WHEN 'changed' THEN changed[1] ELSE change END AS kind
  FROM compare_mentions(?, ?) WHERE change <> 'same'
)
SELECT * EXCLUDE (kind) FROM differing
ORDER BY
  row_number() OVER (PARTITION BY kind ORDER BY video_id, mention_id),
  list_position([
    'action', 'time_horizon', 'conviction', 'condition', 'levels', 'speaker', 'position', 'expires', 'dropped', 'added'
  ], kind)
LIMIT ?
"""


class Transcript(NamedTuple):
    """A video's latest captions and where they stand in `captions`.

    `expected_tokens` and `most_tokens`: of a request with them under the candidate, by what was billed for them before;
    null where nothing was.
    """

    video_id: str
    captions_id: UUID
    partition: int
    offset: int
    words: int
    expected_tokens: float | None
    most_tokens: float | None


@dataclass(frozen=True)
class History:
    """How many videos a replay takes, on how many of them the candidate is done or has failed for good, and the others.

    `tokens_a_word` and `answer_tokens`: the means of every analysis, or null.
    """

    videos: int
    done: int
    failed: int
    to_do: tuple[Transcript, ...]
    tokens_a_word: float | None
    answer_tokens: float | None


@dataclass(frozen=True)
class ChannelComparison:
    """A row of `compare_channels`; the last one is of all channels."""

    channel_id: str | None
    channel: str | None
    videos: int
    same: int
    added: int
    dropped: int
    action_changed: int
    horizon_changed: int
    conviction_changed: int
    a_rejected: float | None
    b_rejected: float | None
    a_usd_per_video: Decimal | None
    b_usd_per_video: Decimal | None


@dataclass(frozen=True)
class MentionComparison:
    """A row of `compare_mentions`; a side without the mention is null in all its columns."""

    channel_id: str | None
    channel_title: str | None
    video_id: str
    video_title: str | None
    mention_id: UUID
    symbol: str
    change: str
    changed: list[str]
    a_action: str | None
    b_action: str | None
    a_time_horizon: str | None
    b_time_horizon: str | None
    a_conviction: float | None
    b_conviction: float | None
    a_quote: str | None
    b_quote: str | None
    a_url: str | None
    b_url: str | None
    a_condition: str | None = None
    b_condition: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Two prompts by channel, and a few mentions on which they differ: some of each change there is."""

    channels: list[ChannelComparison]
    examples: list[MentionComparison]


def history(
    home: Path,
    prompt: Prompt,
    which: ReplayFilter,
    seed: int,
    captions_ends: Sequence[int] | None,
    *,
    frame_bytes: int,
    tokens_a_byte: float,
) -> History:
    """The transcripts that `which` names, in the order of its sample or of the log; only those before `captions_ends`.

    `frame_bytes`: what a request holds besides prompt and transcript. `tokens_a_byte`: what a byte more comes to.
    """
    rates = {"frame_bytes": frame_bytes, "tokens_a_byte": tokens_a_byte}
    values = rates | {
        "ends": None if captions_ends is None else list(captions_ends),
        "prompt_id": prompt.prompt_id,
        "words_bytes": len(prompt.words.encode()),
        "schema_version": prompt.schema_version,
        "since": which.since,
        "channel_id": which.channel_id,
        "sample": which.sample,
        "seed": str(seed),
    }
    with snapshot(home) as database:
        [counts] = database.execute(_CHOSEN + _COUNTS, values).fetchall()
        rows = database.execute(_CHOSEN + _TO_DO, values).fetchall()
        [usual] = database.execute(_USUAL, rates).fetchall()
    videos, done, failed = counts
    tokens_a_word, answer_tokens = usual
    return History(videos, done, failed, tuple(map(Transcript._make, rows)), tokens_a_word, answer_tokens)


def channel_id_of(home: Path, channel: str) -> str:
    """The id of the channel that `channel` (an id, a @handle or a title) names. Raises EarmarkError."""
    with snapshot(home) as database:
        rows = database.execute(
            "SELECT channel_id, [channel_id, handle, '@' || handle, channel_title] AS names FROM channels"
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


def ends_read(home: Path) -> dict[tuple[str, int], int]:
    """How far the newest snapshot has read each partition: (topic, partition) → the offset that it reads next."""
    with snapshot(home) as database:
        rows = database.execute("SELECT topic, log_partition, next_offset FROM positions").fetchall()
    return {(topic, partition): end for topic, partition, end in rows}


def compare(home: Path, a: str, b: str, examples: int) -> Comparison:
    """Prompts `a` and `b`, by name, over the videos that both have analysed. Raises EarmarkError for an unknown one."""
    with snapshot(home) as database:
        known = {name for (name,) in database.execute("SELECT name FROM prompts").fetchall()}
        for name in (a, b):
            if name not in known:
                raise EarmarkError(f"no prompt {name} is registered (there are: {', '.join(sorted(known))})")
        channels = database.execute("FROM compare_channels(?, ?)", [a, b]).fetchall()
        differing = database.execute(_EXAMPLES, [a, b, examples]).fetchall()
    return Comparison(
        channels=[ChannelComparison(*row) for row in channels],
        examples=[MentionComparison(*row) for row in differing],
    )

"""Which videos a replay takes, from the read model: the latest captions of each that the filter lets through."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from projections.history import Transcript, history
from streams.budget.forecast import FRAME_BYTES, GUESS
from streams.events.ledger import ReplayFilter
from streams.events.prompts import Prompt

# Without a single analysis in the log: speech of a language the tokeniser knows well, and a full answer.
TOKENS_A_WORD = 2.5
ANSWER_TOKENS = 1500.0


class Chosen(NamedTuple):
    """A video's captions, where they stand, and how many tokens a call with them is expected to have, and at most.

    By what once was billed for them and by how much the candidate's words are longer, or else by their own words. At
    most: as far as nobody counts more than 3 bytes as a token, and the candidate's model counts as the one before did.
    """

    video_id: str
    captions_id: UUID
    partition: int
    offset: int
    prompt_tokens: int
    most_tokens: int


@dataclass(frozen=True)
class Selection:
    """The videos of a replay: how many, on how many the candidate is done or has failed for good, and the others.

    The ledger grants no further call but on those. `answer_tokens`: what an answer usually has.
    """

    videos: int
    done: int
    failed: int
    to_do: tuple[Chosen, ...]
    answer_tokens: int


def select(
    home: Path, prompt: Prompt, which: ReplayFilter, seed: int, captions_ends: Sequence[int] | None = None
) -> Selection:
    """The videos that `which` names; of captions only what stands before `captions_ends`, by partition."""
    found = history(
        home,
        prompt,
        which,
        seed,
        captions_ends,
        frame_bytes=FRAME_BYTES,
        tokens_a_byte=GUESS.tokens_a_byte,
    )
    rate = (
        found.tokens_a_word if found.tokens_a_word is not None and found.tokens_a_word > 0 else TOKENS_A_WORD
    )
    around = (len(prompt.words.encode()) + FRAME_BYTES) * GUESS.tokens_a_byte
    return Selection(
        videos=found.videos,
        done=found.done,
        failed=found.failed,
        to_do=tuple(_chosen(transcript, around, rate) for transcript in found.to_do),
        answer_tokens=round(found.answer_tokens or ANSWER_TOKENS),
    )


def _chosen(transcript: Transcript, around: float, rate: float) -> Chosen:
    words, expected, most = transcript.words, transcript.expected_tokens, transcript.most_tokens
    return Chosen(
        video_id=transcript.video_id,
        captions_id=transcript.captions_id,
        partition=transcript.partition,
        offset=transcript.offset,
        prompt_tokens=round(around + words * rate if expected is None else max(expected, 0)),
        most_tokens=ceil(around + words * max(rate, TOKENS_A_WORD) if most is None else most),
    )

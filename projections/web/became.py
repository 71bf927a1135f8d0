"""What became of a video, step by step, in order of time."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from projections.web.page import Asked
from projections.web.shown import usd
from streams.events import meanings

MOST = 500
"""Steps that are shown, the latest."""
# Apart, not as one union: to plan that would take longer than to run all of these. What happened in the same moment stands
# in this order.
_FACTS = (
    """
    SELECT 'discovered' AS name, happened_at, origin AS detail FROM _discovered
    WHERE video_id = $video ORDER BY happened_at DESC LIMIT $most
    """,
    """
    SELECT 'captions asked for again' AS name, happened_at,
      format('revision {}, attempt {}: {}', revision, attempt, if(cause = 'refresh', 'they may have been corrected', cause)) AS detail
    FROM _captions_requests WHERE video_id = $video ORDER BY happened_at DESC, revision DESC, attempt DESC LIMIT $most
    """,
    """
    SELECT 'no captions' AS name, happened_at, failure AS detail,
      format('revision {}, attempt {}: {}', revision, attempt, reason) AS reason, next_try_at
    FROM caption_failures WHERE video_id = $video ORDER BY happened_at DESC, revision DESC, attempt DESC LIMIT $most
    """,
    """
    SELECT 'captions taken' AS name, happened_at,
      format('revision {}, attempt {}: {:,} words', revision, attempt, words) AS detail
    FROM captions WHERE video_id = $video ORDER BY happened_at DESC, revision DESC LIMIT $most
    """,
    """
    SELECT 'analysis asked for' AS name, r.happened_at,
      format('lane {}, {}', lane, if(r.prompt_id IS NULL, 'the active prompt', 'prompt ' || coalesce(p.name, r.prompt_id)))
      || if(again IS NULL, '', format(', repetition {}', again)) AS detail
    FROM _requests r LEFT JOIN prompts p ON p.prompt_id = r.prompt_id
    WHERE r.video_id = $video ORDER BY r.happened_at DESC, r.log_offset DESC LIMIT $most
    """,
    """
    SELECT 'analysed' AS name, happened_at, format('prompt {}', prompt) || if(partial, ', the answer was cut', '') AS detail
    FROM analyses WHERE video_id = $video ORDER BY happened_at DESC, log_offset DESC LIMIT $most
    """,
    """
    SELECT 'dead letter' AS name, happened_at,
      format('{}: {}[{}]@{}, {}', log_offset, topic, from_partition, from_offset, handler) AS detail, error AS reason
    FROM dead_letters WHERE key = $video ORDER BY log_offset DESC LIMIT $most
    """,
    """
    SELECT 'dead letter retried' AS name, r.happened_at, format('{}', r.letter) AS detail
    FROM _dead_letters_retried r JOIN dead_letters d ON d.log_offset = r.letter
    WHERE d.key = $video ORDER BY r.log_offset DESC LIMIT $most
    """,
)
_ATTEMPTS = """
SELECT
  attempt_id, attempt, lane, prompt, state, outcome, concat_ws(': ', failure, reason) AS reason, reserved_usd,
  billed_usd + unknown_usd AS charged_usd, claimed_at, settled_at, retry_at
FROM attempts WHERE video_id = $video ORDER BY log_offset DESC LIMIT $most
"""
_FAILURES = """
SELECT attempt_id, is_final, happened_at, concat_ws(': ', failure, reason) AS reason
FROM analysis_failures WHERE video_id = $video ORDER BY happened_at DESC, log_offset DESC LIMIT $most
"""
_MEANT = {"discovered": meanings.ORIGINS, "no captions": meanings.CAPTION_FAILURES}
_STATES = {
    "unknown": ", nobody knows the bill",
    "not_called": ", nothing billed",
    "open": ", not settled yet",
}


class Step(NamedTuple):
    """What happened; `next_try_at`: when it is tried again, `usd`: what was charged."""

    happened_at: datetime
    name: str
    detail: str
    reason: str | None = None
    next_try_at: datetime | None = None
    usd: Decimal | None = None


def steps(asked: Asked, video_id: str) -> tuple[list[Step], bool]:
    """What became of a video, the first first; and whether earlier steps are left out."""
    named = {"video": video_id, "most": MOST + 1}
    found = [_step(**row) for fact in _FACTS for row in reversed(asked.rows(fact, **named))]
    found += _calls(asked, named)
    found.sort(key=lambda step: step.happened_at)
    return found[-MOST:], len(found) > MOST


def _step(name: str, detail: str, **values: Any) -> Step:
    return Step(name=name, detail=_MEANT.get(name, {}).get(detail, detail), **values)


def _calls(asked: Asked, named: dict[str, object]) -> Iterator[Step]:
    """What was claimed and settled, and failures: what a settled claim says of one is not told twice."""
    told = set[UUID]()
    for each in reversed(asked.rows(_ATTEMPTS, **named)):
        state = _STATES.get(each["state"], "")
        yield Step(
            each["claimed_at"],
            "money claimed",
            f"attempt {each['attempt']}, lane {each['lane']}, prompt {each['prompt']}, at most {usd(each['reserved_usd'])}"
            + (state if each["settled_at"] is None else ""),
        )
        if each["settled_at"] is not None:
            told.add(each["attempt_id"])
            yield Step(
                each["settled_at"],
                "claim settled",
                f"attempt {each['attempt']}: {each['outcome'].replace('_', ' ')}{state}",
                each["reason"],
                each["retry_at"],
                each["charged_usd"],
            )
    for each in reversed(asked.rows(_FAILURES, **named)):
        if each["is_final"] or each["attempt_id"] not in told:
            name, detail = ("analysis failed", "for good") if each["is_final"] else ("attempt failed", "")
            yield Step(each["happened_at"], name, detail, each["reason"])

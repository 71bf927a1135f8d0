"""A video: its calls in the words around them, what was kept out of them and why, and all that became of it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from multidict import MultiMapping

from projections.web import forms
from projections.web.became import steps
from projections.web.page import Asked, NothingThereError, WrongFilterError
from projections.web.revisions import switches
from projections.web.spoken import Spoken, spoken, there_are_words
from projections.web.worded import GLOSSARY, notes
from streams.events import meanings

MOST_CALLS = 1_000
MOST_ANALYSES = 200
OPEN_CALLS = 20
"""Of so many calls each is shown in its lines; of more, each has them folded."""
BESIDE = 2
"""Lines before and behind a quote."""
BESIDE_PLACE = 8
"""Lines before and behind a place that was asked for."""
_LATEST_MS = 2**40

_CALLS = """
SELECT
  mention_id, ordinal, symbol, said_as, action, conviction, time_horizon, quote, start_ms, end_ms, rejected, match,
  condition, levels, speaker, position, paid, expires, dropped
FROM all_mentions
WHERE video_id = $video AND is_current
ORDER BY start_ms NULLS LAST, ordinal
LIMIT $most
"""
_ANALYSES = """
SELECT
  happened_at AS analysed_at, captions_id, captions_revision, lane, prompt, model, served_model, usd, direction, reasoning,
  themes, risks, summary, partial, is_current, output_tokens, cache_read_input_tokens AS cached_tokens,
  input_tokens + cache_creation_input_tokens + cache_read_input_tokens AS input_tokens, log_partition, log_offset
FROM analyses
WHERE video_id = $video
ORDER BY is_current DESC, happened_at DESC, log_partition, log_offset DESC
LIMIT $most
"""
_COUNTS = """
SELECT
  log_partition, log_offset, count(*) FILTER (rejected IS NULL AND paid IS NOT true) AS calls,
  count(*) FILTER (rejected IS NOT NULL) AS rejected, count(*) FILTER (rejected IS NULL AND paid) AS paid
FROM all_mentions
WHERE video_id = $video
GROUP BY ALL
"""


def show(asked: Asked) -> Mapping[str, Any]:
    """All of a video. Raises NothingThereError, and WrongFilterError for what does not name a call or a place."""
    video_id = asked.path["video_id"]
    wanted = _call_of(asked.query)
    place_ms = forms.whole(asked.query, "at", 0, _LATEST_MS, -1)
    found = asked.rows("SELECT * FROM videos WHERE video_id = $video LIMIT 1", video=video_id)
    if not found:
        raise NothingThereError(f"there is no video {video_id} in the read model")
    [video] = found
    words_are_there = there_are_words(asked)
    words = spoken(asked, video_id) if words_are_there else None
    analyses = asked.rows(_ANALYSES, video=video_id, most=MOST_ANALYSES)
    current = next((analysis for analysis in analyses if analysis["is_current"]), None)
    others = [analysis for analysis in analyses if analysis is not current]
    calls = [] if current is None else asked.rows(_CALLS, video=video_id, most=MOST_CALLS + 1)
    for call in calls:
        call["notes"] = notes(call)
        call["why"] = meanings.REJECTIONS.get(call["rejected"], call["rejected"])
        call["lines"] = _lines_of(call, words)
        call["is_marked"] = wanted is not None and call["mention_id"] == wanted
    shown = calls[:MOST_CALLS]
    published, are_cut = switches(asked, video_id)
    became, began_earlier = steps(asked, video_id)
    return {
        "video": video,
        "found_as": meanings.ORIGINS.get(video["origin"], video["origin"]),
        "status": _status_of(asked, video),
        "current": current,
        "analyses": _counted(asked, video_id, analyses) if others else [],
        "calls": [call for call in shown if call["rejected"] is None and not call["paid"]],
        "paid": [call for call in shown if call["rejected"] is None and call["paid"]],
        "rejected": [call for call in shown if call["rejected"] is not None],
        "are_more": len(calls) > MOST_CALLS,
        "opened": len(shown) <= OPEN_CALLS,
        "wanted": wanted,
        "is_marked_there": any(call["is_marked"] for call in shown),
        "words_are_there": words_are_there,
        "words": words,
        "is_corrected": current is not None
        and words is not None
        and current["captions_id"] != words.captions_id,
        "place_ms": place_ms if place_ms >= 0 else None,
        "place": [] if words is None or place_ms < 0 else words.around(place_ms, place_ms + 1, BESIDE_PLACE),
        "switches": published,
        "switches_are_cut": are_cut,
        "steps": became,
        "began_earlier": began_earlier,
        "direction_meant": meanings.DIRECTIONS,
        "glossary": [(name, meanings.listed(meant)) for name, meant in GLOSSARY],
        "conviction_meant": meanings.CONVICTION,
    }


def _call_of(query: MultiMapping[str]) -> UUID | None:
    typed = forms.text(query, "call")
    if not typed:
        return None
    try:
        return UUID(typed)
    except ValueError:
        raise WrongFilterError(f"call is {typed!r}: write the mention_id of a call of this video") from None


def _counted(asked: Asked, video_id: str, analyses: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each analysis with how many calls it has, how many rejected ones and how many of sponsors."""
    none = {"calls": 0, "rejected": 0, "paid": 0}
    counts = {(row["log_partition"], row["log_offset"]): row for row in asked.rows(_COUNTS, video=video_id)}
    return [
        {**none, **counts.get((each["log_partition"], each["log_offset"]), {}), **each} for each in analyses
    ]


def _lines_of(call: Mapping[str, Any], words: Spoken | None) -> object:
    if words is None or call["start_ms"] is None:
        return []
    return words.around(call["start_ms"], call["end_ms"], BESIDE)


def _status_of(asked: Asked, video: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where a video is. What is analysed waits for nothing, and is not asked about: that takes longer than all the rest."""
    if video["analysis_id"] is not None:
        return {"status": "analysed", "waits_for": None}
    [status] = asked.rows(
        "SELECT * FROM video_status WHERE video_id = $video LIMIT 1", video=video["video_id"]
    )
    return status

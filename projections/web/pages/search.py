"""What was said where: the transcripts that have most of the words, each at its best line."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from projections.web import forms
from projections.web.page import Asked
from projections.web.pages.calls import MOST_CHANNELS
from projections.web.spoken import there_are_words

MOST = 50
"""Hits, as many as `search` gives."""
_SEARCH = """
SELECT rank, video_id, video_title, channel_title, published_at, line, start_ms, url
FROM search($words, channel := $channel, since := $since)
ORDER BY rank
"""
# Of the words of the lines, those that were looked for, cut up as the index is.
_HITS = """
SELECT DISTINCT text FROM _terms($spoken::VARCHAR[]) WHERE term IN (SELECT term FROM _terms([$words::VARCHAR]))
"""
_BLANKS = re.compile(r"(\s+)")


def show(asked: Asked) -> Mapping[str, Any]:
    """The best lines for some words, of a channel and since a day where one is given."""
    words = forms.text(asked.query, "q")
    channel = forms.text(asked.query, "channel")
    since = forms.day(asked.query, "since")
    are_there = there_are_words(asked)
    hits = (
        asked.rows(_SEARCH, words=words, channel=channel or None, since=since) if words and are_there else []
    )
    for hit, pieces in zip(hits, _marked(asked, words, [hit["line"] for hit in hits]), strict=True):
        hit["pieces"] = pieces
    return {
        "words": words,
        "channel": channel,
        "since": since,
        "words_are_there": are_there,
        "transcripts": asked.rows("SELECT count(DISTINCT video_id) AS found FROM _documents")[0]["found"]
        if are_there
        else 0,
        "hits": hits,
        "most": MOST,
        "channels": asked.rows(
            "SELECT channel_id, coalesce(arg_max(channel_title, discovered_at), channel_id) AS title FROM videos"
            " WHERE channel_id IS NOT NULL GROUP BY channel_id ORDER BY lower(title), channel_id LIMIT $most",
            most=MOST_CHANNELS,
        ),
    }


def _marked(asked: Asked, words: str, lines: Sequence[str]) -> list[list[tuple[str, bool]]]:
    """The pieces of each line, and whether each is a word that was looked for."""
    if not lines:
        return []
    cut = [_BLANKS.split(line) for line in lines]
    spoken = sorted({piece for pieces in cut for piece in pieces})
    hits = {row["text"] for row in asked.rows(_HITS, spoken=spoken, words=words)}
    return [[(piece, piece in hits) for piece in pieces] for pieces in cut]

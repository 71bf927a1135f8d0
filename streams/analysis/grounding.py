"""A mention counts only if its quote stands in the transcript, near the line the model named.

Words are compared, not letters: case, punctuation and spacing do not matter, word boundaries do. Where the quote was
spoken comes from the captions, never from the model.
"""

import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

from streams.analysis.answer import AnsweredMention
from streams.analysis.lines import lines_of
from streams.analysis.symbols import normalise
from streams.events.analyses import Mention, Rejection, mention_id
from streams.events.captions import CaptionsExtracted

GROUNDING_VERSION = 1
MIN_QUOTE_WORDS = 3
NEAR_LINES = 5

# Scripts without spaces (Han, kana, Thai) have no word boundaries: each letter stands for itself.
_WORD = re.compile(
    r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)


def words_of(text: str) -> list[str]:
    """The words of `text` as they are compared."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


class Transcript:
    """A video's words, each with the segment it was spoken in and the line it was shown on."""

    def __init__(self, captions: CaptionsExtracted) -> None:
        self._captions = captions
        self._words: list[str] = []
        self._segments: list[int] = []
        self._places: dict[str, list[int]] = defaultdict(list)
        for segment, text in enumerate(captions.texts):
            for word in words_of(text):
                self._places[word].append(len(self._words))
                self._words.append(word)
                self._segments.append(segment)
        self._line_starts = [line.first for line in lines_of(captions.texts)]

    def line_at(self, place: int) -> int:
        """The number of the line that holds the word at `place`."""
        return bisect_right(self._line_starts, self._segments[place])

    def find(self, words: Sequence[str]) -> Iterator[int]:
        """Every place at which `words` stand in a row."""
        for place in self._places.get(words[0], ()):
            if self._words[place : place + len(words)] == words:
                yield place

    def span_ms(self, place: int, count: int) -> tuple[int, int]:
        """When the `count` words from `place` on were spoken: first segment's start, last segment's end."""
        first, last = self._segments[place], self._segments[place + count - 1]
        return self._captions.starts_ms[first], max(
            self._captions.ends_ms[last], self._captions.starts_ms[first]
        )


def ground(
    answered: Sequence[AnsweredMention], captions: CaptionsExtracted, listed: frozenset[str] | None
) -> tuple[Mention, ...]:
    """Every mention of an answer, grounded or rejected, in the answer's order.

    Grounded mentions of a symbol are numbered by time; `listed`: the configured symbols, None where there are none.
    """
    transcript = Transcript(captions)
    found = [_locate(mention, transcript) for mention in answered]
    by_time = sorted((place, index) for index, place in enumerate(found) if isinstance(place, int))
    ordinals: dict[int, int] = {}
    counts: dict[str, int] = defaultdict(int)
    for _, index in by_time:
        symbol = str(normalise(answered[index].symbol))
        ordinals[index] = counts[symbol]
        counts[symbol] += 1
    return tuple(
        _mention(mention, place, ordinals.get(index), transcript, captions, listed)
        for index, (mention, place) in enumerate(zip(answered, found, strict=True))
    )


def _locate(mention: AnsweredMention, transcript: Transcript) -> int | Rejection:
    words = words_of(mention.quote)
    if normalise(mention.symbol) is None:
        return "symbol_unusable"
    if len(words) < MIN_QUOTE_WORDS:
        return "quote_too_short"
    places = list(transcript.find(words))
    if not places:
        return "quote_not_in_transcript"
    nearest = min(places, key=lambda place: abs(transcript.line_at(place) - mention.line))
    return nearest if abs(transcript.line_at(nearest) - mention.line) <= NEAR_LINES else "quote_far_from_line"


def _mention(
    mention: AnsweredMention,
    place: int | Rejection,
    ordinal: int | None,
    transcript: Transcript,
    captions: CaptionsExtracted,
    listed: frozenset[str] | None,
) -> Mention:
    symbol = normalise(mention.symbol) or mention.symbol
    start_ms = end_ms = identity = rejected = None
    line = mention.line
    if isinstance(place, int) and ordinal is not None:
        start_ms, end_ms = transcript.span_ms(place, len(words_of(mention.quote)))
        identity = mention_id(captions.video.video_id, symbol, ordinal)
        line = transcript.line_at(place)
    else:
        rejected = place
    return Mention.model_validate(
        {
            "mention_id": identity,
            "symbol": symbol,
            "said_as": mention.said_as,
            "listed": None if listed is None else symbol in listed,
            "action": mention.action,
            "conviction": _step(mention.conviction),
            "time_horizon": mention.time_horizon,
            "quote": mention.quote,
            "line": line,
            "start_ms": start_ms,
            "end_ms": end_ms,
            "rejected": rejected,
        }
    )


def _step(conviction: float) -> float:
    return round(min(1.0, max(0.0, conviction)) * 20) / 20

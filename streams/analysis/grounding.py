"""A mention counts only if its quote stands in the transcript, near the line the model named.

Words are compared, not letters: case, punctuation and spacing do not matter, word boundaries do. Where the quote was
spoken comes from the captions, never from the model.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from streams.analysis.answer import AnsweredMention
from streams.analysis.conviction import scale_of, step_of
from streams.analysis.lines import lines_of
from streams.analysis.symbols import Symbols
from streams.analysis.words import count_words, without_cues, words_of
from streams.events.analyses import Mention, Rejection, mention_id
from streams.events.captions import CaptionsExtracted

GROUNDING_VERSION = 3
MIN_QUOTE_WORDS = 3
NEAR_LINES = 5


class Transcript:
    """A video's words, each with the segment it was spoken in and the line it was shown on."""

    def __init__(self, captions: CaptionsExtracted) -> None:
        self._captions = captions
        self._words: list[str] = []
        self._segments: list[int] = []
        self._places: dict[str, list[int]] = defaultdict(list)
        # As one text, for a cue may begin in one segment and end in the next.
        whole = without_cues("\n".join(text.replace("\n", " ") for text in captions.texts))
        for segment, text in enumerate(whole.split("\n")):
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


@dataclass(frozen=True)
class _Located:
    """A mention, the symbol it means, and the place of the `count` words of its quote, or why it has none."""

    mention: AnsweredMention
    symbol: str | None
    conviction: float | None
    count: int
    place: int | Rejection


def ground(
    answered: Sequence[AnsweredMention], captions: CaptionsExtracted, symbols: Symbols
) -> tuple[Mention, ...]:
    """Every mention of an answer, grounded or rejected by itself, in the answer's order.

    Grounded mentions of a symbol are numbered by time. Those whose quotes share words are one: the first in the answer.
    """
    transcript = Transcript(captions)
    scale = scale_of(mention.conviction for mention in answered)
    located = [_locate(mention, scale, symbols, transcript) for mention in answered]
    ordinals: dict[int, int] = {}
    doubles: dict[int, Rejection] = {}
    counts: dict[str | None, int] = defaultdict(int)
    for first, *others in _calls(located):
        same = [first, *others]
        if len({located[index].mention.action for index in same}) > 1:
            doubles |= dict.fromkeys(same, "contradicts_itself")
            continue
        doubles |= dict.fromkeys(others, "repeated")
        symbol = located[first].symbol
        ordinals[first] = counts[symbol]
        counts[symbol] += 1
    return tuple(
        _mention(
            replace(one, place=doubles.get(index, one.place)),
            ordinals.get(index),
            transcript,
            captions,
            symbols,
        )
        for index, one in enumerate(located)
    )


def _calls(located: Sequence[_Located]) -> list[list[int]]:
    """The mentions that have a place, by time, those of one symbol whose quotes share words together, as in the answer."""
    calls: list[list[int]] = []
    last: dict[str | None, tuple[int, list[int]]] = {}
    placed = [(one.place, index) for index, one in enumerate(located) if isinstance(one.place, int)]
    for place, index in sorted(placed):
        one = located[index]
        end, call = last.get(one.symbol, (0, []))
        if place >= end:
            call = []
            calls.append(call)
        call.append(index)
        last[one.symbol] = max(end, place + one.count), call
    return [sorted(call) for call in calls]


def _locate(mention: AnsweredMention, scale: int, symbols: Symbols, transcript: Transcript) -> _Located:
    quote = without_cues(mention.quote)
    words = words_of(quote)
    symbol, conviction = symbols.symbol_of(mention.symbol), step_of(mention.conviction, scale)
    place: int | Rejection
    if symbol is None:
        place = "symbol_unusable"
    elif mention.action is None:
        place = "action_unknown"
    elif conviction is None:
        place = "conviction_unusable"
    elif mention.line is None:
        place = "line_unusable"
    elif count_words(quote) < MIN_QUOTE_WORDS:
        place = "quote_too_short"
    else:
        place = _place(words, mention.line, transcript)
    return _Located(mention, symbol, conviction, len(words), place)


def _place(words: Sequence[str], line: int, transcript: Transcript) -> int | Rejection:
    places = list(transcript.find(words))
    if not places:
        return "quote_not_in_transcript"
    nearest = min(places, key=lambda place: abs(transcript.line_at(place) - line))
    return nearest if abs(transcript.line_at(nearest) - line) <= NEAR_LINES else "quote_far_from_line"


def _mention(
    located: _Located,
    ordinal: int | None,
    transcript: Transcript,
    captions: CaptionsExtracted,
    symbols: Symbols,
) -> Mention:
    mention, place = located.mention, located.place
    # What was said for a symbol is kept where it is none.
    symbol = located.symbol or mention.symbol
    start_ms = end_ms = identity = rejected = None
    line = mention.line
    if isinstance(place, int) and ordinal is not None:
        start_ms, end_ms = transcript.span_ms(place, located.count)
        identity = mention_id(captions.video.video_id, symbol, ordinal)
        line = transcript.line_at(place)
    else:
        rejected = place
    return Mention.model_validate(
        {
            "mention_id": identity,
            "symbol": symbol,
            "said_as": mention.said_as,
            "listed": symbols.is_listed(symbol),
            "action": mention.action,
            "conviction": located.conviction,
            "time_horizon": mention.time_horizon,
            "quote": mention.quote,
            "line": line,
            "start_ms": start_ms,
            "end_ms": end_ms,
            "rejected": rejected,
        }
    )

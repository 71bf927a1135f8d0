"""A mention counts only if its quote stands in the transcript, near the line the model named.

Words are compared, not letters: case, punctuation and spacing do not matter, word boundaries do. Where the quote was
spoken comes from the captions, never from the model; where it was not quoted word for word, its words do, too.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from streams.analysis.answer import AnsweredMention
from streams.analysis.conviction import scale_of, step_of
from streams.analysis.details import Details, details
from streams.analysis.symbols import Symbols
from streams.analysis.transcript import Place, Transcript
from streams.analysis.words import has_words, without_cues
from streams.events.analyses import Mention, Rejection, mention_id
from streams.events.captions import CaptionsExtracted

GROUNDING_VERSION = 4
MIN_QUOTE_WORDS = 3


@dataclass(frozen=True)
class _Located:
    """A mention, the symbol it means, and the place of its quote, or why it has none."""

    mention: AnsweredMention
    symbol: str | None
    conviction: float | None
    place: Place | Rejection


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
    placed = [(one.place, index) for index, one in enumerate(located) if isinstance(one.place, Place)]
    for place, index in sorted(placed, key=lambda one: (one[0].start, one[1])):
        symbol = located[index].symbol
        end, call = last.get(symbol, (0, []))
        if place.start >= end:
            call = []
            calls.append(call)
        call.append(index)
        last[symbol] = max(end, place.start + place.length), call
    return [sorted(call) for call in calls]


def _locate(mention: AnsweredMention, scale: int, symbols: Symbols, transcript: Transcript) -> _Located:
    quote = without_cues(mention.quote)
    symbol, conviction = symbols.symbol_of(mention.symbol), step_of(mention.conviction, scale)
    place: Place | Rejection
    if symbol is None:
        place = "symbol_unusable"
    elif mention.action is None:
        place = "action_unknown"
    elif conviction is None:
        place = "conviction_unusable"
    elif mention.line is None:
        place = "line_unusable"
    elif not has_words(quote, MIN_QUOTE_WORDS):
        place = "quote_too_short"
    else:
        place = transcript.place_of(quote, mention.line)
    return _Located(mention, symbol, conviction, place)


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
    start_ms = end_ms = identity = rejected = match = None
    line, quote = mention.line, mention.quote
    beside = Details(mention.speaker)
    if isinstance(place, Place) and ordinal is not None:
        start_ms, end_ms = transcript.span_ms(place.start, place.length)
        identity = mention_id(captions.video.video_id, symbol, ordinal)
        line, match = transcript.line_at(place.start), place.match
        quote = transcript.quoted(quote, place)
        beside = details(mention, line, transcript)
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
            "quote": quote,
            "line": line,
            "start_ms": start_ms,
            "end_ms": end_ms,
            "rejected": rejected,
            "match": match,
            "condition": beside.condition,
            "levels": beside.levels,
            "speaker": beside.speaker,
            "position": mention.position,
            "paid": mention.paid,
            "expires": beside.expires,
            "dropped": beside.dropped,
        }
    )

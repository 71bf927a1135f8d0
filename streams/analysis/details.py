"""What an answer says beside a call, held to the transcript: the condition, when it expires, its levels.

Only words that stand near the quote count, and of a number only what they say: the rest is dropped, with the reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from streams.analysis.answer import AnsweredLevel, AnsweredMention
from streams.analysis.instructions import is_instruction
from streams.analysis.levels import heard
from streams.analysis.spoken import Spoken
from streams.analysis.spoken_numbers import Range, UnreadNumberError
from streams.analysis.transcript import Transcript
from streams.analysis.words import without_cues
from streams.events.analyses import Dropped, DropReason, Level, Speaker

NEAR_QUOTE_LINES = 10
_MOST = Decimal(10**9)
_PLACES = 9


@dataclass
class Details:
    """What stands beside a call, in the transcript's words, and what was dropped."""

    speaker: Speaker
    condition: str | None = None
    expires: str | None = None
    levels: list[Level] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)


def details(mention: AnsweredMention, line: int, transcript: Transcript) -> Details:
    """The details of a mention whose quote stands on `line`."""
    found = Details(mention.speaker)
    if is_instruction(mention.quote):
        found.speaker = "unknown"
        found.dropped.append(Dropped(part="speaker", reason="instruction", words=mention.speaker))
    if mention.condition is not None:
        found.condition = next(_spoken(mention.condition, line, transcript), None)
        if found.condition is None:
            found.dropped.append(
                Dropped(part="condition", reason="not_near_the_quote", words=mention.condition)
            )
    if mention.expires is not None:
        found.expires = next(_spoken(mention.expires, line, transcript), None)
        if found.expires is None:
            found.dropped.append(Dropped(part="expires", reason="not_near_the_quote", words=mention.expires))
    for answered in mention.levels:
        level = _level(answered, line, transcript)
        if isinstance(level, Level):
            found.levels.append(level)
        else:
            found.dropped.append(Dropped(part="level", reason=level, words=answered.words))
    return found


def _spoken(words: str, line: int, transcript: Transcript) -> Iterator[str]:
    """What was said where these words stand near a line, the nearest place first."""
    for place in transcript.places_near(Spoken([without_cues(words)]), line, NEAR_QUOTE_LINES):
        yield transcript.quoted(words, place)


def _level(answered: AnsweredLevel, line: int, transcript: Transcript) -> Level | DropReason:
    kind, value, unit, words = answered.kind, answered.value, answered.unit, answered.words
    if kind is None or value is None or unit is None or not words.strip():
        return "unusable"
    reason: DropReason = "not_near_the_quote"
    for place in transcript.places_near(Spoken([without_cues(words)]), line, NEAR_QUOTE_LINES):
        said = transcript.around_number(place.start, place.length)
        try:
            reading = heard(said).reading_of(value, unit)
        except UnreadNumberError:
            reason = "number_unread"
            continue
        if reading is not None and _is_amount(reading):
            value_to = None if reading.high == reading.low else reading.high
            return Level(kind=kind, value=reading.low, value_to=value_to, unit=unit, words=said)
        reason = "another_number"
    return reason


def _is_amount(reading: Range) -> bool:
    return all(abs(end) < _MOST and -int(end.normalize().as_tuple().exponent) <= _PLACES for end in reading)

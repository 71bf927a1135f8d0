"""YouTube's json3 captions as plain segments."""

import json
import re
from dataclasses import dataclass
from typing import Any

from streams.captions.markup import plain
from streams.errors import EarmarkError

# No video is a week long: what is beyond is no time.
_LONGEST_MS = 7 * 24 * 3600 * 1000
# Nobody leaves a line on the screen for longer than a minute: so long may the last one stay where nothing else ends it.
_LAST_LINE_MS = 60_000
_CUE = re.compile(r"\[[^\]]*\]")


class BrokenCaptionsError(EarmarkError):
    """The body is not json3: nothing, a page of HTML, half an answer. YouTube throttles this way."""


@dataclass(frozen=True)
class Transcript:
    """Segment i is `texts[i]`, spoken from `starts_ms[i]` to `ends_ms[i]`; no segment where nothing is said."""

    texts: tuple[str, ...]
    starts_ms: tuple[int, ...]
    ends_ms: tuple[int, ...]

    @property
    def words(self) -> int:
        """How many words, parted by blanks."""
        return sum(len(text.split()) for text in self.texts)

    @property
    def has_words(self) -> bool:
        """Whether anything is said: neither notes nor a cue like [Music] are words."""
        return any(letter.isalnum() for text in self.texts for letter in _CUE.sub("", text))


def parse(body: str, length_ms: int | None = None) -> Transcript:
    """The segments of a json3 body, by time; each ends, at the latest, where the next begins.

    The last one ends, at the latest, with the video, whose length is `length_ms`. What is said twice at the same time
    is kept once; events without words and parts that are no objects are passed over. Raises BrokenCaptionsError.
    """
    durations: dict[tuple[int, str], int | None] = {}
    before = 0
    for event in _events(body):
        # An event without segs only lays out a window; one that only breaks a line says nothing.
        if text := _text(event):
            start = _ms(event.get("tStartMs", 0))
            # Its words are worth more than its time, and events come in order.
            before = before if start is None else start
            durations.setdefault((before, text), _ms(event.get("dDurationMs", 0)))
    spoken = sorted(durations.items(), key=lambda segment: segment[0][0])
    starts = tuple(start for (start, _), _ in spoken)
    # Roll-up captions stay on the screen while the next line is spoken.
    following = (*starts[1:], *(_end(start, length_ms) for start in starts[-1:]))
    return Transcript(
        texts=tuple(text for (_, text), _ in spoken),
        starts_ms=starts,
        ends_ms=tuple(
            following[index] if duration is None else min(start + duration, following[index])
            for index, ((start, _), duration) in enumerate(spoken)
        ),
    )


def _events(body: str) -> list[dict[str, Any]]:
    try:
        match json.loads(body.removeprefix("\ufeff")):
            case {"events": [*events]}:
                objects = [event for event in events if isinstance(event, dict)]
                if objects or not events:
                    return objects
    except (ValueError, RecursionError):
        pass
    raise BrokenCaptionsError(f"no json3 captions came, but {_glimpse(body)}")


def _text(event: dict[str, Any]) -> str:
    match event:
        case {"segs": [*segs]}:
            # Joined first: an entity, a tag or a surrogate pair may be split over two.
            return plain("".join(map(_utf8, segs)))
    return ""


def _utf8(seg: object) -> str:
    match seg:
        case {"utf8": str(text)}:
            return text
    return ""


def _ms(value: Any) -> int | None:
    """A time within a video, or None where `value` is none."""
    try:
        ms = int(value)
    except (ValueError, OverflowError, TypeError):
        return None
    return ms if 0 <= ms <= _LONGEST_MS else None


def _end(start: int, length_ms: int | None) -> int:
    return start + _LAST_LINE_MS if length_ms is None else max(start, length_ms)


def _glimpse(body: str) -> str:
    return repr(body[:60]) if body.strip() else "nothing"

"""YouTube's json3 captions as plain segments."""

import json
from dataclasses import dataclass

from streams.errors import EarmarkError


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


def parse(body: str) -> Transcript:
    """The segments of a json3 body, by time; each ends, at the latest, where the next begins.

    Raises BrokenCaptionsError.
    """
    try:
        # An event without segs only lays out a window; one that only breaks a line says nothing.
        spoken = [
            (int(event.get("tStartMs", 0)), int(event.get("dDurationMs", 0)), text)
            for event in json.loads(body)["events"]
            if (text := _text(event.get("segs", [])))
        ]
    except (ValueError, OverflowError, LookupError, TypeError, AttributeError):
        raise BrokenCaptionsError(f"no json3 captions came, but {_glimpse(body)}") from None
    spoken.sort(key=lambda segment: segment[0])
    starts = tuple(start for start, _, _ in spoken)
    ends = [start + duration for start, duration, _ in spoken]
    # Roll-up captions stay on the screen while the next line is spoken.
    following = (*starts[1:], *ends[-1:])
    return Transcript(
        texts=tuple(text for _, _, text in spoken),
        starts_ms=starts,
        ends_ms=tuple(map(min, ends, following)),
    )


def has_words(body: str) -> bool:
    """Whether `body` is json3 in which something is said."""
    try:
        return parse(body).words > 0
    except BrokenCaptionsError:
        return False


def _text(segments: list[dict[str, str]]) -> str:
    return " ".join("".join(segment.get("utf8", "") for segment in segments).split())


def _glimpse(body: str) -> str:
    return repr(body[:60]) if body.strip() else "nothing"

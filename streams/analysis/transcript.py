"""A video's words, with their lines and times, and where a quote stands among them."""

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from streams.analysis.alike import alike
from streams.analysis.lines import lines_of
from streams.analysis.spoken import Spoken
from streams.analysis.words import has_words, without_cues
from streams.events.analyses import Match, Rejection
from streams.events.captions import CaptionsExtracted

NEAR_LINES = 5
MIN_WORDS_ELSEWHERE = 8
"""Of so many words a quote that stands once is that place, whatever line was named."""


class Place(NamedTuple):
    """Where a quote stands: the number of its first word, and how many there are."""

    start: int
    length: int
    match: Match


class Transcript(Spoken):
    """A video's words, each with the segment it was spoken in and the line it was shown on."""

    def __init__(self, captions: CaptionsExtracted) -> None:
        self._captions = captions
        # As one text, for a cue may begin in one segment and end in the next.
        whole = without_cues("\n".join(text.replace("\n", " ") for text in captions.texts))
        super().__init__(whole.split("\n"))
        self._line_starts = [line.first for line in lines_of(captions.texts)]

    def line_at(self, place: int) -> int:
        """The number of the line that holds the word at `place`."""
        return bisect_right(self._line_starts, self.segments[place])

    def span_ms(self, place: int, count: int) -> tuple[int, int]:
        """When the `count` words from `place` on were spoken: first segment's start, last segment's end."""
        first, last = self.segments[place], self.segments[place + count - 1]
        return self._captions.starts_ms[first], max(
            self._captions.ends_ms[last], self._captions.starts_ms[first]
        )

    def quoted(self, quote: str, place: Place) -> str:
        """A quote as it is recorded: without what stands in brackets, in the transcript's own words where its are others."""
        if place.match in {"fillers", "numbers"}:
            return self.text(place.start, place.length)
        bare = without_cues(quote)
        return quote if bare == quote else " ".join(bare.split())

    def place_of(self, quote: str, line: int) -> Place | Rejection:
        """Where a quote (without cues) stands: near the line, the nearest place; or elsewhere, if it can be no other."""
        said = Spoken([quote])
        if near := self.places_near(said, line, NEAR_LINES):
            return near[0]
        anywhere = self.runs(said.words, 0, len(self.words))
        start = next(anywhere, None)
        if start is None:
            return "quote_not_in_transcript"
        if next(anywhere, None) is not None or not has_words(quote, MIN_WORDS_ELSEWHERE):
            return "quote_far_from_line"
        return Place(start, len(said.words), "elsewhere")

    def places_near(self, said: Spoken, line: int, lines: int) -> list[Place]:
        """Where it was said within so many lines of `line`, the nearest first: as it is, or else but for fillers and numbers."""
        if not said.words:
            return []
        begin, end = self._words_of_lines(line - lines, line + lines)
        found = [Place(start, len(said.words), "exact") for start in self.runs(said.words, begin, end)] or [
            Place(one.start, one.length, "numbers" if one.numbers else "fillers")
            for one in alike(said, self, begin, end)
        ]
        return sorted(found, key=lambda place: (abs(self.line_at(place.start) - line), place.length))

    def _words_of_lines(self, first: int, last: int) -> tuple[int, int]:
        """The places from the first word of a line to behind the last word of another; either may not be there."""

        def begin_of(line: int) -> int:
            if line > len(self._line_starts):
                return len(self.words)
            return bisect_left(self.segments, self._line_starts[line - 1]) if line > 1 else 0

        return begin_of(first), begin_of(last + 1)

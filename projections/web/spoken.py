"""The lines of a video round a second: where a quote stands, and what was said before and after it."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from projections.web.page import Asked


class Line(NamedTuple):
    """A line as it was captioned."""

    start_ms: int
    text: str
    is_marked: bool


class Spoken:
    """A video's latest words: `lines` are starts, ends and texts in their order, `captions_id` whose they are."""

    def __init__(self, captions_id: UUID, lines: Sequence[tuple[int, int, str]]) -> None:
        self.captions_id = captions_id
        self._lines = lines
        self._starts = [start for start, _, _ in lines]

    @property
    def last_ms(self) -> int:
        """Where the last line begins."""
        return self._starts[-1]

    def around(self, start_ms: int, end_ms: int, beside: int) -> list[Line]:
        """The lines from `start_ms` to `end_ms`, marked, and so many before and behind them.

        A quote's times are its first line's start and its last line's end. Lines may overlap, as those of YouTube's own
        captions do, so the last line is the one that ends there; after a correction, the last one that begins before.
        """
        first = bisect_left(self._starts, start_ms)
        if first == len(self._lines) or self._starts[first] != start_ms:
            first = max(0, first - 1)
        behind = max(bisect_right(self._starts, max(start_ms, end_ms - 1)), first + 1)
        last = next((at for at in range(first, behind) if self._lines[at][1] == end_ms), behind - 1)
        return [
            Line(start, text, first <= at <= last)
            for at, (start, _, text) in enumerate(
                self._lines[max(0, first - beside) : last + beside + 1], max(0, first - beside)
            )
        ]


def there_are_words(asked: Asked) -> bool:
    """Whether there is a file of words beside the snapshot."""
    return bool(asked.rows("SELECT 1 FROM duckdb_views() WHERE view_name = 'segments'"))


def spoken(asked: Asked, video_id: str) -> Spoken | None:
    """The words of a video; None where it has none, or their file is not so far yet. The file is there."""
    lines = asked.rows(
        "SELECT start_ms, end_ms, text, captions_id FROM segments WHERE video_id = $video ORDER BY ordinal",
        video=video_id,
    )
    if not lines:
        return None
    return Spoken(
        lines[0]["captions_id"], [(line["start_ms"], line["end_ms"], line["text"]) for line in lines]
    )

"""A gold set: videos with their words, and the calls that a person heard in them: pure.

Everything that an evaluation of it depends on goes into its hash.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import orjson

from streams.errors import EarmarkError
from streams.events.analyses import Action

Level = Literal["low", "medium", "high"]
LEVELS: tuple[Level, ...] = ("low", "medium", "high")
"""A conviction as a third of its scale: what VideoConviction asks for."""


class GoldError(EarmarkError):
    """A gold set that cannot be read: the sentence names the file, the line and the fix."""


def level_of(conviction: float) -> Level:
    """The third of the scale that a conviction from 0 to 1 stands in."""
    return "low" if conviction < 1 / 3 else "medium" if conviction < 2 / 3 else "high"


@dataclass(frozen=True)
class GoldCall:
    """A call as a person heard it; `symbol` in the record's spelling, `second` from the video's beginning."""

    symbol: str
    action: Action
    conviction: float
    quote: str | None = None
    second: float | None = None


@dataclass(frozen=True)
class GoldVideo:
    """A video's words, segment i from `starts_ms[i]` to `ends_ms[i]`, and its calls, none where nobody makes one."""

    video_id: str
    title: str | None
    channel: str | None
    published_at: datetime | None
    texts: tuple[str, ...]
    starts_ms: tuple[int, ...]
    ends_ms: tuple[int, ...]
    calls: tuple[GoldCall, ...]


@dataclass(frozen=True)
class Gold:
    """A gold set under a name. `left_out`: videos of its file that have no words."""

    name: str
    videos: tuple[GoldVideo, ...]
    left_out: int = 0

    @property
    def digest(self) -> str:
        """The first twelve digits of a hash over all videos, their words and their calls."""
        return hashlib.sha256(orjson.dumps([asdict(video) for video in self.videos])).hexdigest()[:12]

    @property
    def calls(self) -> int:
        """How many calls there are."""
        return sum(len(video.calls) for video in self.videos)

    @property
    def without_calls(self) -> int:
        """How many videos have no call."""
        return sum(not video.calls for video in self.videos)

    def first(self, limit: int | None) -> "Gold":
        """The set with the first `limit` videos only; all where that is None."""
        return self if limit is None else Gold(self.name, self.videos[:limit], self.left_out)


def sentence(gold: Gold) -> str:
    """What there is in a gold set, in a line."""

    def parts() -> Iterator[str]:
        yield f"gold {gold.name} ({gold.digest}): {_count(len(gold.videos), 'video')}, {_count(gold.calls, 'call')}"
        yield f"{_count(gold.without_calls, 'video')} without a call"
        if gold.left_out:
            yield f"{gold.left_out} left out because they have no words"

    return ", ".join(parts())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


BUNDLED = {"demo": Path(__file__).parent / "demo"}
"""The gold sets that come with Earmark, by name."""

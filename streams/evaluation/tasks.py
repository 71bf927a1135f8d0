"""The three tasks of VideoConviction, scored by video: pure.

- T: the symbols of a video. TA: symbol and action. TAC: those and the conviction's third of its scale.
- A video is its set of those: a call that is made twice in it counts once.
- As published: a video whose answer cannot be parsed is dropped, and one without a call scores 0 whatever is said of it,
  so a right abstention is a 0. With abstention counted: that is a 1, and an answer that does not come is a 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from streams.evaluation.gold import GoldCall, GoldVideo, level_of
from streams.evaluation.heard import Answer, HeardCall

Task = Literal["T", "TA", "TAC"]
TASKS: tuple[Task, ...] = ("T", "TA", "TAC")


@dataclass(frozen=True)
class VideoScore:
    """A video in one task. `published` is None where the paper's rules drop it."""

    right: int
    false: int
    missed: int
    published: float | None
    counted: float


def keys(task: Task, calls: Iterable[GoldCall | HeardCall]) -> set[tuple[str, ...]]:
    """What a task compares of some calls."""
    parts = ((call.symbol, call.action, level_of(call.conviction)) for call in calls)
    return {part[: len(task)] for part in parts}


def f1(right: int, false: int, missed: int) -> float:
    """F1; 0 where nothing is right."""
    return 2 * right / (2 * right + false + missed) if right else 0.0


def scored(task: Task, video: GoldVideo, answer: Answer) -> VideoScore:
    """One video in one task."""
    gold, heard = keys(task, video.calls), keys(task, answer.calls)
    right = len(gold & heard)
    counts = (right, len(heard) - right, len(gold) - right)
    came = answer.state in {"answered", "cut"}
    abstained = came and not gold and not heard
    return VideoScore(
        *counts,
        published=f1(*counts) if answer.state == "answered" else None,
        counted=1.0 if abstained else f1(*counts),
    )


FIGURES = ("published", "counted", "precision", "recall", "f1")
"""What is said of a task: macro-F1 in both ways, and micro precision, recall and F1."""
Sums = Sequence[float]


def sums_of(score: VideoScore) -> Sums:
    """What `figures_of` needs of a video: summed over videos it gives their figures."""
    parsed = score.published is not None
    return (score.published or 0.0, parsed, score.counted, 1, score.right, score.false, score.missed)


def figures_of(sums: Sums) -> list[float | None]:
    """FIGURES from sums over videos; None where there is nothing to divide by."""
    published, parsed, counted, videos, right, false, missed = sums
    return [
        _share(published, parsed),
        _share(counted, videos),
        _share(right, right + false),
        _share(right, right + missed),
        _share(2 * right, 2 * right + false + missed),
    ]


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None

"""95 % intervals by drawing videos again, with a seed: pure.

Videos, not calls, because the calls of one video are made and heard together.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import starmap

ROUNDS = 1000
SEED = 14


@dataclass(frozen=True)
class Estimate:
    """A figure, and the interval in which it lies 95 times of 100 if other videos of the kind are drawn."""

    value: float
    low: float
    high: float


def estimates(
    rows: Sequence[Sequence[float]],
    figures_of: Callable[[Sequence[float]], Sequence[float | None]],
    seed: int = SEED,
    rounds: int = ROUNDS,
) -> list[Estimate | None]:
    """Figures that follow from the sums of the rows' columns; a row is a video, and there is one at least.

    None for a figure without a value. A round in which a figure has no value is left out of its interval.
    """
    columns = list(zip(*rows, strict=True))
    values = figures_of([sum(column) for column in columns])
    chance = random.Random(seed)
    drawn: list[list[float]] = [[] for _ in values]
    for _ in range(rounds):
        chosen = chance.choices(range(len(rows)), k=len(rows))
        figures = figures_of([sum(map(column.__getitem__, chosen)) for column in columns])
        for kept, figure in zip(drawn, figures, strict=True):
            if figure is not None:
                kept.append(figure)
    return list(starmap(_estimate, zip(values, drawn, strict=True)))


def _estimate(value: float | None, drawn: list[float]) -> Estimate | None:
    if value is None:
        return None
    ordered = sorted(drawn)
    cut = len(ordered) // 40
    return Estimate(value, ordered[cut], ordered[-1 - cut])

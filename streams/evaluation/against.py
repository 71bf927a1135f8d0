"""One prompt against another on the same gold set: pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from streams.evaluation.bootstrap import Estimate, estimates
from streams.evaluation.gold import GoldCall, GoldVideo
from streams.evaluation.heard import Answer, HeardCall
from streams.evaluation.matching import Pair, pairs_of
from streams.evaluation.score import Asked
from streams.evaluation.tasks import FIGURES, TASKS, figures_of, keys, scored, sums_of

WORST = 5

Verdict = Literal["better", "worse", "same"]
Fault = Literal["turned", "lost", "invented"]
"""A call that A had right and B gives another action, or does not give; or one that B alone gives and nobody made."""
_FAULTS: tuple[Fault, ...] = ("turned", "lost", "invented")


@dataclass(frozen=True)
class Regression:
    """A call that B has wrong and A has not, and both sides of it."""

    video: GoldVideo
    fault: Fault
    gold: GoldCall | None
    a: HeardCall | None
    b: HeardCall | None

    @property
    def said(self) -> GoldCall | HeardCall | None:
        """The call that it is about."""
        return self.gold or self.b


@dataclass(frozen=True)
class Against:
    """B minus A: by task and figure, and by video in task TA with abstention counted."""

    differences: Mapping[str, Mapping[str, Estimate | None]]
    videos: Mapping[Verdict, int]
    worst: tuple[Regression, ...]


def verdict(difference: Estimate) -> Verdict:
    """Better or worse only where the whole interval is."""
    return "better" if difference.low > 0 else "worse" if difference.high < 0 else "same"


def against(a: Asked, b: Asked) -> Against:
    """B against A: the same videos in the same order."""
    videos: Counter[Verdict] = Counter()
    found: list[Regression] = []
    for (video, of_a), (_, of_b) in zip(a, b, strict=True):
        one, other = scored("TA", video, of_a).counted, scored("TA", video, of_b).counted
        videos["better" if other > one else "worse" if other < one else "same"] += 1
        found += _regressions(video, of_a, of_b)
    return Against(
        {task: _differences(task_rows) for task, task_rows in _rows(a, b)},
        videos,
        tuple(sorted(found, key=_severity)[:WORST]),
    )


def _rows(a: Asked, b: Asked) -> Iterator[tuple[str, list[Sequence[float]]]]:
    for task in TASKS:
        yield (
            task,
            [
                (*sums_of(scored(task, video, of_a)), *sums_of(scored(task, video, of_b)))
                for (video, of_a), (_, of_b) in zip(a, b, strict=True)
            ],
        )


def _differences(rows: list[Sequence[float]]) -> Mapping[str, Estimate | None]:
    def minus(sums: Sequence[float]) -> list[float | None]:
        half = len(sums) // 2
        return [
            None if one is None or other is None else other - one
            for one, other in zip(figures_of(sums[:half]), figures_of(sums[half:]), strict=True)
        ]

    return dict(zip(FIGURES, estimates(rows, minus), strict=True))


def _regressions(video: GoldVideo, of_a: Answer, of_b: Answer) -> Iterator[Regression]:
    a, b = list(pairs_of(video, of_a)), list(pairs_of(video, of_b))
    others = {id(pair.gold): pair.heard for pair in b if pair.gold}
    for pair in a:
        if pair.gold and _is_right(pair):
            heard = others[id(pair.gold)]
            if heard is None or heard.action != pair.gold.action:
                yield Regression(video, "turned" if heard else "lost", pair.gold, pair.heard, heard)
    known = keys("TA", of_a.calls) | keys("TA", video.calls)
    for pair in b:
        if pair.gold is None and pair.heard and (pair.heard.symbol, pair.heard.action) not in known:
            yield Regression(video, "invented", None, None, pair.heard)


def _is_right(pair: Pair) -> bool:
    return pair.gold is not None and pair.heard is not None and pair.gold.action == pair.heard.action


def _severity(regression: Regression) -> tuple[int, float, str, str]:
    said = regression.said
    conviction, symbol = (said.conviction, said.symbol) if said else (0.0, "")
    return _FAULTS.index(regression.fault), -conviction, regression.video.video_id, symbol

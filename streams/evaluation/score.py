"""What a prompt's answers on a gold set are worth: pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import get_args

from streams.analysis.symbols import Symbols
from streams.evaluation.bootstrap import Estimate, estimates
from streams.evaluation.gold import LEVELS, GoldVideo, level_of
from streams.evaluation.heard import Answer, Cost
from streams.evaluation.matching import Pair, pairs_of
from streams.evaluation.misses import NEAR_S, misses_of
from streams.evaluation.tasks import FIGURES, TASKS, f1, figures_of, scored, sums_of
from streams.events.analyses import Action

NONE = "none"
"""In the confusion: no call."""
ACTIONS: tuple[Action, ...] = get_args(Action)

Asked = Sequence[tuple[GoldVideo, Answer]]
"""The videos of a gold set, each with what became of asking about it."""


@dataclass(frozen=True)
class ActionScore:
    """Calls of one action: how many there are, how many were heard, and precision, recall and F1; None over nothing."""

    action: Action
    gold: int
    heard: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Score:
    """A prompt on a gold set.

    `tasks`: FIGURES by task. `confusion`: calls by gold and heard action, NONE where there is none. `conviction_error`
    and `kappa`: of calls whose symbol and action are right, the mean distance of convictions, and Cohen's κ of their
    thirds with quadratic weights. `false_calls` were heard on `false_videos` of the `silent_videos`, which have no call.
    `median_s` and `near`: of the `timed` pairs, the median distance in seconds and the share within NEAR_S.
    """

    states: Mapping[str, int]
    cost: Cost
    tasks: Mapping[str, Mapping[str, Estimate | None]]
    actions: tuple[ActionScore, ...]
    confusion: Mapping[tuple[str, str], int]
    conviction_error: float | None
    kappa: float | None
    silent_videos: int
    false_videos: int
    false_calls: int
    mentions: int
    rejections: Mapping[str, int]
    timed: int
    median_s: float | None
    near: float | None
    misses: Mapping[str, int]

    @property
    def grounded(self) -> float | None:
        """The share of the mentions that are grounded."""
        return 1 - sum(self.rejections.values()) / self.mentions if self.mentions else None


def score(asked: Asked, symbols: Symbols) -> Score:
    """Everything that is said of one prompt; `symbols`: the lists that name a miss."""
    answers = [answer for _, answer in asked]
    pairs = [pair for video, answer in asked for pair in pairs_of(video, answer)]
    confusion = Counter(map(_actions, pairs))
    silent = [answer for video, answer in asked if not video.calls]
    rejections = Counter[str](said.reason for answer in answers for said in answer.rejected)
    apart = _apart(pairs)
    agreed = [
        (pair.gold.conviction, pair.heard.conviction)
        for pair in pairs
        if pair.gold and pair.heard and pair.gold.action == pair.heard.action
    ]
    return Score(
        states=dict(Counter(answer.state for answer in answers)),
        cost=_total(answers),
        tasks=_tasks(asked),
        actions=tuple(_of_action(action, confusion) for action in ACTIONS),
        confusion=dict(confusion),
        conviction_error=sum(abs(one - other) for one, other in agreed) / len(agreed) if agreed else None,
        kappa=_kappa(Counter((level_of(one), level_of(other)) for one, other in agreed)),
        silent_videos=len(silent),
        false_videos=sum(bool(answer.calls) for answer in silent),
        false_calls=sum(len(answer.calls) for answer in silent),
        mentions=sum(len(answer.calls) + len(answer.rejected) for answer in answers),
        rejections=dict(rejections),
        timed=len(apart),
        median_s=median(apart) if apart else None,
        near=sum(seconds <= NEAR_S for seconds in apart) / len(apart) if apart else None,
        misses=dict(Counter(miss for video, answer in asked for miss in misses_of(video, answer, symbols))),
    )


def _total(answers: Sequence[Answer]) -> Cost:
    costs = [answer.cost for answer in answers]
    return Cost(
        sum((cost.usd for cost in costs), Cost().usd),
        sum(cost.prompt_tokens for cost in costs),
        sum(cost.answer_tokens for cost in costs),
    )


def _tasks(asked: Asked) -> Mapping[str, Mapping[str, Estimate | None]]:
    return {
        task: dict(zip(FIGURES, estimates(rows, figures_of), strict=True))
        for task in TASKS
        for rows in [[sums_of(scored(task, video, answer)) for video, answer in asked]]
    }


def _actions(pair: Pair) -> tuple[str, str]:
    return pair.gold.action if pair.gold else NONE, pair.heard.action if pair.heard else NONE


def _of_action(action: Action, confusion: Mapping[tuple[str, str], int]) -> ActionScore:
    gold = sum(count for (said, _), count in confusion.items() if said == action)
    heard = sum(count for (_, said), count in confusion.items() if said == action)
    right = confusion.get((action, action), 0)
    return ActionScore(
        action,
        gold,
        heard,
        right / heard if heard else None,
        right / gold if gold else None,
        f1(right, heard - right, gold - right) if gold or heard else None,
    )


def _apart(pairs: Sequence[Pair]) -> list[float]:
    return [
        abs(pair.heard.second - pair.gold.second)
        for pair in pairs
        if pair.gold and pair.heard and pair.gold.second is not None
    ]


def _kappa(seen: Mapping[tuple[str, str], int]) -> float | None:
    """Cohen's κ; None where chance alone would agree, or nothing was seen."""
    total = sum(seen.values())
    gold, heard = Counter[str](), Counter[str]()
    for (one, other), count in seen.items():
        gold[one] += count
        heard[other] += count
    weights = {
        (one, other): (place - its) ** 2
        for place, one in enumerate(LEVELS)
        for its, other in enumerate(LEVELS)
    }
    expected = sum(weight * gold[one] * heard[other] for (one, other), weight in weights.items())
    if not expected:
        return None
    observed = sum(weight * seen.get(levels, 0) for levels, weight in weights.items())
    return 1 - observed * total / expected

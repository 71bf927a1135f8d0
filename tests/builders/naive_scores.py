"""Scores of a prompt said as slowly and plainly as they can be: for tests that hold the fast ones to them.

Nothing of the code that is tested is used but the values it is given.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

Scene = Sequence[tuple[Any, Any]]
"""Each gold video with its answer."""


def third(conviction: float) -> int:
    return 0 if conviction * 3 < 1 else 1 if conviction * 3 < 2 else 2


def things(task: str, calls: Sequence[Any]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for call in calls:
        thing: tuple[Any, ...] = (call.symbol,)
        if "A" in task:
            thing = (*thing, call.action)
        if "C" in task:
            thing = (*thing, third(call.conviction))
        if thing not in found:
            found.append(thing)
    return found


def counts(task: str, video: Any, answer: Any) -> tuple[int, int, int]:
    gold, heard = things(task, video.calls), things(task, answer.calls)
    right = len([thing for thing in heard if thing in gold])
    return right, len(heard), len(gold)


def f1_of(right: int, heard: int, gold: int) -> float:
    if right == 0:
        return 0.0
    precision, recall = right / heard, right / gold
    return 2 * precision * recall / (precision + recall)


def published(task: str, scene: Scene) -> float | None:
    scores = [f1_of(*counts(task, video, answer)) for video, answer in scene if answer.state == "answered"]
    return sum(scores) / len(scores) if scores else None


def counted(task: str, scene: Scene) -> float | None:
    scores = []
    for video, answer in scene:
        nothing = not video.calls and not answer.calls and answer.state in ("answered", "cut")
        scores.append(1.0 if nothing else f1_of(*counts(task, video, answer)))
    return sum(scores) / len(scores)


def micro(task: str, scene: Scene) -> tuple[float | None, float | None, float | None]:
    right = heard = gold = 0
    for video, answer in scene:
        its = counts(task, video, answer)
        right, heard, gold = right + its[0], heard + its[1], gold + its[2]
    return (
        right / heard if heard else None,
        right / gold if gold else None,
        2 * right / (heard + gold) if heard + gold else None,
    )


FIGURES: dict[str, Callable[[str, Scene], float | None]] = {
    "published": published,
    "counted": counted,
    "precision": lambda task, scene: micro(task, scene)[0],
    "recall": lambda task, scene: micro(task, scene)[1],
    "f1": lambda task, scene: micro(task, scene)[2],
}


def drawn_again(
    figure: Callable[[list[int]], float | None], videos: int, seed: int, rounds: int
) -> tuple[float, float]:
    """The 95 % in the middle of what a figure comes to when videos are drawn with replacement."""
    chance = random.Random(seed)
    values = [figure(chance.choices(range(videos), k=videos)) for _ in range(rounds)]
    ordered = sorted(value for value in values if value is not None)
    outside = int(len(ordered) * 0.025)
    return ordered[outside], ordered[len(ordered) - 1 - outside]


def interval(task: str, name: str, scene: Scene, seed: int, rounds: int) -> tuple[float, float]:
    return drawn_again(
        lambda chosen: FIGURES[name](task, [scene[index] for index in chosen]), len(scene), seed, rounds
    )


def interval_of_difference(
    task: str, name: str, a: Scene, b: Scene, seed: int, rounds: int
) -> tuple[float, float]:
    def difference(chosen: list[int]) -> float | None:
        one = FIGURES[name](task, [a[index] for index in chosen])
        other = FIGURES[name](task, [b[index] for index in chosen])
        return None if one is None or other is None else other - one

    return drawn_again(difference, len(a), seed, rounds)


def paired(video: Any, answer: Any) -> list[tuple[Any, Any]]:
    """Gold and heard calls, the best pair taken first, again and again."""
    gold, heard, pairs = list(video.calls), list(answer.calls), []

    def cost(one: Any, other: Any) -> tuple[bool, float]:
        return one.action != other.action, 0.0 if one.second is None else abs(one.second - other.second)

    while True:
        options = [
            (cost(one, other), one, other) for one in gold for other in heard if one.symbol == other.symbol
        ]
        if not options:
            break
        _, one, other = min(options, key=lambda option: option[0])
        gold.remove(one)
        heard.remove(other)
        pairs.append((one, other))
    return [*pairs, *((one, None) for one in gold), *((None, other) for other in heard)]


def all_pairs(scene: Scene) -> list[tuple[Any, Any]]:
    return [pair for video, answer in scene for pair in paired(video, answer)]


def agreed(scene: Scene) -> list[tuple[float, float]]:
    return [
        (one.conviction, other.conviction)
        for one, other in all_pairs(scene)
        if one is not None and other is not None and one.action == other.action
    ]


def kappa(pairs: Sequence[tuple[float, float]]) -> float | None:
    """1 minus observed over expected disagreement; expected: every gold with every heard conviction."""
    if not pairs:
        return None
    observed = sum((third(one) - third(other)) ** 2 for one, other in pairs) / len(pairs)
    expected = (
        sum((third(one) - third(other)) ** 2 for one, _ in pairs for _, other in pairs) / len(pairs) ** 2
    )
    return 1 - observed / expected if expected else None


def seconds_apart(scene: Scene) -> list[float]:
    return sorted(
        abs(one.second - other.second)
        for one, other in all_pairs(scene)
        if one is not None and other is not None and one.second is not None
    )

"""What `earmark evaluate` prints: as a table with sentences for people, as JSON, or as CSV with a figure a line."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from io import StringIO
from typing import Any

from streams.budget.money import usd
from streams.cli.tables import Column, show_table
from streams.cli.terminal import printable, say
from streams.evaluation.against import Against, Regression, verdict
from streams.evaluation.bootstrap import Estimate
from streams.evaluation.gold import Gold, GoldCall, sentence
from streams.evaluation.heard import STATES, HeardCall
from streams.evaluation.misses import MISSES, NEAR_S
from streams.evaluation.paper import PAPER
from streams.evaluation.score import ACTIONS, NONE, Score
from streams.evaluation.tasks import FIGURES, TASKS
from streams.events.prompts import Prompt

_NAMES = {"published": "as published", "counted": "abstention counted"}
_TASK_COLUMNS = (Column("task"), *(Column(_NAMES.get(name, name)) for name in FIGURES))
_PAPER_COLUMNS = (Column("model"), *(Column(task, "number") for task in TASKS))
_PAPER_ROWS = [(model, *(f"{share:.2f}" for share in shares)) for model, *shares in PAPER]
_ACTION_COLUMNS = (
    Column("action"),
    *(Column(name, "count") for name in ("gold", "heard")),
    *(Column(name, "share") for name in ("precision", "recall", "f1")),
)
_CONFUSION_COLUMNS = (Column("gold \\ heard"), *(Column(name, "count") for name in (*ACTIONS, NONE)))


@dataclass(frozen=True)
class Evaluated:
    """A prompt and what its answers are worth; no score where a video was not asked about."""

    prompt: Prompt
    states: Mapping[str, int]
    score: Score | None


def print_evaluation(gold: Gold, found: Sequence[Evaluated], against: Against | None, form: str) -> None:
    """Print what was found of one prompt or two; `against`: the second against the first."""
    if form == "json":
        prompts = [_as_json(one) for one in found]
        whole = {"gold": _gold(gold), "prompts": prompts, "against": against and _against(against)}
        say(json.dumps(whole, default=str, indent=2))
    elif form == "csv":
        text = StringIO()
        rows = csv.writer(text)
        rows.writerow(("prompt", "task", "figure", "value", "low", "high"))
        rows.writerows(_csv_rows(found, against))
        say(text.getvalue(), nl=False)
    else:
        say(sentence(gold), folds=True)
        for one in found:
            _print_one(one)
        if against is not None:
            _print_against(against, [one.prompt.name for one in found])


def _print_one(one: Evaluated) -> None:
    prompt, score = one.prompt, one.score
    say("")
    say(f"{prompt.name} ({prompt.prompt_id}), model {prompt.model}, effort {prompt.effort}", folds=True)
    say(", ".join(f"{one.states.get(state, 0)} {state}" for state in STATES), folds=True)
    if score is None:
        say("incomplete, no score", folds=True)
        return
    for line in _sentences(score):
        say(line, folds=True)
    rows = [[task, *(_interval(score.tasks[task][name]) for name in FIGURES)] for task in TASKS]
    show_table(
        _TASK_COLUMNS, rows, title="macro-F1 in both ways, micro, in percent with 95 % of the bootstrap"
    )
    show_table(_PAPER_COLUMNS, _PAPER_ROWS, title="the paper's rows on its own gold set, as published")
    show_table(_ACTION_COLUMNS, [[getattr(row, c.name) for c in _ACTION_COLUMNS] for row in score.actions])
    show_table(
        _CONFUSION_COLUMNS,
        [
            [gold, *(score.confusion.get((gold, heard), 0) for heard in (*ACTIONS, NONE))]
            for gold in (*ACTIONS, NONE)
        ],
    )


def _sentences(score: Score) -> Iterator[str]:
    videos, cost = sum(score.states.values()), score.cost
    yield (
        f"${usd(cost.usd / videos)} a video, {cost.prompt_tokens // videos} tokens read and"
        f" {cost.answer_tokens // videos} written"
    )
    yield (
        f"conviction: off by {_plain(score.conviction_error)}, weighted kappa {_plain(score.kappa)}, where symbol and action"
        " are right"
    )
    yield (
        f"false calls: {score.false_calls} on {score.false_videos} of {score.silent_videos} videos without a call"
    )
    reasons = ", ".join(f"{count} {name}" for name, count in sorted(score.rejections.items()))
    yield f"grounded: {_percent(score.grounded)} of {score.mentions} mentions; rejected: {reasons or 'none'}"
    yield (
        f"time: off by {_plain(score.median_s)} s in the median of {score.timed} calls, {_percent(score.near)} within"
        f" {NEAR_S:g} s"
    )
    kinds = ", ".join(f"{score.misses[kind]} {kind}" for kind in MISSES if kind in score.misses)
    yield f"missed symbols: {kinds or 'none'}"


def _print_against(found: Against, names: Sequence[str]) -> None:
    say("")
    rows = [[task, *(_difference(found.differences[task][name]) for name in FIGURES)] for task in TASKS]
    show_table(_TASK_COLUMNS, rows, title=f"B = {names[1]} minus A = {names[0]}, in percent of 1")
    counts = ", ".join(f"{found.videos.get(name, 0)} {name}" for name in ("better", "worse", "same"))
    say(f"videos in TA: {counts}", folds=True)
    for regression in found.worst:
        say("\n".join(_regression(regression)), folds=True)


def _regression(bad: Regression) -> Iterator[str]:
    said = bad.said
    what = f"{said.symbol} {said.action}" if said else ""
    yield printable(f"{bad.fault}: {what} in {bad.video.title or bad.video.video_id} ({bad.video.video_id})")
    for name, call in (("gold", bad.gold), ("A", bad.a), ("B", bad.b)):
        yield printable(f"  {name} {_call(call)}")


def _call(call: GoldCall | HeardCall | None) -> str:
    if call is None:
        return "-"
    at = "" if call.second is None else f" (at {call.second:g} s)"
    return f"{call.action}, {call.conviction:.2f}: {call.quote or '-'}{at}"


def _interval(figure: Estimate | None) -> str:
    return (
        "-"
        if figure is None
        else f"{_number(figure.value)} ({_number(figure.low)} to {_number(figure.high)})"
    )


def _difference(figure: Estimate | None) -> str:
    if figure is None:
        return "-"
    return (
        f"{verdict(figure)}, {100 * figure.value:+.1f} ({100 * figure.low:+.1f} to {100 * figure.high:+.1f})"
    )


def _number(share: float) -> str:
    return f"{100 * share:.1f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{_number(share)} %"


def _plain(number: float | None) -> str:
    return "-" if number is None else f"{number:.2f}"


def _gold(gold: Gold) -> dict[str, object]:
    return {
        "name": gold.name,
        "hash": gold.digest,
        "videos": len(gold.videos),
        "calls": gold.calls,
        "videos_without_a_call": gold.without_calls,
        "left_out": gold.left_out,
    }


def _as_json(one: Evaluated) -> dict[str, Any]:
    prompt = one.prompt
    head = {
        "prompt": prompt.name,
        "prompt_id": prompt.prompt_id,
        "model": prompt.model,
        "effort": prompt.effort,
    }
    states = {state.replace(" ", "_"): one.states.get(state, 0) for state in STATES}
    if one.score is None:
        return {**head, "states": states, "score": None}
    score = one.score
    confusion = {
        gold: {heard: score.confusion.get((gold, heard), 0) for heard in (*ACTIONS, NONE)}
        for gold in (*ACTIONS, NONE)
    }
    found = asdict(score, dict_factory=_without_confusion)
    del found["states"]
    return {**head, "states": states, "score": {**found, "confusion": confusion, "grounded": score.grounded}}


def _without_confusion(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    # Its keys are pairs, which JSON has not.
    return {
        name: f"{value:f}" if isinstance(value, Decimal) else value
        for name, value in fields
        if name != "confusion"
    }


def _against(found: Against) -> dict[str, Any]:
    worst = [
        {
            "fault": bad.fault,
            "video": bad.video.video_id,
            "gold": bad.gold and asdict(bad.gold),
            "a": bad.a and asdict(bad.a),
            "b": bad.b and asdict(bad.b),
        }
        for bad in found.worst
    ]
    differences = {
        task: {
            name: figure and {**asdict(figure), "verdict": verdict(figure)}
            for name, figure in figures.items()
        }
        for task, figures in found.differences.items()
    }
    return {"differences": differences, "videos": dict(found.videos), "worst": worst}


def _csv_rows(found: Sequence[Evaluated], against: Against | None) -> Iterator[Sequence[object]]:
    for one in found:
        if one.score is not None:
            yield from _figures(one.prompt.name, one.score.tasks)
    if against is not None:
        yield from _figures("B minus A", against.differences)


def _figures(name: str, tasks: Mapping[str, Mapping[str, Estimate | None]]) -> Iterator[Sequence[object]]:
    for task, figures in tasks.items():
        for label, figure in figures.items():
            if figure is not None:
                yield name, task, label, figure.value, figure.low, figure.high

"""What `earmark evaluate` prints is what the oracle says."""

import csv
import json
from collections import Counter
from io import StringIO

import pytest

from streams.analysis.answer import parse_answer
from streams.analysis.grounding import ground
from streams.analysis.symbols import Symbols
from streams.cli.evaluate import BelowBarError, _hold_to
from streams.cli.evaluate_output import Evaluated, print_evaluation
from streams.demo.sample_channel import PROMPTS, sample_answer, sample_captions, sample_channel
from streams.evaluation.against import against
from streams.evaluation.bootstrap import ROUNDS, SEED
from streams.evaluation.heard import Answer, heard_in, rejected_in
from streams.evaluation.read_gold import read_gold
from streams.evaluation.score import Asked, score
from streams.evaluation.tasks import FIGURES, TASKS
from streams.prompts.files import read_prompt
from tests.builders import naive_scores as naive

GOLD = read_gold("demo")
A, B = map(read_prompt, PROMPTS)


def scripted(prompt: str) -> Asked:
    """The demo's answers; on the video without captions the right one, which is none."""
    mentions = {
        captions.video.video_id: ground(
            parse_answer(sample_answer(captions.video.video_id, prompt)).mentions, captions, Symbols()
        )
        for captions in sample_captions(sample_channel())
    }
    return [
        (
            video,
            Answer(
                "answered",
                heard_in(mentions.get(video.video_id, ())),
                rejected_in(mentions.get(video.video_id, ())),
            ),
        )
        for video in GOLD.videos
    ]


ASKED = (scripted(A.name), scripted(B.name))
FOUND = [
    Evaluated(prompt, Counter(answer.state for _, answer in asked), score(asked, Symbols()))
    for prompt, asked in zip((A, B), ASKED, strict=True)
]
AGAINST = against(*ASKED)


def percent(number: float) -> str:
    return f"{100 * number:.1f}"


def test_the_table_holds_the_oracles_figures(capsys: pytest.CaptureFixture[str]) -> None:
    print_evaluation(GOLD, FOUND, AGAINST, "table")
    shown = capsys.readouterr().out
    assert shown.startswith(f"gold demo ({GOLD.digest}): 8 videos, 27 calls, 1 video without a call\n")
    for prompt, asked in zip((A, B), ASKED, strict=True):
        part = shown.partition(f"{prompt.name} ({prompt.prompt_id})")[2]
        assert part.partition("\n")[2].startswith("8 answered, 0 cut, 0 refused, 0 failed, 0 not asked\n")
        for task in TASKS:
            (row,) = [
                line
                for line in part.partition("the paper's rows")[0].splitlines()
                if line.split()[:1] == [task]
            ]
            for name in FIGURES:
                value = naive.FIGURES[name](task, asked)
                low, high = naive.interval(task, name, asked, SEED, ROUNDS)
                assert value is not None
                assert f"{percent(value)} ({percent(low)} to {percent(high)})" in row
        rejected = sum(len(answer.rejected) for _, answer in asked)
        mentions = rejected + sum(len(answer.calls) for _, answer in asked)
        assert f"{percent(1 - rejected / mentions)} % of {mentions} mentions" in part
        assert "0 on 0 of 1 videos without a call" in part
    assert "Claude 3.5 Sonnet" in shown
    assert f"B = {B.name} minus A = {A.name}" in shown


def test_json_holds_everything(capsys: pytest.CaptureFixture[str]) -> None:
    print_evaluation(GOLD, FOUND, AGAINST, "json")
    shown = json.loads(capsys.readouterr().out)
    assert (shown["gold"]["hash"], shown["gold"]["videos_without_a_call"]) == (GOLD.digest, 1)
    one = shown["prompts"][0]
    assert (one["prompt"], one["states"]["not_asked"]) == (A.name, 0)
    assert one["score"]["tasks"]["TA"]["counted"]["value"] == naive.counted("TA", ASKED[0])
    right = sum(
        a is not None and b is not None and a.action == b.action == "hold"
        for a, b in naive.all_pairs(ASKED[0])
    )
    assert one["score"]["confusion"]["hold"]["hold"] == right
    assert {bad["fault"] for bad in shown["against"]["worst"]} <= {"turned", "lost", "invented"}
    assert shown["against"]["differences"]["T"]["f1"]["verdict"] in {"better", "worse", "same"}


def test_csv_holds_a_figure_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_evaluation(GOLD, FOUND, AGAINST, "csv")
    rows = list(csv.DictReader(StringIO(capsys.readouterr().out)))
    assert len(rows) == 3 * len(TASKS) * len(FIGURES)
    value = naive.counted("T", ASKED[1])
    assert [B.name, "T", "counted", str(value)] in [list(row.values())[:4] for row in rows]


def test_what_is_not_whole_has_no_score(capsys: pytest.CaptureFixture[str]) -> None:
    print_evaluation(GOLD, [Evaluated(A, {"answered": 7, "not asked": 1}, None)], None, "table")
    shown = capsys.readouterr().out
    assert shown.endswith("7 answered, 0 cut, 0 refused, 0 failed, 1 not asked\nincomplete, no score\n")
    for form in ("json", "csv"):
        print_evaluation(GOLD, [Evaluated(A, {"not asked": 8}, None)], None, form)
    assert '"score": null' in capsys.readouterr().out


def test_a_prompt_below_the_bar_fails() -> None:
    reached = naive.counted("TAC", ASKED[0])
    assert reached is not None
    _hold_to([("TAC", reached)], FOUND[0])
    with pytest.raises(BelowBarError, match="in TAC, and --fail-under asks for 1"):
        _hold_to([("T", 0.1), ("TAC", 1.0)], FOUND[0])

"""The scores are what a slow and plain second implementation says, and what a person would say of planted errors."""

from collections import Counter
from decimal import Decimal
from statistics import median

import pytest

from streams.analysis.names import Listing
from streams.analysis.symbols import Symbols
from streams.evaluation.against import against, verdict
from streams.evaluation.bootstrap import ROUNDS, SEED, Estimate
from streams.evaluation.gold import GoldCall
from streams.evaluation.heard import Answer, HeardCall, RejectedCall
from streams.evaluation.misses import Miss, misses_of
from streams.evaluation.score import NONE, Asked, score
from streams.evaluation.tasks import FIGURES, TASKS
from streams.events.analyses import Action
from tests.builders import naive_scores as naive
from tests.builders.gold_scenes import answered_again, gold_video, heard_call, scene

KNOWN = Symbols(bundled=Listing(frozenset({"NVDA", "SHOP", "GOOG"}), {"alphabet": "GOOG"}))
SEEDS = range(4)


def near(value: float | None) -> object:
    return None if value is None else pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_task_is_what_the_oracle_says(seed: int) -> None:
    asked = scene(seed)
    found = score(asked, KNOWN).tasks
    for task in TASKS:
        for name in FIGURES:
            figure = found[task][name]
            assert figure is not None
            assert figure.value == near(naive.FIGURES[name](task, asked)), (task, name)
            interval = naive.interval(task, name, asked, SEED, ROUNDS)
            assert (figure.low, figure.high) == (near(interval[0]), near(interval[1])), (task, name)


@pytest.mark.parametrize("seed", range(30))
def test_everything_else_is_what_the_oracle_says(seed: int) -> None:
    asked = scene(seed)
    found, pairs = score(asked, KNOWN), naive.all_pairs(asked)
    cells = Counter((one.action if one else NONE, other.action if other else NONE) for one, other in pairs)
    assert found.confusion == cells
    for row in found.actions:
        right = cells[row.action, row.action]
        assert row.gold == sum(call.action == row.action for video, _ in asked for call in video.calls)
        assert row.heard == sum(call.action == row.action for _, answer in asked for call in answer.calls)
        assert row.precision == near(right / row.heard if row.heard else None)
        assert row.recall == near(right / row.gold if row.gold else None)
        assert row.f1 == near(naive.f1_of(right, row.heard, row.gold) if row.heard or row.gold else None)
    agreed = naive.agreed(asked)
    assert found.conviction_error == near(
        sum(abs(one - other) for one, other in agreed) / len(agreed) if agreed else None
    )
    assert found.kappa == near(naive.kappa(agreed))
    apart = naive.seconds_apart(asked)
    assert found.timed == len(apart)
    assert found.median_s == near(median(apart) if apart else None)
    assert found.near == near(len([gap for gap in apart if gap <= 10]) / len(apart) if apart else None)
    silent = [answer for video, answer in asked if not video.calls]
    assert found.silent_videos == len(silent)
    assert found.false_videos == len([answer for answer in silent if answer.calls])
    assert found.false_calls == sum(len(answer.calls) for answer in silent)
    assert found.states == Counter(answer.state for _, answer in asked)
    assert found.cost.usd == sum((answer.cost.usd for _, answer in asked), Decimal(0))
    mentions = sum(len(answer.calls) + len(answer.rejected) for _, answer in asked)
    assert found.mentions == mentions
    assert found.grounded == near(
        sum(len(answer.calls) for _, answer in asked) / mentions if mentions else None
    )
    missed = sum(
        len({call.symbol for call in video.calls} - {call.symbol for call in answer.calls})
        for video, answer in asked
    )
    assert sum(found.misses.values()) == missed


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_a_difference_is_what_the_oracle_says(seed: int) -> None:
    a = scene(seed)
    b = answered_again(a, seed + 100)
    found = against(a, b)
    for task in TASKS:
        for name in FIGURES:
            figure = found.differences[task][name]
            one, other = naive.FIGURES[name](task, a), naive.FIGURES[name](task, b)
            assert figure is not None
            assert one is not None
            assert other is not None
            assert figure.value == near(other - one), (task, name)
            interval = naive.interval_of_difference(task, name, a, b, SEED, ROUNDS)
            assert (figure.low, figure.high) == (near(interval[0]), near(interval[1])), (task, name)
    fell = [
        (naive.counted("TA", [one]) or 0) - (naive.counted("TA", [other]) or 0)
        for one, other in zip(a, b, strict=True)
    ]
    assert found.videos == Counter("worse" if drop > 0 else "better" if drop < 0 else "same" for drop in fell)


def test_a_prompt_against_itself_is_the_same() -> None:
    asked = scene(3)
    found = against(asked, asked)
    assert (found.videos, found.worst) == ({"same": 8}, ())
    figures = [figure for task in found.differences.values() for figure in task.values()]
    assert {figure and verdict(figure) for figure in figures} == {"same"}


def test_an_interval_that_holds_zero_is_no_difference() -> None:
    assert verdict(Estimate(0.1, -0.01, 0.2)) == "same"
    assert verdict(Estimate(0.1, 0.01, 0.2)) == "better"
    assert verdict(Estimate(-0.1, -0.2, -0.01)) == "worse"


def call(symbol: str, action: Action = "buy", conviction: float = 0.8, second: float | None = 60) -> GoldCall:
    return GoldCall(symbol, action, conviction, "we bought some more of it", second)


def test_a_right_abstention_is_nothing_to_the_paper_and_everything_to_us() -> None:
    """An answer that does not come is dropped there, and wrong here."""
    quiet, loud = gold_video("q"), gold_video("l", call("NVDA"))
    asked: Asked = [
        (quiet, Answer("answered")),
        (loud, Answer("answered", (heard_call(loud.calls[0]),))),
        (quiet, Answer("refused")),
        (loud, Answer("cut", (heard_call(loud.calls[0]),))),
    ]
    figures = {name: figure and figure.value for name, figure in score(asked, KNOWN).tasks["TAC"].items()}
    assert figures == {"published": 1 / 2, "counted": 3 / 4, "precision": 1, "recall": 1, "f1": 1}


def test_a_figure_over_nothing_is_none() -> None:
    found = score([(gold_video("q"), Answer("refused"))], KNOWN)
    assert found.tasks["T"]["published"] is None
    assert found.tasks["T"]["f1"] is None
    assert found.tasks["T"]["counted"] == Estimate(0, 0, 0)
    assert (found.grounded, found.kappa, found.conviction_error, found.median_s) == (None,) * 4


@pytest.mark.parametrize(
    ("gold", "heard", "rejected", "kind"),
    [
        (call("GOOG"), heard_call(call("GOOGL")), (), "share class"),
        (call("BRK.B"), heard_call(call("BRK.A")), (), "share class"),
        (call("SHOP"), heard_call(call("SHOP.TO")), (), "alias"),
        (call("META"), heard_call(call("FB")), (), "alias"),
        (call("GOOG"), heard_call(call("XYZ"), said_as="Alphabet", second=600.0), (), "alias"),
        (call("NVDA"), heard_call(call("NDVA"), second=65.0), (), "misheard"),
        (call("NVDA", second=None), heard_call(call("AMD")), (), "misheard"),
        (GoldCall("NVDA", "buy", 1), heard_call(call("NVDIA")), (), "misheard"),
        (call("NVDA"), heard_call(call("AMD"), second=600.0, quote="it"), ("NVDA",), "rejected"),
        (call("KTAPE"), heard_call(call("AMD"), second=600.0, quote="it"), (), "not listed"),
        (call("NVDA"), heard_call(call("AMD"), second=600.0, quote="it"), (), "not heard"),
        (call("NVDA"), None, (), "not heard"),
    ],
)
def test_a_miss_is_of_its_kind(
    gold: GoldCall, heard: HeardCall | None, rejected: tuple[str, ...], kind: Miss
) -> None:
    answer = Answer(
        "answered",
        () if heard is None else (heard,),
        tuple(RejectedCall(symbol, "quote_too_short") for symbol in rejected),
    )
    assert list(misses_of(gold_video("v", gold), answer, KNOWN)) == [kind]


def test_the_worst_regressions_come_first_with_both_quotes() -> None:
    calls = [
        call("NVDA", conviction=0.4),
        call("T", "sell", 0.6),
        call("ON", "hold", 0.9),
        call("AMD", "watch"),
    ]
    video = gold_video("v", *calls)
    said = [heard_call(gold, quote=f"A on {gold.symbol}") for gold in calls]
    a: Asked = [(video, Answer("answered", tuple(said)))]
    turned = heard_call(calls[0], action="sell", quote="B on NVDA")
    invented = heard_call(call("F", "avoid"), quote="B on F")
    b: Asked = [(video, Answer("answered", (turned, invented, said[3])))]
    found = [
        (bad.fault, bad.said and bad.said.symbol, bad.a and bad.a.quote, bad.b and bad.b.quote)
        for bad in against(a, b).worst
    ]
    assert found == [
        ("turned", "NVDA", "A on NVDA", "B on NVDA"),
        ("lost", "ON", "A on ON", None),
        ("lost", "T", "A on T", None),
        ("invented", "F", None, "B on F"),
    ]
    assert against(b, a).worst == ()

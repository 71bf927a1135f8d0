"""What a paid answer becomes, whatever is wrapped round it: through the real SDK, the analyst's attempt and the ledger."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import orjson
import pytest

from streams.analysis.results import charge
from streams.budget.prices import price
from streams.claude.answers import of_body
from streams.claude.outcomes import Answered
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.envelope import encode, header
from streams.events.ledger import BudgetReserved, BudgetSettled
from streams.loopback.script import Reply
from tests.builders.analyst_scene import ANSWER
from tests.builders.attempt_scene import Scene, scene
from tests.contract.one_call import claim_of

Altered = Callable[[dict[str, Any]], Mapping[str, Any]]

TOLD: dict[str, Any] = orjson.loads(ANSWER)
PLTR, TSLA = TOLD["mentions"]
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "x"}
BECAME = {"PLTR": None, "TSLA": "quote_not_in_transcript"}
"""The symbols of ANSWER, and why one is rejected."""


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def content(*blocks: dict[str, str]) -> Reply:
    return Reply(ANSWER, altered=lambda message: {**message, "content": list(blocks)})


def says(**changes: Any) -> Reply:
    return Reply(ANSWER, altered=lambda message: {**message, **changes})


def nested(depth: int) -> list[Any]:
    return [nested(depth - 1)] if depth else []


def usage(**changes: Any) -> Reply:
    return Reply(ANSWER, altered=lambda message: {**message, "usage": {**message["usage"], **changes}})


def told(**changes: Any) -> Reply:
    return Reply(orjson.dumps(TOLD | changes).decode())


def mentions(*several: dict[str, Any]) -> Reply:
    return told(mentions=several)


def cut(behind: str) -> Reply:
    """ANSWER, cut behind some words of it."""
    start, found, _ = ANSWER.partition(behind)
    assert found
    return Reply(
        ANSWER,
        altered=lambda message: {**message, "content": [text(start + found)], "stop_reason": "max_tokens"},
    )


async def paid(step: Reply, attempts: int = 1) -> tuple[Scene, AnalysisCompleted]:
    async with scene(step=step) as set_up:
        for _ in range(attempts):
            await set_up.make()
        assert set_up.events(AnalysisFailed) == []
        (done,) = set_up.events(AnalysisCompleted)
        assert isinstance(done, AnalysisCompleted)
        assert not set_up.state.ledger.pending, "nobody asks again"
        return set_up, done


def reserved(set_up: Scene) -> Decimal:
    claim = set_up.events(BudgetReserved)[-1]
    assert isinstance(claim, BudgetReserved)
    return claim.usd


@pytest.mark.parametrize(
    ("step", "became"),
    [
        pytest.param(content(text("Here it is."), text(ANSWER)), BECAME, id="in the second text"),
        pytest.param(content(text(ANSWER), text("That is all.")), BECAME, id="in the first text of two"),
        pytest.param(content(text(ANSWER[:90]), text(ANSWER[90:])), BECAME, id="over two texts"),
        pytest.param(content(THOUGHT, text(ANSWER)), BECAME, id="thinking first"),
        pytest.param(content(text(ANSWER), THOUGHT), BECAME, id="thinking last"),
        pytest.param(content(text("Well."), THOUGHT, text(ANSWER)), BECAME, id="thinking between"),
        pytest.param(Reply(f"```json\n{ANSWER}\n```"), BECAME, id="in a fence"),
        pytest.param(Reply(f"The calls {{as JSON}}:\n\n{ANSWER}"), BECAME, id="behind prose"),
        pytest.param(says(stop_reason="of_tomorrow"), BECAME, id="unknown stop reason"),
        pytest.param(
            told(
                macro_themes={"rates": "fall"},
                key_risks=None,
                summary=["One", {"call": 1}],
                market_outlook={"direction": "bullish", "reasoning": {"why": ["they say so"]}},
            ),
            BECAME,
            id="what explains as objects",
        ),
        pytest.param(told(market_outlook={"direction": "sideways"}), BECAME, id="an outlook that is none"),
        pytest.param(
            mentions(PLTR, {**PLTR, "symbol": "T", "conviction": "high"}),
            {"PLTR": None, "T": "conviction_unusable"},
            id="a conviction in words",
        ),
        pytest.param(
            mentions(PLTR, {**PLTR, "symbol": "T", "conviction": 85}),
            {"PLTR": None, "T": "conviction_unusable"},
            id="a conviction of another scale than the others",
        ),
        pytest.param(
            mentions({**PLTR, "action": " Buy"}, {**PLTR, "symbol": "T", "action": "accumulate"}),
            {"PLTR": None, "T": "action_unknown"},
            id="an action in another case, and an unknown one",
        ),
        pytest.param(
            mentions(PLTR, {"symbol": "T"}, None, {**PLTR, "symbol": "ON", "line": "?"}),
            {"PLTR": None, "T": "action_unknown", "": "symbol_unusable", "ON": "line_unusable"},
            id="mentions that lack parts",
        ),
        pytest.param(
            mentions(
                {**PLTR, "quote": "[7] [Music] buying palanteer"},
                {**PLTR, "symbol": "T", "quote": "i am buying"},
            ),
            {"PLTR": "quote_too_short", "T": None},
            id="cues and line numbers in a quote",
        ),
    ],
)
async def test_an_answer_with_something_odd_about_it_is_kept_as_billed(
    step: Reply, became: Mapping[str, str | None]
) -> None:
    set_up, done = await paid(step)
    assert {mention.symbol: mention.rejected for mention in done.mentions} == became
    assert (done.partial, header(encode(done).headers, "ce_partial")) == (False, None)
    assert done.usage is not None
    assert done.usd == set_up.claude.bill() > 0
    assert set_up.settlements() == [("completed", done.usd, True)]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(says(usage=None), id="usage null"),
        pytest.param(says(usage={"input_tokens": 400}), id="usage partial"),
        pytest.param(says(usage=[]), id="usage of another shape"),
        pytest.param(says(usage=nested(200)), id="usage deeper than any reader goes"),
    ],
)
async def test_an_answer_whose_bill_is_unknown_is_kept_and_its_whole_reservation_charged(step: Reply) -> None:
    set_up, done = await paid(step)
    assert {mention.symbol: mention.rejected for mention in done.mentions} == BECAME
    assert (done.usage, done.usd) == (None, reserved(set_up))
    assert done.usd >= set_up.claude.bill() > 0
    (settled,) = set_up.events(BudgetSettled)
    assert isinstance(settled, BudgetSettled)
    assert (settled.outcome, settled.usd, settled.usage) == ("completed", done.usd, None)
    assert set_up.state.ledger.alarm is None


@pytest.mark.parametrize(
    ("behind", "kept", "outlook", "summary"),
    [
        ('"line":1},{"symbol":"TS', {"PLTR": None}, "bullish", "One call."),
        ('"line":1', {}, "bullish", "One call."),
        ('"One call."', {}, "bullish", "One call."),
        ('"One c', {}, "bullish", None),
    ],
)
async def test_of_an_answer_that_was_cut_twice_what_is_whole_is_kept_as_a_partial_analysis(
    behind: str, kept: dict[str, str | None], outlook: str, summary: str | None
) -> None:
    set_up, done = await paid(cut(behind), attempts=2)
    assert {mention.symbol: mention.rejected for mention in done.mentions} == kept
    assert (done.outlook and done.outlook.direction, done.summary) == (outlook, summary)
    assert (done.partial, header(encode(done).headers, "ce_partial")) == (True, "true")
    assert done.raw_answer == ANSWER.partition(behind)[0] + behind
    assert done.response is not None
    assert done.response.stop_reason == "max_tokens"
    (first,) = set_up.events(AttemptFailed)
    assert isinstance(first, AttemptFailed)
    assert first.usd + done.usd == set_up.claude.bill()
    assert [outcome for outcome, *_ in set_up.settlements()] == ["retry", "completed"]


async def test_an_outlook_may_be_what_a_partial_analysis_lacks() -> None:
    """Where the model puts its mentions first."""
    turned = orjson.dumps({"mentions": TOLD["mentions"], **TOLD}).decode()
    step = Reply(
        ANSWER,
        altered=lambda message: {
            **message,
            "content": [text(turned[: turned.index("market_outlook")])],
            "stop_reason": "max_tokens",
        },
    )
    _, done = await paid(step, attempts=2)
    assert (done.outlook, done.summary, done.themes, len(done.mentions)) == (None, None, (), 2)


async def test_a_cut_answer_with_nothing_whole_in_it_has_failed() -> None:
    async with scene(step=cut('{"market')) as set_up:
        for _ in range(2):
            await set_up.make()
        assert set_up.events(AnalysisCompleted) == []
        (failed,) = set_up.events(AnalysisFailed)
        assert isinstance(failed, AnalysisFailed)
        assert (failed.outcome, failed.raw_answer) == ("max_tokens", '{"market')


async def test_what_the_context_window_ends_is_kept_at_once() -> None:
    """More room does not help it, so there is no second try."""
    step = Reply(
        ANSWER,
        altered=lambda message: {
            **message,
            "content": [text(ANSWER[:-60])],
            "stop_reason": "model_context_window_exceeded",
        },
    )
    _, done = await paid(step)
    assert ([mention.symbol for mention in done.mentions], done.partial) == (["PLTR"], True)


async def test_the_event_keeps_what_the_response_says_of_itself() -> None:
    step = usage(service_tier="priority", inference_geo="global", server_tool_use=None)
    set_up, done = await paid(step)
    assert done.response is not None
    assert (done.response.id, done.response.stop_reason) == ("msg_00000001", "end_turn")
    assert (done.response.model, done.model) == ("claude-haiku-5-5", "claude-haiku-5-5")
    assert (done.response.service_tier, done.response.inference_geo) == ("priority", "global")
    assert orjson.loads(done.response.usage or "") == {
        **(set_up.claude.calls[0].usage or {}),
        "service_tier": "priority",
        "inference_geo": "global",
        "server_tool_use": None,
    }


@pytest.mark.parametrize(
    ("step", "times"),
    [
        pytest.param(says(model="claude-haiku-5-5-20261001"), Decimal(1), id="a dated name"),
        pytest.param(says(model=None), Decimal(1), id="no name"),
        pytest.param(usage(inference_geo="us"), Decimal("1.1"), id="in the US"),
        pytest.param(usage(inference_geo="global"), Decimal(1), id="anywhere"),
        pytest.param(usage(inference_geo="not_available"), Decimal(1), id="nobody says where"),
    ],
)
async def test_a_call_is_charged_for_the_place_it_was_made_in(step: Reply, times: Decimal) -> None:
    _, done = await paid(step)
    assert done.usage is not None
    assert done.usd == price("claude-haiku-5-5", done.usage) * times


async def test_a_call_that_a_dearer_model_served_is_charged_as_that_and_stops_spending() -> None:
    """What was reserved was for the model that was asked for."""
    set_up, done = await paid(says(model="claude-opus-5-5"))
    assert done.usage is not None
    assert done.usd == price("claude-opus-5-5", done.usage) == set_up.claude.bill() > reserved(set_up)
    assert set_up.state.ledger.alarm is not None


def test_a_call_that_a_model_without_a_list_price_served_is_charged_in_full_and_its_answer_kept() -> None:
    """Nothing is spent on that cannot be counted, and what was spent all the same is not guessed."""
    outcome = of_body(
        '{"content": [{"type": "text", "text": "{}"}], "stop_reason": "end_turn", "model": "claude-of-tomorrow",'
        ' "usage": {"input_tokens": 5, "output_tokens": 7}}'
    )
    assert isinstance(outcome, Answered)
    assert charge(claim_of(Decimal(3)), outcome) == (Decimal(3), None)


async def test_a_failed_answer_keeps_its_response_and_is_charged_for_the_model_that_served_it() -> None:
    step = Reply("I would rather not.", altered=lambda message: {**message, "model": "claude-sonnet-5-5"})
    async with scene(step=step) as set_up:
        await set_up.make()
        (failed,) = set_up.events(AttemptFailed)
        assert isinstance(failed, AttemptFailed)
        assert failed.usage is not None
        assert failed.response is not None
        assert failed.response.model == "claude-sonnet-5-5"
        assert failed.usd == price("claude-sonnet-5-5", failed.usage) == set_up.claude.bill()


async def test_half_a_surrogate_pair_is_replaced_before_anything_is_recorded() -> None:
    """In the body's own JSON and in the answer's; a NUL stays in the log as it came."""
    odd = ANSWER.replace("One call.", r"One \ud83d\ude80 \ud83d \u0000 call.").replace(
        "rates", "\ud83d\ude80 \ud83d"
    )
    _, done = await paid(content(text(odd)))
    assert (done.summary, done.themes) == ("One \U0001f680 \ufffd \0 call.", ("\U0001f680 \ufffd",))
    assert encode(done).value.decode().count("\ufffd") == 3


async def test_three_hundred_mentions_in_one_answer_are_all_kept() -> None:
    several = [{**PLTR, "symbol": f"S{n}"} for n in range(300)]
    _, done = await paid(content(text(orjson.dumps(TOLD | {"mentions": several}).decode())))
    assert sum(mention.rejected is None for mention in done.mentions) == 300
